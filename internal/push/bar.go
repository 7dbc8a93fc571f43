package push

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/openecr/openecr/internal/progress"
)

const (
	barWidth    = 24
	barInterval = 200 * time.Millisecond
	clearLine   = "\r\x1b[K" // ECMA-48: carriage return, erase to the end of the line
)

// Bar is progress on a terminal: a line for each layer and, below them, one line that shows the push as a whole.
type Bar struct {
	mu      sync.Mutex
	w       io.Writer
	started time.Time
	need    int64
	sent    int64
	sum     summary
	stop    chan struct{}
	stopped chan struct{}
}

// NewBar draws on w until Close. An error of w is ignored.
func NewBar(w io.Writer) *Bar {
	b := &Bar{w: w, started: time.Now(), stop: make(chan struct{}), stopped: make(chan struct{})}
	go b.run()
	return b
}

func (b *Bar) run() {
	defer close(b.stopped)
	tick := time.NewTicker(barInterval)
	defer tick.Stop()
	for {
		select {
		case <-b.stop:
			return
		case <-tick.C:
			b.mu.Lock()
			if line := b.line(time.Now()); line != "" {
				fmt.Fprint(b.w, clearLine, line)
			}
			b.mu.Unlock()
		}
	}
}

// Need is part of Progress.
func (b *Bar) Need(n int64) { b.mu.Lock(); b.need += n; b.mu.Unlock() }

// Sent is part of Progress.
func (b *Bar) Sent(n int64) { b.mu.Lock(); b.sent += n; b.mu.Unlock() }

// Done is part of Progress.
func (b *Bar) Done(layer Layer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sum.add(layer)
	fmt.Fprint(b.w, clearLine, layer, "\n", b.line(time.Now()))
}

// Close replaces the bar by the last line.
func (b *Bar) Close() {
	close(b.stop)
	<-b.stopped
	fmt.Fprint(b.w, clearLine, b.sum.line())
}

// line fits 80 columns.
func (b *Bar) line(now time.Time) string {
	if b.need == 0 {
		return ""
	}
	done := max(0, min(1, float64(b.sent)/float64(b.need)))
	filled := int(done * barWidth)
	line := fmt.Sprintf("[%s%s] %3.0f%%  %s of %s", strings.Repeat("#", filled), strings.Repeat("-", barWidth-filled),
		100*done, progress.Bytes(b.sent), progress.Bytes(b.need))
	seconds := now.Sub(b.started).Seconds()
	if b.sent == 0 || seconds <= 0 {
		return line
	}
	rate := float64(b.sent) / seconds
	left := time.Duration(float64(b.need-b.sent) / rate * float64(time.Second))
	return line + fmt.Sprintf("  %s/s  %s left", progress.Bytes(int64(rate)), left.Round(time.Second))
}
