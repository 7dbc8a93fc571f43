package blobs3

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestSilentServerIsGivenUp(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close() // the kernel takes connections all the while
	transport, err := newTransport("", 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer transport.CloseIdleConnections()
	for _, body := range []string{"", strings.Repeat("x", 16<<20)} { // waiting for the answer, and for room to write
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+silent.Addr().String(), strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		res, err := transport.RoundTrip(r)
		if err == nil {
			res.Body.Close()
			t.Fatal("a server that says nothing has answered")
		}
		if !retryer(pause).IsErrorRetryable(err) {
			t.Errorf("error %v is not one that is retried", err)
		}
	}
}
