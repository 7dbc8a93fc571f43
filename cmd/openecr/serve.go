package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/openecr/openecr/internal/app"
)

type serveCommand struct {
	app.Config
	Check bool `help:"Only look whether a server could start with these options and on these stores: listen nowhere, change nothing, exit with 0 or 1."`
}

// Run serves until the process is told to stop. A second signal ends it at once.
func (s *serveCommand) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)

	s.Version = version
	if s.Check {
		return printFindings(os.Stdout, app.Check(ctx, s.Config))
	}
	log, err := s.Logger(os.Stderr, isTerminal(os.Stderr))
	if err != nil {
		return err
	}
	a, err := app.New(ctx, s.Config, log)
	if err != nil {
		return err
	}
	debug.SetGCPercent(usualGC)
	if isTerminal(os.Stdout) {
		printWelcome(os.Stdout, a.Info(), s.Data)
		printTrust(os.Stdout, a.Info())
	}
	return a.Run(ctx)
}

// printFindings is a line for each thing that was looked at, and an error when one of them is not well.
func printFindings(w io.Writer, findings []app.Finding) error {
	failed := 0
	for _, f := range findings {
		if f.Err == nil {
			fmt.Fprintf(w, "ok    %s: %s\n", f.About, f.Good)
			continue
		}
		failed++
		for line := range strings.Lines(f.Err.Error()) {
			fmt.Fprintf(w, "FAIL  %s: %s\n", f.About, strings.TrimSuffix(line, "\n"))
		}
	}
	if failed > 0 {
		return fmt.Errorf("a server could not start: %d of %d checks have failed", failed, len(findings))
	}
	return nil
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
