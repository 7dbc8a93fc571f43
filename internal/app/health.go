package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// Health is what `openecr health` can be told.
type Health struct {
	AdminAddr  string        `help:"Address of the admin listener of the server." default:"127.0.0.1:8081" env:"OPENECR_ADMIN_ADDR" placeholder:"HOST:PORT"`
	Timeout    time.Duration `help:"How long the server may take to answer." default:"6s"`
	ConfigFile string        `name:"config" help:"YAML file of the server, in which its admin-addr may stand." env:"OPENECR_CONFIG" placeholder:"FILE"`
}

// Check asks the server on this machine whether it can do its work. It returns nil when it can, and otherwise the reason in
// the server's own words. It is for those who watch a container in which there is no other program that could ask.
func (h Health) Check(ctx context.Context) error {
	address, err := h.address()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, h.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", nil)
	if err != nil {
		return fmt.Errorf("--admin-addr %q: %w", h.AdminAddr, err)
	}
	// A transport of its own, because the environment may name a proxy, and this question is for this machine.
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("no openecr answers on admin listener %s: %w", address, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	const longest = 4 << 10
	said, _ := io.ReadAll(io.LimitReader(answer.Body, longest)) // what of it was read is better than nothing
	return fmt.Errorf("openecr on admin listener %s is not ready: %s: %s", address, answer.Status, strings.TrimSpace(string(said)))
}

// address turns the address that a server listens on into one that this machine can connect to.
func (h Health) address() (string, error) {
	if h.AdminAddr == "" {
		return "", errors.New("--admin-addr is empty, so the server has no admin listener to ask: give it one")
	}
	host, port, err := net.SplitHostPort(h.AdminAddr)
	if err != nil || port == "" || port == "0" {
		return "", fmt.Errorf("--admin-addr %q must be HOST:PORT with the port that the server listens on", h.AdminAddr)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost" // in either version of IP
	}
	return net.JoinHostPort(host, port), nil
}
