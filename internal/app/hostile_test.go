package app

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/openecr/openecr/internal/ref"
)

func TestFloodOfHeadersIsRefused(t *testing.T) {
	r := serve(t, newConfig(t))
	c, err := net.Dial("tcp", strings.TrimPrefix(r.Info().URL, "http://"))
	must(t, err)
	defer c.Close()
	_, err = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n")
	for n := 0; err == nil && n < 1e6; n++ { // until the server has had enough
		_, err = fmt.Fprintf(c, "X-%d: y\r\n", n)
	}
	if err == nil {
		t.Error("the server has read 10 MB of headers")
	}
	must(t, c.SetReadDeadline(time.Now().Add(time.Minute)))
	if said, err := io.ReadAll(c); err == nil && !bytes.HasPrefix(said, []byte("HTTP/1.1 431 ")) {
		t.Errorf("answer %q", said)
	}
}

// A bomb of a few kilobytes stays one: it is bytes with a digest, and no JSON.
func TestNothingIsDecompressed(t *testing.T) {
	c := newConfig(t)
	r := serve(t, c)
	env := readEnvironment(t, c)
	client := newClient(t, r, env)
	makeRepository(t, client)
	login, err := client.GetAuthorizationToken(t.Context(), &ecrpublic.GetAuthorizationTokenInput{})
	must(t, err)
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	_, err = w.Write([]byte(`{"schemaVersion":2,"x":"`))
	must(t, err)
	for range 10 {
		_, err = w.Write(make([]byte, 1<<20))
		must(t, err)
	}
	must(t, w.Close())
	send := func(method, path string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, env.URL+path, bytes.NewReader(bomb.Bytes()))
		must(t, err)
		req.Header.Set("Authorization", "Basic "+aws.ToString(login.AuthorizationData.AuthorizationToken))
		req.Header.Set("Content-Encoding", "gzip")
		req.Header.Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
		res, err := r.client.Do(req)
		must(t, err)
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		must(t, err)
		return res.StatusCode, string(body)
	}
	path := "/v2/" + env.Alias + "/hello"
	if status, body := send(http.MethodPut, path+"/manifests/1"); status != http.StatusBadRequest || !strings.Contains(body, "MANIFEST_INVALID") {
		t.Errorf("as a manifest: %d %s", status, body)
	}
	if status, body := send(http.MethodPost, path+"/blobs/uploads/?digest="+ref.DigestBytes(ref.SHA256, bomb.Bytes()).String()); status != http.StatusCreated {
		t.Errorf("as a blob: %d %s", status, body)
	}
	if status, body := send(http.MethodPost, "/"); status != http.StatusBadRequest {
		t.Errorf("as a call: %d %s", status, body)
	}
}

func TestOnlyWhatSendsCompressedKnowsHow(t *testing.T) {
	allowed := map[string]string{"internal/gallery": "compress/gzip", "internal/push": "archive/tar"}
	for name, imports := range importGraph(t) {
		name, ours := strings.CutPrefix(name, module)
		for _, imported := range imports {
			if ours && (strings.HasPrefix(imported, "compress/") || strings.HasPrefix(imported, "archive/") || strings.Contains(imported, "klauspost")) && allowed[name] != imported {
				t.Errorf("%s imports %s: nothing that clients send is decompressed", name, imported)
			}
		}
	}
}

// rawHTTP2 is a connection without a client's manners.
func rawHTTP2(t *testing.T, r *running) (*http2.Framer, net.Conn) {
	t.Helper()
	pem, err := os.ReadFile(r.Info().Certificate)
	must(t, err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	c, err := tls.Dial("tcp", strings.TrimPrefix(r.Info().URL, "https://"), &tls.Config{RootCAs: pool, NextProtos: []string{"h2"}})
	must(t, err)
	t.Cleanup(func() { c.Close() })
	_, err = io.WriteString(c, http2.ClientPreface)
	must(t, err)
	f := http2.NewFramer(c, c)
	must(t, f.WriteSettings())
	must(t, c.SetDeadline(time.Now().Add(time.Minute)))
	return f, c
}

func TestHTTP2SaysItsLimits(t *testing.T) {
	r := serve(t, Config{Stores: Stores{Data: t.TempDir()}, Addr: "127.0.0.1:0", Transport: Transport{TLS: tlsSelfSigned}, Overload: Overload{MemoryLimit: "256MiB"}})
	f, _ := rawHTTP2(t, r)
	frame, err := f.ReadFrame()
	must(t, err)
	settings, ok := frame.(*http2.SettingsFrame)
	if !ok {
		t.Fatalf("the first frame is %v", frame)
	}
	for id, most := range map[http2.SettingID]uint32{http2.SettingMaxConcurrentStreams: maxStreams, http2.SettingMaxHeaderListSize: 64 << 10, http2.SettingInitialWindowSize: 128 << 10} {
		if v, ok := settings.Value(id); !ok || v == 0 || v > most {
			t.Errorf("%v is %d, at most %d", id, v, most)
		}
	}
}

// Requests that are reset as soon as they are made cost their sender the connection, and nobody else anything.
func TestRapidResetsOfHTTP2(t *testing.T) {
	r := serve(t, Config{Stores: Stores{Data: t.TempDir()}, Addr: "127.0.0.1:0", Transport: Transport{TLS: tlsSelfSigned}})
	f, c := rawHTTP2(t, r)
	var block bytes.Buffer
	headers := hpack.NewEncoder(&block)
	for _, h := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":path", "/search?q=x"}, {":authority", strings.TrimPrefix(r.Info().URL, "https://")}} {
		must(t, headers.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]}))
	}
	first := slices.Clone(block.Bytes())
	go func() { _, _ = io.Copy(io.Discard, c) }()
	for id := uint32(1); id < 2*20_000; id += 2 {
		err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: first, EndStream: true, EndHeaders: true})
		if err == nil {
			err = f.WriteRSTStream(id, http2.ErrCodeCancel)
		}
		if err != nil {
			break // the server has closed the connection
		}
	}
	client := trusting(t, r.Info().Certificate)
	if res := get(t, client, r.Info().URL+"/healthz"); res.StatusCode != http.StatusOK {
		t.Error(res.Status)
	}
	if res := get(t, client, r.Info().URL+"/search?q=x"); res.StatusCode != http.StatusOK {
		t.Errorf("a page while others reset theirs: %s", res.Status)
	}
}
