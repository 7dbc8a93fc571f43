package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A conn sends prepared requests and reads answers. It parses as little as it can, because the client shares the
// processors with what is measured.
type conn struct {
	net.Conn
	in  *bufio.Reader
	buf []byte
}

// An origin is where a server is reached.
type origin struct {
	addr   string
	secure bool
}

func (o origin) url() string {
	if o.secure {
		return "https://" + o.addr
	}
	return "http://" + o.addr
}

// trusting takes any certificate: servers are on loopback and have one that was made for the run.
func trusting() *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13} //nolint:gosec // see above
}

func (o origin) dial() (*conn, error) {
	c, err := net.Dial("tcp", o.addr)
	if err != nil {
		return nil, err
	}
	if o.secure {
		c = tls.Client(c, trusting())
	}
	return &conn{Conn: c, in: bufio.NewReaderSize(c, 64<<10), buf: make([]byte, 256<<10)}, nil
}

// answer is what of an answer a load looks at.
type answer struct {
	status   int
	size     int64
	location string
	body     []byte // only when asked for
}

// do sends a request and reads the whole answer. keep keeps the body.
func (c *conn) do(request []byte, keep bool) (answer, error) {
	if _, err := c.Write(request); err != nil {
		return answer{}, err
	}
	return c.read(bytes.HasPrefix(request, []byte("HEAD ")), keep)
}

func (c *conn) read(isHead, keep bool) (answer, error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return answer{}, err
	}
	if len(line) < 12 {
		return answer{}, fmt.Errorf("status line %q", line)
	}
	var a answer
	if a.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return answer{}, err
	}
	length, chunked := int64(0), false
	for {
		if line, err = c.in.ReadSlice('\n'); err != nil {
			return answer{}, err
		}
		if len(line) <= 2 {
			break
		}
		switch line[0] | 0x20 {
		case 'c':
			if v, ok := header(line, "content-length"); ok {
				if length, err = strconv.ParseInt(v, 10, 64); err != nil {
					return answer{}, err
				}
			}
		case 't':
			if v, ok := header(line, "transfer-encoding"); ok {
				chunked = v == "chunked"
			}
		case 'l':
			if v, ok := header(line, "location"); ok {
				a.location = v
			}
		}
	}
	if isHead || a.status == 204 || a.status == 304 {
		return a, nil
	}
	if chunked {
		return a, c.readChunks(&a, keep)
	}
	return a, c.readBody(&a, length, keep)
}

func header(line []byte, name string) (string, bool) {
	if len(line) < len(name)+1 || line[len(name)] != ':' || !bytes.EqualFold(line[:len(name)], []byte(name)) {
		return "", false
	}
	return string(bytes.TrimSpace(line[len(name)+1:])), true
}

func (c *conn) readBody(a *answer, length int64, keep bool) error {
	for length > 0 {
		n, err := c.in.Read(c.buf[:min(length, int64(len(c.buf)))])
		if keep {
			a.body = append(a.body, c.buf[:n]...)
		}
		a.size += int64(n)
		length -= int64(n)
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *conn) readChunks(a *answer, keep bool) error {
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(strings.TrimSpace(string(line)), 16, 64)
		if err != nil {
			return err
		}
		if err := c.readBody(a, n, keep); err != nil {
			return err
		}
		if _, err := c.in.Discard(2); err != nil || n == 0 {
			return err
		}
	}
}

// request is one without a body.
func request(method, addr, path string, headers ...string) []byte {
	return requestWith(method, addr, path, nil, headers...)
}

func requestWith(method, addr, path string, body []byte, headers ...string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, path, addr)
	for _, h := range headers {
		if h != "" {
			fmt.Fprintf(&b, "%s\r\n", h)
		}
	}
	if body != nil || method == "POST" || method == "PUT" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes()
}

// expect is do with an opinion about the status.
func (c *conn) expect(status int, request []byte, keep bool) (answer, error) {
	a, err := c.do(request, keep)
	if err == nil && a.status != status {
		line, _, _ := bytes.Cut(request, []byte("\r\n"))
		err = fmt.Errorf("%s: status %d, want %d", line, a.status, status)
	}
	return a, err
}

// localPath is what of a Location goes into a request line.
func localPath(location string) (string, error) {
	u, err := url.Parse(location)
	if err != nil {
		return "", err
	}
	return u.RequestURI(), nil
}

// stream sends a request whose body is size bytes of content, over and over, and reads the answer.
func (c *conn) stream(head []byte, content []byte, size int64) (answer, error) {
	if _, err := c.Write(head); err != nil {
		return answer{}, err
	}
	for sent := int64(0); sent < size; {
		n, err := c.Write(content[:min(int64(len(content)), size-sent)])
		if err != nil {
			return answer{}, err
		}
		sent += int64(n)
	}
	return c.read(false, true)
}

// loop has n connections send requests, each its own share in turn, until the time is over, and counts answers. All
// have to be of the status.
func loop(ctx context.Context, to origin, n int, d time.Duration, status int, requests func(connection, i int) []byte) (count int64, elapsed time.Duration, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, d, errTimeUp)
	defer cancel()
	counts, errs := make([]int64, n), make([]error, n)
	var all sync.WaitGroup
	began := time.Now()
	for k := range n {
		all.Go(func() {
			c, err := to.dial()
			if err != nil {
				errs[k] = err
				return
			}
			defer c.Close()
			for i := 0; ctx.Err() == nil; i++ {
				if _, errs[k] = c.expect(status, requests(k, i), false); errs[k] != nil {
					return
				}
				counts[k]++
			}
		})
	}
	all.Wait()
	for _, c := range counts {
		count += c
	}
	return count, time.Since(began), errors.Join(errs...)
}

var errTimeUp = errors.New("the time is over")

// together runs fn n times at once.
func together(n int, fn func(i int) error) (time.Duration, error) {
	errs := make([]error, n)
	var all sync.WaitGroup
	began := time.Now()
	for i := range n {
		all.Go(func() { errs[i] = fn(i) })
	}
	all.Wait()
	return time.Since(began), errors.Join(errs...)
}
