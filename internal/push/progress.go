package push

import (
	"fmt"
	"io"
	"sync"

	"github.com/openecr/openecr/internal/progress"
	"github.com/openecr/openecr/internal/ref"
)

// Progress hears how a push goes. Its methods are called by several goroutines, and should return soon.
type Progress interface {
	// Need says that n more bytes have to be sent; fewer if n is negative.
	Need(n int64)
	// Sent says that the service has received n of them.
	Sent(n int64)
	// Done says that the repository has a layer.
	Done(Layer)
}

// Layer is a layer that the repository now has, and how it came there.
type Layer struct {
	Digest  ref.Digest
	Size    int64
	Skipped bool  // it was there before
	Resumed int64 // bytes of it that an earlier, interrupted push had sent; 0 if there was none
}

func (l Layer) String() string {
	text := fmt.Sprintf("%s  %8s  ", l.Digest, progress.Bytes(l.Size))
	switch {
	case l.Skipped:
		return text + "skipped: already there"
	case l.Resumed > 0:
		return text + "pushed, resumed at " + progress.Bytes(l.Resumed)
	}
	return text + "pushed"
}

type silent struct{}

func (silent) Need(int64) {}
func (silent) Sent(int64) {}
func (silent) Done(Layer) {}

// Lines prints a line for each layer and one at the end: what logs and pipes get.
type Lines struct {
	mu  sync.Mutex
	w   io.Writer
	sum summary
}

// NewLines prints to w. An error of w is ignored: a push does not fail because nobody can watch it.
func NewLines(w io.Writer) *Lines { return &Lines{w: w} }

// Need is part of Progress.
func (l *Lines) Need(int64) {}

// Sent is part of Progress.
func (l *Lines) Sent(int64) {}

// Done is part of Progress.
func (l *Lines) Done(layer Layer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sum.add(layer)
	fmt.Fprintln(l.w, layer)
}

// Close prints the last line.
func (l *Lines) Close() { fmt.Fprint(l.w, l.sum.line()) }

// summary counts layers by what became of them.
type summary struct {
	pushed, skipped           int
	pushedBytes, skippedBytes int64
}

func (s *summary) add(l Layer) {
	if l.Skipped {
		s.skipped++
		s.skippedBytes += l.Size
		return
	}
	s.pushed++
	s.pushedBytes += l.Size - l.Resumed
}

// line is empty when there is nothing to tell.
func (s *summary) line() string {
	if s.pushed+s.skipped == 0 {
		return ""
	}
	return fmt.Sprintf("pushed %s (%s), skipped %s (%s)\n",
		count(s.pushed), progress.Bytes(s.pushedBytes), count(s.skipped), progress.Bytes(s.skippedBytes))
}

func count(layers int) string {
	if layers == 1 {
		return "1 layer"
	}
	return fmt.Sprintf("%d layers", layers)
}
