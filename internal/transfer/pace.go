package transfer

import (
	"context"
	"io"
	"sync"
	"time"
)

// pace spreads bytes over time, for all blobs together.
type pace struct {
	perSecond int64 // 0 is no limit

	mu   sync.Mutex
	free time.Time // when the next bytes may pass
}

// wait returns when n more bytes may pass, or when the context ends.
func (p *pace) wait(ctx context.Context, n int) error {
	if p.perSecond == 0 {
		return ctx.Err()
	}
	p.mu.Lock()
	now := time.Now()
	if p.free.Before(now) {
		p.free = now // what was not used is not saved up
	}
	at := p.free
	p.free = p.free.Add(time.Duration(float64(n) / float64(p.perSecond) * float64(time.Second)))
	p.mu.Unlock()
	if at == now {
		return ctx.Err()
	}
	timer := time.NewTimer(at.Sub(now))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// pacedReader reads at the pace of the copy and tells its progress.
type pacedReader struct {
	ctx context.Context
	r   io.Reader
	c   *copier
}

func (p *pacedReader) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.c.Progress.Done(int64(n))
	if ended := p.c.pace.wait(p.ctx, n); ended != nil {
		return n, ended
	}
	return n, err
}
