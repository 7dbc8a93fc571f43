package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/openecr/openecr/internal/registry"
)

const (
	// sendTimeout is how long a receiver may take, its answer included.
	sendTimeout = 10 * time.Second
	// maxAnswer is how much of an answer is read, so that its connection can be used again.
	maxAnswer = 64 << 10

	// secretPrefix marks secrets (Standard Webhooks, "Signature scheme").
	secretPrefix = "whsec_"
)

// NewSecret draws what a webhook is signed with.
func NewSecret() (secret []byte, text string) {
	secret = make([]byte, 32)
	rand.Read(secret) // never fails
	return secret, secretPrefix + base64.StdEncoding.EncodeToString(secret)
}

// CheckURL refuses what nothing can be sent to, and a password that would lie around in the open.
func CheckURL(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return fmt.Errorf("%q is no address for events: write http:// or https:// with a host, and no user or fragment", address)
	}
	return nil
}

// newClient follows no redirect: a receiver that has moved is to be told to openecr by whoever runs it.
func newClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxResponseHeaderBytes = maxAnswer
	return &http.Client{
		Transport:     transport,
		Timeout:       sendTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// send makes one request. Only an answer of 2xx says that the event has arrived.
func send(ctx context.Context, client *http.Client, address string, secret []byte, d registry.Delivery, now time.Time) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(d.Body))
	if err != nil {
		return err
	}
	timestamp := strconv.FormatInt(now.Unix(), 10)
	r.Header.Set("Content-Type", "application/cloudevents+json; charset=utf-8")
	r.Header.Set("User-Agent", "openecr")
	r.Header.Set("Webhook-Id", d.EventID)
	r.Header.Set("Webhook-Timestamp", timestamp)
	r.Header.Set("Webhook-Signature", sign(secret, d.EventID, timestamp, d.Body))
	res, err := client.Do(r)
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err // without the address, which may have a password in it
	}
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxAnswer)) // what it says is of no use
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("the receiver answered %s", res.Status)
	}
	return nil
}

// sign is the signature in version 1 of Standard Webhooks: over id, time and body, so none can be replaced.
func sign(secret []byte, id, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
