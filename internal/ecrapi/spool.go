package ecrapi

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"
)

// A part is on disk before its signature is proven, so strangers could fill the disk with parts that nobody signed. The
// bounds below hold for what is not proven yet; a request over them waits its turn.
const (
	spoolsPerKey = 2
	spoolBytes   = 1 << 30
	spoolWait    = 30 * time.Second
)

// spools counts what is being received. The zero value is ready.
type spools struct {
	mu     sync.Mutex
	bytes  int64
	perKey map[string]int
	freed  chan struct{} // closed when something was given back and somebody waits
}

// spool is a file without a name: a crash leaves nothing of it.
type spool struct {
	*os.File
	release func()
}

func (s *spools) open(ctx context.Context, dir, accessKeyID string, size int64) (*spool, error) {
	release, err := s.acquire(ctx, accessKeyID, size)
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(dir, "part-*")
	if err != nil {
		release()
		return nil, fmt.Errorf("make a spool file: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		release()
		return nil, fmt.Errorf("unlink a spool file: %w", err)
	}
	return &spool{f, release}, nil
}

// Close gives the space back.
func (s *spool) Close() error {
	defer s.release()
	return s.File.Close()
}

// acquire waits for room and takes it.
func (s *spools) acquire(ctx context.Context, key string, size int64) (release func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, spoolWait)
	defer cancel()
	for {
		freed, ok := s.take(key, size)
		if ok {
			return func() { s.give(key, size) }, nil
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return nil, &Error{Code: "ThrottlingException", Status: http.StatusBadRequest, Message: "Rate exceeded", RetryAfter: time.Second, cause: ctx.Err()}
		}
	}
}

func (s *spools) take(key string, size int64) (freed <-chan struct{}, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.perKey[key] < spoolsPerKey && s.bytes+size <= spoolBytes {
		if s.perKey == nil {
			s.perKey = make(map[string]int)
		}
		s.perKey[key]++
		s.bytes += size
		return nil, true
	}
	if s.freed == nil {
		s.freed = make(chan struct{})
	}
	return s.freed, false
}

func (s *spools) give(key string, size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bytes -= size
	if s.perKey[key]--; s.perKey[key] == 0 {
		delete(s.perKey, key)
	}
	if s.freed != nil {
		close(s.freed)
		s.freed = nil
	}
}
