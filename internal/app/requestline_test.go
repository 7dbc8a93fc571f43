package app

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// The line of a request is what slog would write, to the byte, whichever of the two writes it.
func FuzzRequestLineIsThatOfSlog(f *testing.F) {
	f.Add("GET", "/v2/a/b/blobs/sha256:0a", "192.0.2.7", "blobHead", "arn:aws:iam::123456789012:root", "", "", 200, int64(0), int64(1234))
	f.Add("POST", "/é\"\\<&>\x00\x7f\xff", "", "", "", "0af7651916cd43dd8448eb211c80319c", "a\nb", 503, int64(1)<<40, int64(999_999_999_999))
	f.Fuzz(func(t *testing.T, method, path, remote, operation, arn, trace, failure string, status int, in, took int64) {
		rec := &record{id: "id", operation: operation, trace: trace, from: connection{remote: remote}}
		rec.caller = registry.Caller{Account: ref.AccountID(arn), ARN: arn}
		if failure != "" {
			rec.err = errors.New(failure)
		}
		r := &http.Request{Method: method, URL: &url.URL{Path: path}}
		out := &countingWriter{status: status, n: -in}
		var got, want bytes.Buffer
		options := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}
		duration := time.Duration(took) % (1000 * time.Hour)
		logRequest(slog.New(slog.NewJSONHandler(&want, options)), r, rec, in, out, duration)
		logRequest(slog.New(newRequestLines(&got, options)), r, rec, in, out, duration)
		if g, w := withoutTime(t, got.Bytes()), withoutTime(t, want.Bytes()); !bytes.Equal(g, w) {
			t.Errorf("got %s, want %s", g, w)
		}
	})
}

// withoutTime checks that a line begins with a time, if it does with one, and cuts that off.
func withoutTime(t *testing.T, line []byte) []byte {
	t.Helper()
	rest, ok := bytes.CutPrefix(line, []byte(`{"time":"`))
	if !ok {
		return line
	}
	at, rest, _ := bytes.Cut(rest, []byte(`",`))
	if _, err := time.Parse(time.RFC3339Nano, string(at)); err != nil {
		t.Error(err)
	}
	return append([]byte("{"), rest...)
}
