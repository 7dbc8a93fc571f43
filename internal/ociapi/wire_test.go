package ociapi_test

import (
	"bufio"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openecr/openecr/internal/ociapi"
	"github.com/openecr/openecr/internal/registry"
)

// changed are the files whose registry is not run as usual.
var changed = map[string]func(*ociapi.Options){
	"private": func(o *ociapi.Options) { o.Private = true },
	"create":  func(o *ociapi.Options) { o.CreateOnPush = &registry.Catalog{} },
}

// TestWire plays the exchanges in testdata/*.txt, each file against a registry of its own (see newServer). A file looks
// like this:
//
//	$name = text               what $name stands for below
//
//	=== what this shows
//	PUT /v2/a1b2c3d4/hello/manifests/1
//	Authorization: Bearer owner
//
//	body, its last newline not included
//	--- 201
//	Location: https://…
//
//	body
//
// Headers of the answer are compared exactly, but for Date, Connection, those that every answer has, and a
// Content-Length that is that of the body. sha256(x), sha512(x) and len(x) are worked out. $upload is the id in the newest Docker-Upload-Uuid. Host and Content-Length are
// added to a request; a body shorter than its stated Content-Length is one that breaks off.
func TestWire(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no exchanges in testdata: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name, func(t *testing.T) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var change []func(*ociapi.Options)
			if fn := changed[name]; fn != nil {
				change = append(change, fn)
			}
			play(t, newServer(t, change...).address, string(content))
		})
	}
}

func play(t *testing.T, address, script string) {
	preface, script, _ := strings.Cut(script, "\n=== ")
	names := variables{}
	for line := range strings.Lines(preface) {
		if name, text, ok := strings.Cut(line, " = "); ok && strings.HasPrefix(name, "$") {
			names[name] = names.expand(strings.TrimSpace(text))
		}
	}
	for _, block := range strings.Split(script, "\n=== ") {
		title, block, _ := strings.Cut(block, "\n")
		asked, answered, ok := strings.Cut(block, "\n--- ")
		if !ok {
			t.Fatalf("exchange %q has no answer", title)
		}
		t.Run(title, func(t *testing.T) {
			got := exchange(t, address, names.expand(asked), names)
			want := normal(names.expand(answered))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

// normal sorts the headers of an answer, so that scripts may have them in the order that reads best.
func normal(answer string) string {
	head, body, _ := strings.Cut(answer, "\n\n")
	lines := strings.Split(strings.TrimSpace(head), "\n")
	slices.Sort(lines[1:])
	return strings.Join(lines, "\n") + "\n\n" + strings.TrimRight(body, "\n")
}

// everywhere are headers that each answer has.
var everywhere = map[string]string{
	"Docker-Distribution-Api-Version": "registry/2.0",
	"X-Content-Type-Options":          "nosniff",
	"Content-Security-Policy":         "default-src 'none'; sandbox",
	"X-Amzn-Requestid":                "request-1",
}

// exchange sends a request over a connection of its own and returns the answer as scripts have it.
func exchange(t *testing.T, address, asked string, names variables) string {
	t.Helper()
	head, body, _ := strings.Cut(asked, "\n\n")
	requestLine, headers, _ := strings.Cut(strings.TrimSpace(head), "\n")
	verb, _, _ := strings.Cut(requestLine, " ")
	dialer := net.Dialer{}
	conn, err := dialer.DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()

	var raw strings.Builder
	fmt.Fprintf(&raw, "%s HTTP/1.1\r\nHost: registry.test\r\nConnection: close\r\n", requestLine)
	for line := range strings.Lines(headers) {
		raw.WriteString(strings.TrimSpace(line) + "\r\n")
	}
	switch {
	case strings.Contains(headers, "Transfer-Encoding: chunked"):
		body = fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	case !strings.Contains(headers, "Content-Length:"):
		fmt.Fprintf(&raw, "Content-Length: %d\r\n", len(body))
	}
	raw.WriteString("\r\n" + body)
	if _, err := io.WriteString(conn, raw.String()); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(headers, "Content-Length:") {
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil { // the body breaks off here
			t.Fatal(err)
		}
	}
	return readAnswer(t, conn, verb, names)
}

func readAnswer(t *testing.T, conn io.Reader, verb string, names variables) string {
	t.Helper()
	answer, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: verb})
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range everywhere {
		if got := answer.Header.Get(name); got != want {
			t.Errorf("header %s is %q, want %q", name, got, want)
		}
		answer.Header.Del(name)
	}
	if answer.Header.Get("Content-Length") == strconv.Itoa(len(body)) {
		answer.Header.Del("Content-Length")
	}
	answer.Header.Del("Date")
	answer.Header.Del("Connection")
	if id := answer.Header.Get("Docker-Upload-Uuid"); id != "" {
		names["$upload"] = id
	}
	text := fmt.Sprintln(answer.StatusCode)
	for _, name := range slices.Sorted(maps.Keys(answer.Header)) {
		text += fmt.Sprintf("%s: %s\n", name, strings.Join(answer.Header[name], " | "))
	}
	return normal(text + "\n" + string(body))
}

// variables are the texts that names in a script stand for.
type variables map[string]string

var (
	named    = regexp.MustCompile(`\$[a-z]+`)
	computed = regexp.MustCompile(`(sha256|sha512|len)\(([^()]*)\)`)
)

func (v variables) expand(s string) string {
	s = named.ReplaceAllStringFunc(s, func(name string) string { return v[name] })
	return computed.ReplaceAllStringFunc(s, func(call string) string {
		m := computed.FindStringSubmatch(call)
		switch m[1] {
		case "len":
			return fmt.Sprint(len(m[2]))
		case "sha256":
			return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(m[2])))
		default:
			return fmt.Sprintf("sha512:%x", sha512.Sum512([]byte(m[2])))
		}
	})
}
