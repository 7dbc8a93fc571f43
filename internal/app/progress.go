package app

import (
	"errors"
	"io"
	"net/http"
	"time"
)

const (
	// stallTimeout is how long a client may let a transfer stand still. How long all of it takes does not matter: a layer
	// may be large and a line slow.
	stallTimeout = time.Minute
	// progressBytes is what must reach the network within it, and small enough for any line that is worth the wait. It is
	// large enough that sending it as one piece of a file costs nothing.
	progressBytes = 256 << 10
	// leastRate is how many bytes a second a body has to bring, once it has had stallTimeout to begin: a byte now and then is
	// no progress.
	leastRate = 1 << 10
	// maxTransfer is longer than any request lasts.
	maxTransfer = 1000 * time.Hour
)

// withProgress cuts off clients that neither send nor take bytes for that long, so that they cannot hold connections. A
// deadline is moved on while bytes move.
//
// A write deadline outlives its request on the connection, so it is lifted at the start of the next one where the server
// may write by itself: it asks for a body that way.
//
// Moving a deadline costs as much as finding a layer in memory, so it is not done where it would say nothing new.
func withProgress(next http.Handler, stall time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := &progress{ResponseWriter: w, control: http.NewResponseController(w), stall: stall, drained: r.Body == http.NoBody}
		if !p.drained {
			_ = p.control.SetWriteDeadline(time.Time{}) // a writer without deadlines has no network behind it
			p.body = progressBody{r.Body, p}
			r.Body = &p.body
		}
		defer p.end()
		next.ServeHTTP(p, r)
	})
}

type progress struct {
	http.ResponseWriter
	control *http.ResponseController
	stall   time.Duration
	body    progressBody
	broken  bool // the body failed: nothing more is to come
	drained bool // all of the body was read

	begun         time.Time // when the body was first asked for
	received      int64     // bytes of it
	read, written time.Time // when the deadlines were moved last
}

// end gives the server time for what it does by itself: it reads what the handler has left of the body, and then sends
// what is left of the answer.
func (p *progress) end() {
	if p.drained && time.Since(p.written) < p.stall/64 {
		return
	}
	if !p.broken && !p.drained {
		_ = p.control.SetReadDeadline(time.Now().Add(p.stall))
	}
	_ = p.control.SetWriteDeadline(time.Now().Add(2 * p.stall))
}

func (p *progress) mayRead() {
	now := time.Now()
	if now.Sub(p.read) < p.stall/64 {
		return
	}
	if p.begun.IsZero() {
		p.begun = now
	}
	deadline := now.Add(p.stall)
	earned := time.Duration(min(p.received/leastRate, int64(maxTransfer/time.Second))) * time.Second
	if slow := p.begun.Add(p.stall + earned); slow.Before(deadline) {
		deadline = slow // and each byte moves it
	} else {
		p.read = now
	}
	_ = p.control.SetReadDeadline(deadline)
}

func (p *progress) mayWrite() {
	if now := time.Now(); now.Sub(p.written) >= p.stall/64 {
		p.written = now
		_ = p.control.SetWriteDeadline(now.Add(p.stall))
	}
}

func (p *progress) WriteHeader(status int) {
	p.mayWrite()
	p.ResponseWriter.WriteHeader(status)
}

func (p *progress) Write(b []byte) (int, error) {
	written := 0
	for {
		p.mayWrite()
		piece := b[:min(len(b), progressBytes)]
		n, err := p.ResponseWriter.Write(piece)
		written += n
		b = b[len(piece):]
		if err != nil || len(b) == 0 {
			return written, err
		}
	}
}

// ReadFrom sends piece by piece. A limited reader stays one, with the file right inside it: only so does the kernel send
// the file.
func (p *progress) ReadFrom(r io.Reader) (int64, error) {
	rest, ok := r.(*io.LimitedReader)
	if !ok {
		return io.Copy(struct{ io.Writer }{p}, r)
	}
	var written int64
	for rest.N > 0 {
		p.mayWrite()
		piece := &io.LimitedReader{R: rest.R, N: min(rest.N, progressBytes)}
		asked := piece.N
		n, err := io.Copy(p.ResponseWriter, piece)
		written += n
		rest.N -= n
		if err != nil || n < asked {
			return written, err
		}
	}
	return written, nil
}

// Unwrap lets http.ResponseController reach the server's writer.
func (p *progress) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// progressBody is the body of a request.
type progressBody struct {
	io.ReadCloser
	progress *progress
}

// Read lifts the deadline at the end: from there on the server reads by itself, to notice a client that leaves, and would
// take a deadline for that.
func (b *progressBody) Read(buf []byte) (int, error) {
	b.progress.mayRead()
	n, err := b.ReadCloser.Read(buf)
	b.progress.received += int64(n)
	switch {
	case errors.Is(err, io.EOF):
		b.progress.drained, b.progress.read = true, time.Time{}
		_ = b.progress.control.SetReadDeadline(time.Time{})
	case err != nil:
		b.progress.broken = true
	}
	return n, err
}
