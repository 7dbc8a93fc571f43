package enginetest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const (
	s3AccessKeyID = "testkey"
	// S3SecretAccessKey is that of every gateway. No message or log may show it.
	S3SecretAccessKey = "s3cret+key/of-the-gateway"
	s3Region          = "us-east-1"
	s3Start           = 30 * time.Second
)

// Gateway is versitygw: an S3 server on a loopback port that keeps objects as files of a temporary folder. It ends with
// the test that it was made for.
type Gateway struct {
	t       testing.TB
	dir     string
	port    int
	command *exec.Cmd     // nil while it does not run
	ended   chan struct{} // closed when the process of command has ended
	made    atomic.Int32  // buckets
}

// S3 makes a gateway and starts it.
func S3(t testing.TB) *Gateway {
	t.Helper()
	g := &Gateway{t: t, dir: t.TempDir(), port: freePort(t)}
	for _, folder := range []string{"buckets", "metadata"} {
		if err := os.Mkdir(filepath.Join(g.dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { g.end(syscall.SIGKILL) })
	g.Start()
	return g
}

// clients is the folder of the programs that are built for the tests.
func clients(t testing.TB) string {
	if dir := os.Getenv("OPENECR_CLIENTS"); dir != "" {
		return dir
	}
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(home, ".cache", "openecr", "tools", "bin")
}

// Start starts the server and waits until it answers.
func (g *Gateway) Start() {
	g.t.Helper()
	log, err := os.OpenFile(g.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		g.t.Fatal(err)
	}
	defer log.Close()
	// Metadata in files of their own, because not every file system has room for it in attributes.
	command := exec.Command(filepath.Join(clients(g.t), "versitygw"), "--access", s3AccessKeyID, "--secret", S3SecretAccessKey,
		"--port", "127.0.0.1:"+strconv.Itoa(g.port), "--keep-alive", "--quiet",
		"posix", "--sidecar", filepath.Join(g.dir, "metadata"), filepath.Join(g.dir, "buckets"))
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		g.t.Fatalf("run make tools, which builds versitygw: %v", err)
	}
	ended := make(chan struct{})
	go func() {
		_ = command.Wait() // how it ended is in the log
		close(ended)
	}()
	g.command, g.ended = command, ended
	g.await()
}

func (g *Gateway) log() string { return filepath.Join(g.dir, "log") }

// await asks until there is any answer: the server announces nothing.
func (g *Gateway) await() {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), s3Start)
	defer cancel()
	for {
		err := g.ask(ctx)
		if err == nil {
			return
		}
		select {
		case <-g.ended:
			g.t.Fatalf("versitygw ended: %v\n%s", err, g.logTail())
		case <-ctx.Done():
			g.t.Fatalf("versitygw does not answer after %s: %v\n%s", s3Start, err, g.logTail())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (g *Gateway) ask(ctx context.Context) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, g.Endpoint(), http.NoBody)
	if err != nil {
		return err
	}
	transport := &http.Transport{DisableKeepAlives: true}
	res, err := transport.RoundTrip(r)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

func (g *Gateway) logTail() []byte {
	content, err := os.ReadFile(g.log())
	if err != nil {
		return []byte(err.Error())
	}
	return content[max(0, len(content)-4000):]
}

// Stop ends the server in the midst of its requests; Start has it go on with what it had stored.
func (g *Gateway) Stop() { g.end(syscall.SIGKILL) }

// Hang stops the server without ending it: connections stay open and nothing is answered, until Continue.
func (g *Gateway) Hang() { g.signal(syscall.SIGSTOP) }

// Continue ends Hang.
func (g *Gateway) Continue() { g.signal(syscall.SIGCONT) }

func (g *Gateway) signal(signal syscall.Signal) {
	if err := g.command.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		g.t.Error(err)
	}
}

func (g *Gateway) end(signal syscall.Signal) {
	if g.command == nil {
		return
	}
	g.signal(signal)
	<-g.ended
	g.command = nil
}

// Endpoint is the address of the server.
func (g *Gateway) Endpoint() string { return "http://127.0.0.1:" + strconv.Itoa(g.port) }

// Blobs makes an empty bucket and returns what openecr takes for --blobs. It needs Env beside it.
func (g *Gateway) Blobs(t testing.TB) string {
	t.Helper()
	endpoint, bucket := g.Endpoint(), fmt.Sprintf("layers-%d", g.made.Add(1))
	client := s3.New(s3.Options{
		BaseEndpoint: &endpoint, Region: s3Region, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(s3AccessKeyID, S3SecretAccessKey, ""),
	})
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
		t.Fatal(err)
	}
	parameters := url.Values{"endpoint": {endpoint}, "region": {s3Region}, "path-style": {"true"}}
	return "s3://" + bucket + "/registry?" + parameters.Encode()
}

// Env is the credentials, as openecr takes them from its environment.
func (g *Gateway) Env() []string {
	return []string{"OPENECR_S3_ACCESS_KEY_ID=" + s3AccessKeyID, "OPENECR_S3_SECRET_ACCESS_KEY=" + S3SecretAccessKey}
}
