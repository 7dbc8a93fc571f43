//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"
	"github.com/google/go-cmp/cmp"
)

// TestWire sends the requests of the tables testdata/*.wire and compares the answers. What none of them may do is
// change anything.
func TestWire(t *testing.T) {
	for _, table := range []string{"api", "registry"} {
		t.Run(table, func(t *testing.T) {
			w := newWireServer(t)
			before := w.state(t)
			for _, c := range readWireTable(t, "testdata/"+table+".wire") {
				t.Run(c.name, func(t *testing.T) { w.exchange(t, c) })
			}
			if diff := cmp.Diff(before, w.state(t)); diff != "" {
				t.Errorf("bad requests changed what the server holds (-before +after):\n%s", diff)
			}
		})
	}
}

// A wireCase is one exchange of a table: a request, and what its answer has to be.
type wireCase struct {
	name         string
	method, path string
	header       [][2]string
	body         string
	status       string // three digits, or like 4xx
	wantHeader   [][2]string
	wantBody     string
}

// readWireTable reads a table. Its own first lines say how it is written.
func readWireTable(t *testing.T, file string) []wireCase {
	t.Helper()
	text, err := os.ReadFile(file)
	must(t, err)
	var cases []wireCase
	for _, section := range strings.Split("\n"+string(text), "\n=== ")[1:] {
		name, rest, _ := strings.Cut(section, "\n")
		request, answer, found := strings.Cut(rest, "\n--- ")
		if !found {
			t.Fatalf("%s: case %q has no answer", file, name)
		}
		c := wireCase{name: name}
		var line string
		line, c.header, c.body = readWireMessage(t, request)
		c.method, c.path, _ = strings.Cut(line, " ")
		c.status, c.wantHeader, c.wantBody = readWireMessage(t, answer)
		cases = append(cases, c)
	}
	return cases
}

// readWireMessage reads a first line, header lines, and a body after an empty line.
func readWireMessage(t *testing.T, text string) (first string, header [][2]string, body string) {
	t.Helper()
	head, body, _ := strings.Cut(text, "\n\n")
	lines := strings.Split(strings.TrimSpace(head), "\n")
	for _, line := range lines[1:] {
		name, value, found := strings.Cut(line, ": ")
		if !found {
			t.Fatalf("header line %q has no colon", line)
		}
		header = append(header, [2]string{name, value})
	}
	return lines[0], header, strings.TrimSpace(body)
}

// A wireServer is a server with something in it, and what stands for its names in the tables.
type wireServer struct {
	*server
	api         *ecrpublic.Client
	credentials aws.Credentials
	names       *strings.Replacer
}

// newWireServer holds the repository hello, with an image tagged 1 and uploads that have begun.
func newWireServer(t *testing.T) *wireServer {
	t.Helper()
	w := &wireServer{server: startServer(t)}
	w.api = newSDK(t, w.server)
	credentials, err := w.api.Options().Credentials.Retrieve(t.Context())
	must(t, err)
	w.credentials = credentials
	_, err = w.api.CreateRepository(t.Context(), &ecrpublic.CreateRepositoryInput{RepositoryName: aws.String("hello")})
	must(t, err)
	l := newLayout(t)
	image := l.image("amd64", 1, 4096)
	sdkPush(w.api)(t, "hello", "1", l, image)
	layer := l.manifest(image.Digest).Layers[0]

	begun, err := w.api.InitiateLayerUpload(t.Context(), &ecrpublic.InitiateLayerUploadInput{RepositoryName: aws.String("hello")})
	must(t, err)
	halfway, err := w.api.InitiateLayerUpload(t.Context(), &ecrpublic.InitiateLayerUploadInput{RepositoryName: aws.String("hello")})
	must(t, err)
	_, err = w.api.UploadLayerPart(t.Context(), &ecrpublic.UploadLayerPartInput{RepositoryName: aws.String("hello"),
		UploadId: halfway.UploadId, LayerPartBlob: []byte("hello"), PartFirstByte: aws.Int64(0), PartLastByte: aws.Int64(4)})
	must(t, err)
	registry := newRegistryClient(t, w.server, w.api)
	location, err := registry.startUpload(t.Context(), "hello")
	must(t, err)
	registries, err := w.api.DescribeRegistries(t.Context(), &ecrpublic.DescribeRegistriesInput{})
	must(t, err)
	w.names = strings.NewReplacer(
		"<alias>", w.alias(), "<account>", *registries.Registries[0].RegistryId, "<url>", w.url,
		"<bearer>", registry.token,
		"<upload>", *begun.UploadId, "<upload with hello>", *halfway.UploadId,
		"<location>", strings.TrimPrefix(registry.address(location), w.url),
		"<image>", image.Digest, "<manifest>", string(l.read(image.Digest)),
		"<manifest in JSON>", strings.Trim(strconv.Quote(string(l.read(image.Digest))), `"`),
		"<layer>", layer.Digest, "<config>", l.manifest(image.Digest).Config.Digest,
	)
	return w
}

// state is what the server says it holds.
func (w *wireServer) state(t *testing.T) string {
	t.Helper()
	repositories, err := w.api.DescribeRepositories(t.Context(), &ecrpublic.DescribeRepositoriesInput{})
	must(t, err)
	images, err := w.api.DescribeImages(t.Context(), &ecrpublic.DescribeImagesInput{RepositoryName: aws.String("hello")})
	must(t, err)
	tags, err := w.api.DescribeImageTags(t.Context(), &ecrpublic.DescribeImageTagsInput{RepositoryName: aws.String("hello")})
	must(t, err)
	layers, err := w.api.BatchCheckLayerAvailability(t.Context(), &ecrpublic.BatchCheckLayerAvailabilityInput{
		RepositoryName: aws.String("hello"),
		LayerDigests:   []string{w.names.Replace("<layer>"), w.names.Replace("<config>"), digestOf([]byte("hello"))},
	})
	must(t, err)
	return string(toJSON(t, []any{repositories.Repositories, images.ImageDetails, tags.ImageTagDetails, layers.Layers}))
}

var wireRepeat = regexp.MustCompile(`<(\S+) x (\d+)>`)

// fill puts what the names stand for in their place.
func (w *wireServer) fill(text string) string {
	text = wireRepeat.ReplaceAllStringFunc(w.names.Replace(text), func(match string) string {
		parts := wireRepeat.FindStringSubmatch(match)
		n, _ := strconv.Atoi(parts[2])
		return strings.Repeat(parts[1], n)
	})
	return text
}

func (w *wireServer) exchange(t *testing.T, c wireCase) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	body := []byte(w.fill(c.body))
	request, err := http.NewRequestWithContext(ctx, c.method, w.url+w.fill(c.path), bytes.NewReader(body))
	must(t, err)
	var signature string
	for _, h := range c.header {
		if h[0] == "Authorization" && strings.HasPrefix(h[1], "<sigv4") {
			signature = h[1]
			continue
		}
		request.Header[h[0]] = append(request.Header[h[0]], w.fill(h[1]))
	}
	if signature != "" {
		w.sign(t, request, signature, body)
	}
	status, header, got, err := send(request)
	must(t, err)
	if !regexp.MustCompile("^" + strings.ReplaceAll(c.status, "x", `\d`) + "$").MatchString(strconv.Itoa(status)) {
		t.Errorf("status %d, want %s", status, c.status)
	}
	for _, h := range c.wantHeader {
		if value := strings.Join(header.Values(h[0]), ", "); !w.matches(h[1], value) {
			t.Errorf("header %s: %q, want %q", h[0], value, w.fill(h[1]))
		}
	}
	if !w.matches(c.wantBody, strings.TrimSpace(string(got))) {
		t.Errorf("body\n%.2000s\nwant\n%s", got, w.fill(c.wantBody))
	}
}

// matches compares an answer with a pattern in which <any> stands for anything.
func (w *wireServer) matches(pattern, got string) bool {
	parts := strings.Split(w.fill(pattern), "<any>")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile(`(?s)^` + strings.Join(parts, ".*") + `$`).MatchString(got)
}

// sign signs the request as the table says: rightly, or wrong in one way.
func (w *wireServer) sign(t *testing.T, request *http.Request, how string, body []byte) {
	t.Helper()
	credentials, service, now := w.credentials, "ecr-public", time.Now()
	switch how {
	case "<sigv4>":
	case "<sigv4 wrong secret>":
		credentials.SecretAccessKey = "wrong"
	case "<sigv4 unknown key>":
		credentials.AccessKeyID = "AKIAIOSFODNN7EXAMPLE"
	case "<sigv4 session token>":
		credentials.SessionToken = "session"
	case "<sigv4 other service>":
		service = "ecr"
	case "<sigv4 six minutes ago>":
		now = now.Add(-6 * time.Minute)
	case "<sigv4 in six minutes>":
		now = now.Add(6 * time.Minute)
	case "<sigv4 of another body>":
		body = []byte(fmt.Sprintf("%s ", body))
	default:
		t.Fatalf("the table has no signature called %s", how)
	}
	hash := sha256.Sum256(body)
	must(t, v4.NewSigner().SignHTTP(t.Context(), credentials, request, hex.EncodeToString(hash[:]), service, "us-east-1", now))
}
