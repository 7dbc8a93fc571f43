//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"
)

func TestMakeServeSaysWhatToTypeNext(t *testing.T) {
	data := t.TempDir()
	said := &output{}
	t.Cleanup(func() { said.show(t, "make serve") })
	keyboard, typed := io.Pipe()
	// script is a terminal; openecr talks to people only on one.
	cmd := exec.Command("script", "--quiet", "--return", "--command",
		"make --directory .. serve ARGS='--addr 127.0.0.1:0 --admin-addr 127.0.0.1:0 --data "+data+"'", "/dev/null")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = keyboard, said, said
	p := startProcess(t, cmd)

	waitFor(t, 2*time.Minute, "make serve to say what to type", func() bool {
		p.mustRun(t)
		return strings.Contains(said.text(), "docker push")
	})
	var server struct{ URL, Registry string }
	file, err := os.ReadFile(filepath.Join(data, "server.json"))
	must(t, err)
	must(t, json.Unmarshal(file, &server))
	for _, want := range []string{server.URL, server.Registry, "openecr env", "aws ecr-public create-repository", "docker login"} {
		if !strings.Contains(said.text(), want) {
			t.Errorf("make serve did not say %q", want)
		}
	}

	_, err = typed.Write([]byte{3}) // Ctrl-C
	must(t, err)
	must(t, typed.Close())
	p.wait(t)
}

func TestFirstStartMakesAnAccountAndKeepsIt(t *testing.T) {
	s := startServer(t)
	if !regexp.MustCompile(`^127\.0\.0\.1:\d+/([a-z][0-9]){4}$`).MatchString(s.registry) {
		t.Errorf("registry %q, want HOST:PORT and an alias of four times a letter and a digit", s.registry)
	}
	credentials, registry := s.file("credentials"), s.registry
	info, err := os.Stat(filepath.Join(s.data, "credentials"))
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the credentials file is %o, want 600", info.Mode().Perm())
	}

	s.restart()
	if s.registry != registry {
		t.Errorf("registry after a restart %q, before %q", s.registry, registry)
	}
	if s.file("credentials") != credentials {
		t.Error("the credentials file changed with a restart")
	}

	// The file is what the AWS tools read as their own.
	cli := awsCLI{newTool(t, "/usr/bin/aws", "--endpoint-url", s.url, "ecr-public").
		with("AWS_SHARED_CREDENTIALS_FILE="+filepath.Join(s.data, "credentials"), "AWS_REGION=us-east-1")}
	cli.createRepository(t, s, "hello")
}

func TestEnvironmentFixesAccountAliasAndKey(t *testing.T) {
	s := newServer(t, t.TempDir())
	s.env = append(s.env, "OPENECR_ACCOUNT_ID=123456789012", "OPENECR_ALIAS=p8v8e7e5",
		"OPENECR_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "OPENECR_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
	s.start()
	if s.alias() != "p8v8e7e5" {
		t.Errorf("alias %q, want p8v8e7e5", s.alias())
	}
	cli := awsCLI{newTool(t, "/usr/bin/aws", "--endpoint-url", s.url, "ecr-public").
		with("AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "AWS_REGION=us-east-1")}
	var out struct{ Registries []struct{ RegistryID string } }
	cli.call(t, &out, "describe-registries")
	if len(out.Registries) != 1 || out.Registries[0].RegistryID != "123456789012" {
		t.Errorf("describe-registries answered %+v, want registry 123456789012", out.Registries)
	}
}

func TestEnvPointsAShellHereAndBack(t *testing.T) {
	s := startServer(t)
	env := s.environment(t)
	for _, want := range []string{"AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_ENDPOINT_URL_ECR_PUBLIC=" + s.url, "OPENECR_REGISTRY=" + s.registry} {
		if !slices.Contains(env, want) {
			t.Errorf("openecr env did not set %s; environment: %q", want, env)
		}
	}
	for _, name := range []string{"AWS_SESSION_TOKEN", "AWS_PROFILE"} {
		if slices.ContainsFunc(env, func(e string) bool { return strings.HasPrefix(e, name+"=") }) {
			t.Errorf("openecr env left %s set", name)
		}
	}

	const script = `eval "$("$0" env --data "$1")"; eval "$("$0" env --data "$1" --unset)"; env | grep -E '^(AWS|OPENECR)_' | sort`
	before := []string{"AWS_PROFILE=mine", "AWS_REGION=eu-west-1", "AWS_SESSION_TOKEN=session"}
	after := newTool(t, "bash", "-c", script).with(before...).run(t, openecr, s.data)
	if want := strings.Join(before, "\n") + "\n"; after != want {
		t.Errorf("environment after openecr env and openecr env --unset:\n%swant:\n%s", after, want)
	}
}

func TestTakenPortIsOneClearSentence(t *testing.T) {
	s := startServer(t)
	second := newTool(t, openecr, "serve", "--admin-addr", "127.0.0.1:0", "--data", t.TempDir())
	said := strings.TrimSpace(second.fails(t, "--addr", s.addr))
	if strings.Contains(said, "\n") || !strings.Contains(said, s.addr) || !strings.Contains(said, "taken") {
		t.Errorf("a second server on %s said %q, want one sentence with the address and that it is taken", s.addr, said)
	}
}

func TestDataFolderHasOneServer(t *testing.T) {
	s := startServer(t)
	second := newTool(t, openecr, "serve", "--addr", "127.0.0.1:0", "--admin-addr", "127.0.0.1:0")
	said := strings.TrimSpace(second.fails(t, "--data", s.data))
	if strings.Contains(said, "\n") || !strings.Contains(said, s.data) {
		t.Errorf("a second server on the same data folder said %q, want one sentence with the folder", said)
	}
}

func TestShutdownLetsARunningUploadFinish(t *testing.T) {
	s := startServer(t)
	api := newSDK(t, s)
	registry := newRegistryClient(t, s, api)
	_, err := api.CreateRepository(t.Context(), &ecrpublic.CreateRepositoryInput{RepositoryName: aws.String("hello")})
	must(t, err)
	data := randomData(1 << 20)
	upload, err := registry.startUpload(t.Context(), "hello")
	must(t, err)

	// The server asks for the body when its handler reads it: from then on the upload runs.
	running := make(chan struct{})
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got100Continue: func() { close(running) }})
	body, writer := io.Pipe()
	finished := make(chan error, 1)
	go func() { finished <- completeStreamed(ctx, registry, upload, digestOf(data), body) }()
	select {
	case <-running:
	case err := <-finished:
		t.Fatalf("the upload ended before its body was sent: %v", err)
	}
	_, err = writer.Write(data[:len(data)/2])
	must(t, err)

	s.process.signal(t, syscall.SIGTERM)
	waitUntilRefused(t, s.addr)
	_, err = writer.Write(data[len(data)/2:])
	must(t, err)
	must(t, writer.Close())
	if err := <-finished; err != nil {
		t.Errorf("the upload that ran at SIGTERM: %v", err)
	}
	s.process.wait(t)
	if code := s.process.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit status %d, want 0", code)
	}

	s.start()
	stored, err := registry.blob(t.Context(), "hello", digestOf(data))
	must(t, err)
	if digestOf(stored) != digestOf(data) {
		t.Error("the bytes read differ from the bytes sent")
	}
}

// completeStreamed sends the whole blob in the request that completes the upload, once the server asks for it.
func completeStreamed(ctx context.Context, c registryClient, upload, digest string, body io.Reader) error {
	request, err := http.NewRequestWithContext(ctx, "PUT", c.address(withDigest(upload, digest)), body)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Expect", "100-continue")
	transport := &http.Transport{ExpectContinueTimeout: time.Minute}
	defer transport.CloseIdleConnections()
	answer, err := transport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusCreated {
		text, _ := io.ReadAll(answer.Body)
		return errors.New(answer.Status + ": " + string(text))
	}
	return nil
}

// waitUntilRefused returns when nothing accepts connections at addr any more.
func waitUntilRefused(t *testing.T, addr string) {
	t.Helper()
	waitFor(t, 10*time.Second, addr+" to refuse connections", func() bool {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return true
		}
		conn.Close()
		return false
	})
}

func TestServerFileDescribesTheServer(t *testing.T) {
	s := startServer(t)
	var got struct{ URL, Registry, AccountID, Alias string }
	must(t, json.Unmarshal([]byte(s.file("server.json")), &got))
	if got.URL != s.url || got.Registry != s.registry || got.Alias != s.alias() || !regexp.MustCompile(`^\d{12}$`).MatchString(got.AccountID) {
		t.Errorf("server.json says %+v; the server says url %s, registry %s", got, s.url, s.registry)
	}
}

func TestAnswerAndLogHaveOneRequestID(t *testing.T) {
	s := startServer(t)
	api := newSDK(t, s)
	out, err := api.DescribeRegistries(t.Context(), &ecrpublic.DescribeRegistriesInput{})
	must(t, err)
	id, _ := middleware.GetRequestIDMetadata(out.ResultMetadata)
	if id == "" {
		t.Fatal("the answer has no request id")
	}
	for _, r := range s.stop() {
		if r.RequestID == id {
			if r.Operation != "DescribeRegistries" || r.Status != http.StatusOK || !strings.HasPrefix(r.Caller, "arn:aws:iam::") {
				t.Errorf("the request was logged as %+v", r)
			}
			return
		}
	}
	t.Errorf("no request was logged with id %s", id)
}

func TestStoresCanBeElsewhere(t *testing.T) {
	metadata, blobs := filepath.Join(t.TempDir(), "meta.db"), filepath.Join(t.TempDir(), "blobs")
	s := startServer(t, "--metadata", "sqlite:"+metadata, "--blobs", "file:"+blobs)
	api := newSDK(t, s)
	_, err := api.CreateRepository(t.Context(), &ecrpublic.CreateRepositoryInput{RepositoryName: aws.String("hello")})
	must(t, err)
	data := randomData(1 << 20)
	must(t, sdkUpload(t.Context(), api, "hello", digestOf(data), [][]byte{data}))
	s.stop()
	if info, err := os.Stat(metadata); err != nil || info.Size() == 0 {
		t.Errorf("%s holds no metadata: %v", metadata, err)
	}
	if size := sizeOf(t, blobs); size < int64(len(data)) {
		t.Errorf("%s holds %d bytes after a layer of %d", blobs, size, len(data))
	}
	if size := sizeOf(t, s.data); size >= int64(len(data)) {
		t.Errorf("the data folder holds %d bytes, though both stores are elsewhere", size)
	}
}

// sizeOf is how many bytes the files in a folder have.
func sizeOf(t *testing.T, dir string) (size int64) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	}))
	return size
}

func TestVersionIsOneLine(t *testing.T) {
	if said := newTool(t, openecr, "version").run(t); !regexp.MustCompile(`^openecr \S+\n$`).MatchString(said) {
		t.Errorf("openecr version said %q, want openecr and a version", said)
	}
}
