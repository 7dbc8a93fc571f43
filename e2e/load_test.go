//go:build e2e

package e2e

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"
)

func newAWSRepository(t *testing.T, api *ecrpublic.Client, name string) {
	t.Helper()
	_, err := api.CreateRepository(t.Context(), &ecrpublic.CreateRepositoryInput{RepositoryName: aws.String(name)})
	must(t, err)
}

// Far more clients than the server has room for, in little memory: they are served or told to come back later, and nobody
// is killed. `make load` does it for a minute.
func TestLoadOf2000Connections(t *testing.T) {
	const clients, limit = 2000, 256 << 20
	duration, err := time.ParseDuration(cmp.Or(os.Getenv("OPENECR_LOAD"), "4s"))
	must(t, err)
	group := newMemoryGroup(t, limit)
	s := newServer(t, t.TempDir())
	s.env = nil // whatever the stores of the run
	group.start(t, s)
	rig := newLoadRig(t, s)

	watching, stop := context.WithCancel(t.Context())
	curve := make(chan []memorySample)
	go func() { curve <- watchMemory(watching, t, s, group) }()
	begun := time.Now()
	done := rig.run(t.Context(), clients, duration)
	took := time.Since(begun)
	idle := crowd(t, s, 10_000)
	stop()
	samples := <-curve

	done.report(t, took)
	t.Logf("memory of a server with %d MiB:%s", limit>>20, drawCurve(thin(samples, 16)))
	peak := slices.MaxFunc(samples, func(a, b memorySample) int { return cmp.Compare(a.anonymous, b.anonymous) }).anonymous
	if peak > limit {
		t.Errorf("the server held %d MiB", peak>>20)
	}
	if n := group.killed(t); n != "0" {
		t.Errorf("the kernel has killed %s processes", n)
	}
	for _, name := range []string{"check", "HEAD", "pull", "push"} {
		if len(done.took[name]) == 0 {
			t.Errorf("not one %s was done", name)
		}
	}
	t.Logf("of 10000 idle connections %d were open at the end; peak without files %d MiB", idle, peak>>20)
	if idle == 0 || idle > 9000 {
		t.Error("idle connections are not bounded")
	}
	s.process.mustRun(t)
}

// watchMemory samples until the context ends.
func watchMemory(ctx context.Context, t *testing.T, s *server, g memoryGroup) (samples []memorySample) {
	begun := time.Now()
	for {
		all, anonymous := residentMemory(t, s.process.cmd.Process.Pid)
		samples = append(samples, memorySample{time.Since(begun), all, anonymous, g.used()})
		select {
		case <-ctx.Done():
			return samples
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// thin leaves so many samples, evenly.
func thin(samples []memorySample, n int) []memorySample {
	if len(samples) <= n {
		return samples
	}
	var left []memorySample
	for i := range n {
		left = append(left, samples[i*(len(samples)-1)/(n-1)])
	}
	return left
}

// crowd makes that many connections that are used once and then kept, and tells how many the server has left open. A new
// client is served all the same.
func crowd(t *testing.T, s *server, n int) (open int) {
	t.Helper()
	var connections []net.Conn
	defer func() {
		for _, c := range connections {
			c.Close()
		}
	}()
	for range n {
		c, err := net.Dial("tcp", s.addr)
		must(t, err)
		connections = append(connections, c)
		must(t, c.SetDeadline(time.Now().Add(30*time.Second)))
		_, err = fmt.Fprintf(c, "GET /healthz HTTP/1.1\r\nHost: %s\r\n\r\n", s.addr)
		must(t, err)
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		must(t, err)
		_, err = io.Copy(io.Discard, res.Body)
		must(t, err)
	}
	res, err := http.Get(s.url + "/healthz")
	must(t, err)
	res.Body.Close()
	for _, c := range connections {
		must(t, c.SetReadDeadline(time.Now().Add(time.Millisecond)))
		if _, err := c.Read(make([]byte, 1)); os.IsTimeout(err) {
			open++
		}
	}
	return open
}
