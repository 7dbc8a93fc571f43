//go:build e2e

package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"testing"
	"time"
)

// Each proxy that has a configuration in deploy/ passes docker, signed calls, and bodies of any size as they come.
func TestConfiguredProxies(t *testing.T) {
	for _, r := range reverseProxies {
		t.Run(r.name, func(t *testing.T) {
			p, s := r.start(t)
			aws := newAWS(t, s)
			aws.tool = p.client(aws.tool)
			image := aws.createRepository(t, s, "hello") + ":1"
			l := newLayout(t)
			made := l.image("amd64", 1, 50<<20)
			d := startDockerOn(t, p.client)
			d.load(t, l, made, image)
			password := aws.password(t)
			d.login(t, password, s.host())
			d.run(t, "push", image)
			d.run(t, "image", "rm", image)
			d.run(t, "pull", image)
			if got, want := d.imageID(t, image), made.config(l); got != want {
				t.Errorf("pulled image %s, pushed %s", got, want)
			}
			checkUnbuffered(t, p, s, password)
		})
	}
}

// checkUnbuffered sends half of a body, waits until the server has written most of it to its disk, and sends the rest.
func checkUnbuffered(t *testing.T, p tlsProxy, s *server, password string) {
	t.Helper()
	const half = 8 << 20
	c := signIn(t, "http://"+s.addr, s.alias(), password) // this machine does not know the proxy's name
	upload, err := c.startUpload(t.Context(), "hello")
	must(t, err)
	before := folderSize(t, s.data)

	body, sender := io.Pipe()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, upload, body)
	must(t, err)
	request.ContentLength = 2 * half
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Content-Range", fmt.Sprintf("0-%d", 2*half-1))
	sent := make(chan error, 1)
	go func() {
		answer, err := p.http(t).Do(request)
		if err == nil && answer.StatusCode != http.StatusAccepted {
			err = fmt.Errorf("PATCH %s: %s", upload, answer.Status)
		}
		sent <- err
	}()
	_, err = sender.Write(randomData(half))
	must(t, err)
	waitFor(t, 30*time.Second, "the first half of the body to reach the server", func() bool {
		return folderSize(t, s.data)-before > half/2
	})
	_, err = sender.Write(randomData(half))
	must(t, err)
	must(t, sender.Close())
	must(t, <-sent)
}

// http is a client that knows the proxy's name and trusts its certificate.
func (p tlsProxy) http(t *testing.T) *http.Client {
	t.Helper()
	u, err := url.Parse(p.url)
	must(t, err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(readFile(t, p.ca)))
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+u.Port())
		},
	}}
}

// folderSize is how many bytes the files in a folder have.
func folderSize(t *testing.T, folder string) int64 {
	t.Helper()
	var size int64
	_ = filepath.Walk(folder, func(_ string, info fs.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() { // else it went while we looked
			size += info.Size()
		}
		return nil
	})
	return size
}
