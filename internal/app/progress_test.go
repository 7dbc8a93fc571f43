package app

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipe is a listener whose connections are made in memory, so that a bubble's clock moves their deadlines.
type pipe struct {
	connections chan net.Conn
	closed      chan struct{}
}

func (p *pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.connections:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipe) Close() error   { close(p.closed); return nil }
func (p *pipe) Addr() net.Addr { return &net.TCPAddr{} }

// slowly runs a client against a handler that is cut off after a minute without progress.
func slowly(t *testing.T, handler http.HandlerFunc, client func(t *testing.T, c net.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := &http.Server{Handler: withProgress(handler, time.Minute), IdleTimeout: time.Hour}
		listener := &pipe{make(chan net.Conn), make(chan struct{})}
		served := make(chan error)
		go func() { served <- server.Serve(listener) }()
		near, far := net.Pipe()
		listener.connections <- far
		client(t, near)
		must(t, near.Close())
		must(t, server.Close())
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
}

func say(t *testing.T, c net.Conn, text string) {
	t.Helper()
	_, err := io.WriteString(c, text)
	must(t, err)
}

func answer(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	a, err := http.ReadResponse(r, nil)
	must(t, err)
	body, err := io.ReadAll(a.Body)
	must(t, err)
	return fmt.Sprint(a.StatusCode, " ", string(body))
}

const upload = "PUT / HTTP/1.1\r\nHost: registry.test\r\nContent-Length: 5\r\n\r\n"

func TestSlowUploadThatMovesIsNotCutOff(t *testing.T) {
	slowly(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		fmt.Fprint(w, len(body), err)
	}, func(t *testing.T, c net.Conn) {
		const piece = 60 * leastRate
		say(t, c, fmt.Sprintf("PUT / HTTP/1.1\r\nHost: registry.test\r\nContent-Length: %d\r\n\r\n", 5*piece))
		for range 5 {
			time.Sleep(59 * time.Second)
			say(t, c, strings.Repeat("x", piece))
		}
		if got := answer(t, bufio.NewReader(c)); got != "200 307200 <nil>" {
			t.Errorf("answer is %q", got)
		}
	})
}

func TestUploadThatTricklesIsCutOff(t *testing.T) {
	slowly(t, func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		body, err := io.ReadAll(r.Body)
		fmt.Fprint(w, len(body), " ", time.Since(begun).Round(time.Second), " ", errors.Is(err, os.ErrDeadlineExceeded))
	}, func(t *testing.T, c net.Conn) {
		say(t, c, upload)
		for range 2 {
			time.Sleep(29 * time.Second)
			say(t, c, "x")
		}
		if got := answer(t, bufio.NewReader(c)); got != "200 2 1m0s true" {
			t.Errorf("answer is %q, want that two bytes have bought no more than a minute", got)
		}
	})
}

func TestUploadThatStandsStillIsCutOff(t *testing.T) {
	slowly(t, func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		_, err := io.ReadAll(r.Body)
		fmt.Fprint(w, time.Since(begun), " ", errors.Is(err, os.ErrDeadlineExceeded))
	}, func(t *testing.T, c net.Conn) {
		say(t, c, upload+"x")
		if got := answer(t, bufio.NewReader(c)); got != "200 1m0s true" {
			t.Errorf("answer is %q, want that the read failed after a minute", got)
		}
	})
}

func TestDownload(t *testing.T) {
	const size = 4 * progressBytes
	for _, test := range []struct {
		name  string
		pause time.Duration // before each half of a piece
		whole bool
	}{
		{"that moves slowly is not cut off", 15 * time.Second, true},
		{"that stands still is cut off", 70 * time.Second, false},
	} {
		for _, way := range []string{"writes", "copies"} {
			t.Run(test.name+", "+way, func(t *testing.T) {
				sent := make(chan error, 1)
				slowly(t, func(w http.ResponseWriter, _ *http.Request) {
					content := strings.Repeat("x", size)
					var err error
					if way == "writes" {
						_, err = io.WriteString(w, content)
					} else {
						_, err = io.CopyN(w, strings.NewReader(content), size)
					}
					sent <- err
				}, func(t *testing.T, c net.Conn) {
					say(t, c, "GET / HTTP/1.0\r\n\r\n")
					for {
						time.Sleep(test.pause)
						if n, err := io.CopyN(io.Discard, c, progressBytes/2); err != nil || n < progressBytes/2 {
							break
						}
					}
				})
				if err := <-sent; (err == nil) != test.whole {
					t.Errorf("sending ended with %v, want success: %v", err, test.whole)
				}
			})
		}
	}
}

func TestDeadlinesDoNotOutliveTheirRequest(t *testing.T) {
	slowly(t, func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		time.Sleep(10 * time.Minute) // at work, and the client waits
		if err = errors.Join(err, r.Context().Err()); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}, func(t *testing.T, c net.Conn) {
		answers := bufio.NewReader(c)
		for _, request := range []string{upload + "hello", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", strings.Replace(upload, "Host", "Expect: 100-continue\r\nHost", 1)} {
			say(t, c, request)
			if strings.Contains(request, "Expect") {
				if got := answer(t, answers); !strings.HasPrefix(got, "100") {
					t.Errorf("answer is %q, want 100", got)
				}
				say(t, c, "hello")
			}
			if got := answer(t, answers); got != "204 " {
				t.Errorf("answer is %q, want 204", got)
			}
			time.Sleep(5 * time.Minute) // between requests
		}
	})
}

// sendfile is a ResponseWriter that takes whole readers, as that of net/http does when the kernel can send a file.
type sendfile struct {
	*httptest.ResponseRecorder
	taken []io.Reader
}

func (s *sendfile) ReadFrom(r io.Reader) (int64, error) {
	s.taken = append(s.taken, r)
	return s.Body.ReadFrom(r)
}

func TestFilesStayFilesPieceByPiece(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), progressBytes/4)
	path := filepath.Join(t.TempDir(), "blob")
	must(t, os.WriteFile(path, content, 0o600))
	file, err := os.Open(path)
	must(t, err)
	defer file.Close()
	sink := &sendfile{ResponseRecorder: httptest.NewRecorder()}
	withProgress(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "blob", time.Time{}, file)
	}), time.Minute).ServeHTTP(sink, httptest.NewRequestWithContext(t.Context(), "GET", "/", nil))
	if !bytes.Equal(sink.Body.Bytes(), content) {
		t.Errorf("%d bytes were sent, not the %d of the file", sink.Body.Len(), len(content))
	}
	if len(sink.taken) != 3 {
		t.Errorf("sent in %d pieces, want 3", len(sink.taken))
	}
	for _, r := range sink.taken {
		if limited, ok := r.(*io.LimitedReader); !ok || limited.R != file {
			t.Errorf("the connection was handed a %T, not the file with a limit", r)
		}
	}
}
