// Package progress shows on a terminal or in a log how long work over many bytes goes on. It prints and decides nothing;
// what is done stands in the packages that do it. (A push, whose layers each have a line, has a display of its own.)
package progress

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

const (
	barWidth     = 16
	barInterval  = 200 * time.Millisecond
	lineInterval = 10 * time.Second
	clearLine    = "\r\x1b[K" // ECMA-48: carriage return, erase to the end of the line
)

// Display is one line about the stage that the work is in. Its methods may be called by several goroutines; an error of
// the writer is ignored, as work does not fail because nobody can watch it.
type Display struct {
	mu       sync.Mutex
	w        io.Writer
	terminal bool
	stage    string
	began    time.Time // the stage
	need     int64
	done     int64
	stop     chan struct{}
	stopped  chan struct{}
}

// New draws on w until Close: a bar that moves on a terminal, a line now and then elsewhere.
func New(w io.Writer, terminal bool) *Display {
	d := &Display{w: w, terminal: terminal, stop: make(chan struct{}), stopped: make(chan struct{})}
	go d.run()
	return d
}

func (d *Display) run() {
	defer close(d.stopped)
	interval := lineInterval
	if d.terminal {
		interval = barInterval
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-d.stop:
			return
		case now := <-tick.C:
			d.mu.Lock()
			d.draw(now)
			d.mu.Unlock()
		}
	}
}

// Stage begins a part of the work, called name. The same stage again goes on.
func (d *Display) Stage(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if name == d.stage {
		return
	}
	d.stage, d.began, d.need, d.done = name, time.Now(), 0, 0
	d.draw(d.began)
}

// Need says that there are n more bytes to go through.
func (d *Display) Need(n int64) { d.mu.Lock(); d.need += n; d.mu.Unlock() }

// Done says that n of them have been.
func (d *Display) Done(n int64) { d.mu.Lock(); d.done += n; d.mu.Unlock() }

// Close takes the bar away.
func (d *Display) Close() {
	close(d.stop)
	<-d.stopped
	if d.terminal {
		fmt.Fprint(d.w, clearLine)
	}
}

func (d *Display) draw(now time.Time) {
	switch {
	case d.stage == "":
	case d.terminal:
		fmt.Fprint(d.w, clearLine, d.line(now))
	default:
		fmt.Fprintln(d.w, d.line(now))
	}
}

// line fits 80 columns with a stage of 20.
func (d *Display) line(now time.Time) string {
	if d.need == 0 {
		return d.stage
	}
	part := max(0, min(1, float64(d.done)/float64(d.need)))
	line := d.stage
	if d.terminal {
		filled := int(part * barWidth)
		line += " [" + strings.Repeat("#", filled) + strings.Repeat("-", barWidth-filled) + "]"
	}
	line += fmt.Sprintf(" %3.0f%%  %s", 100*part, Bytes(d.need))
	seconds := now.Sub(d.began).Seconds()
	if d.done == 0 || seconds <= 0 {
		return line
	}
	rate := float64(d.done) / seconds
	left := time.Duration(float64(max(0, d.need-d.done)) / rate * float64(time.Second))
	return line + fmt.Sprintf("  %s/s  %s left", Bytes(int64(rate)), left.Round(time.Second))
}

// Bytes prints a size as people read it, with powers of 1000 as docker and registries do.
func Bytes(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	size, unit := float64(n), 0
	for size >= 999.95 && unit < len(units) {
		size /= 1000
		unit++
	}
	return fmt.Sprintf("%.1f %cB", size, units[unit-1])
}

const units = "kMGTPE"
