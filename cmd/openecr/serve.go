package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/openecr/openecr/internal/app"
)

type serveCommand struct{ app.Config }

// Run serves until the process is told to stop. A second signal ends it at once.
func (s *serveCommand) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)

	s.Version = version
	a, err := app.New(ctx, s.Config, newLogger(os.Stderr))
	if err != nil {
		return err
	}
	if isTerminal(os.Stdout) {
		printWelcome(os.Stdout, a.Info(), s.Data)
		printTrust(os.Stdout, a.Info())
	}
	return a.Run(ctx)
}

// newLogger writes text for people and JSON for machines.
func newLogger(w *os.File) *slog.Logger {
	if isTerminal(w) {
		return slog.New(slog.NewTextHandler(w, nil))
	}
	return slog.New(slog.NewJSONHandler(w, nil))
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func printWelcome(w io.Writer, info app.Info, data string) {
	host := info.Registry[:len(info.Registry)-len("/"+info.Alias)]
	env := "openecr env"
	if data != defaultData {
		env += " --data " + quote(data)
	}
	fmt.Fprintf(w, `openecr serves at %s
registry URI      %s

In another terminal:
  eval "$(%s)"
  aws ecr-public create-repository --repository-name hello
  aws ecr-public get-login-password | docker login --username AWS --password-stdin %s
  docker push %s/hello:1

(aws before 2.13 does not read AWS_ENDPOINT_URL_ECR_PUBLIC: add --endpoint-url %s)

`, info.URL, info.Registry, env, host, info.Registry, info.URL)
}

// printTrust says how clients are told to trust a certificate that nobody they know has issued.
func printTrust(w io.Writer, info app.Info) {
	if info.Certificate == "" {
		return
	}
	host := strings.TrimPrefix(info.URL, "https://")
	fmt.Fprintf(w, `Its certificate is self-signed. To trust it:
  docker            sudo install -D -m 644 %[1]s /etc/docker/certs.d/%[2]s/ca.crt
  podman, skopeo    sudo install -D -m 644 %[1]s /etc/containers/certs.d/%[2]s/ca.crt
  aws, SDKs         export AWS_CA_BUNDLE=%[1]s
  curl              curl --cacert %[1]s %[3]s/healthz

`, quote(info.Certificate), host, info.URL)
}
