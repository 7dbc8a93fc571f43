package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A flame gathers what openecr spent its processor time on during one load.
type flame struct {
	profile []byte // as openecr's admin listener gives it; nil where the load has no part that is measured so
}

// profileTime is longer than most loads take: the rest of it has no samples.
const profileTime = 4 * time.Second

// profile runs fn and keeps the profile of that time.
func (t *target) profile(fn func() error) error {
	fetched := make(chan error, 1)
	go func() {
		answer, err := client.Get(fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%.0f", t.admin, profileTime.Seconds()))
		if err != nil {
			fetched <- err
			return
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			fetched <- fmt.Errorf("profile: status %d", answer.StatusCode)
			return
		}
		t.flame.profile, err = io.ReadAll(answer.Body)
		fetched <- err
	}()
	time.Sleep(100 * time.Millisecond) // the profile has begun
	return errors.Join(fn(), <-fetched)
}

// drawFlames runs each load once more, on openecr alone. What is measured meanwhile does not count.
func drawFlames(ctx context.Context, o options, loads []load) error {
	for _, l := range loads {
		peers := l.who(o)
		o.flame = new(flame)
		if _, err := measure(ctx, o, l, peers[0]); err != nil {
			return fmt.Errorf("load %s for its flame graph: %w", l.name, err)
		}
		if o.flame.profile == nil {
			continue
		}
		stacks, err := readProfile(ctx, o.flame.profile)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(o.results, "flame-"+l.name+".svg"), []byte(drawFlame(l.name, stacks)), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// A stack is a chain of calls, outermost first, and the time that was spent in its end.
type stack struct {
	calls []string
	time  time.Duration
}

// readProfile has pprof read a profile.
func readProfile(ctx context.Context, profile []byte) ([]stack, error) {
	file, err := os.CreateTemp("", "openecr-profile-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(profile)
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	text, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-traces", file.Name()).Output()
	if err != nil {
		return nil, fmt.Errorf("go tool pprof: %w", err)
	}
	return parseTraces(text)
}

// parseTraces reads what `pprof -traces` prints: blocks between lines of dashes, each with the time and the innermost call
// on its first line, and one caller on each line below.
func parseTraces(text []byte) ([]stack, error) {
	var stacks []stack
	current := -1 // the block that is read; before the first one there is a heading
	begins := false
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		line := strings.TrimSuffix(strings.TrimSpace(lines.Text()), " (inline)")
		switch {
		case strings.HasPrefix(line, "-----------+"):
			begins = true
		case begins:
			value, call, found := strings.Cut(line, " ")
			took, err := time.ParseDuration(value)
			if !found || err != nil {
				return nil, fmt.Errorf("pprof -traces: line %q has no time with a call", line)
			}
			stacks = append(stacks, stack{[]string{strings.TrimSpace(call)}, took})
			current, begins = len(stacks)-1, false
		case current >= 0 && line != "":
			stacks[current].calls = append(stacks[current].calls, line)
		}
	}
	for _, s := range stacks {
		slices.Reverse(s.calls)
	}
	return stacks, nil
}

// A frame is a call with all that it called.
type frame struct {
	time  time.Duration
	calls map[string]*frame
}

func (f *frame) add(calls []string, took time.Duration) {
	f.time += took
	if len(calls) == 0 {
		return
	}
	if f.calls == nil {
		f.calls = make(map[string]*frame)
	}
	next, ok := f.calls[calls[0]]
	if !ok {
		next = new(frame)
		f.calls[calls[0]] = next
	}
	next.add(calls[1:], took)
}

const (
	flameWidth = 1200.0
	flameLine  = 17
)

// drawFlame is an SVG of the stacks: the wider a call, the more time was spent in it and in what it called, which is
// below it. What would be narrower than a pixel is left out.
func drawFlame(title string, stacks []stack) string {
	var root frame
	for _, s := range stacks {
		root.add(s.calls, s.time)
	}
	var b strings.Builder
	deepest := root.draw(&b, 0, 0, flameWidth/max(root.time.Seconds(), 1e-9))
	head := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %d" font-family="monospace" font-size="11">`+"\n"+
		`<rect width="100%%" height="100%%" fill="#fff"/><text x="4" y="14">%s: %.2f s of the server's processor time. Hover for the whole name and its share.</text>`+"\n",
		flameWidth, (deepest+3)*flameLine, escape(title), root.time.Seconds())
	return head + b.String() + "</svg>\n"
}

// draw draws what the frame calls, from x on, one line below the frame itself, and returns how deep that goes.
func (f *frame) draw(b *strings.Builder, x float64, depth int, scale float64) (deepest int) {
	deepest = depth
	for _, name := range slices.Sorted(maps.Keys(f.calls)) {
		call := f.calls[name]
		width := call.time.Seconds() * scale
		if width >= 1 {
			y := (depth + 1) * flameLine
			fmt.Fprintf(b, `<g><title>%s %.1f %%</title><rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s" stroke="#fff" stroke-width=".5"/>`,
				escape(name), 100*width/flameWidth, x, y, width, flameLine-1, shade(name))
			if letters := int(width/6.7) - 1; letters > 2 {
				fmt.Fprintf(b, `<text x="%.1f" y="%d">%s</text>`, x+2, y+12, escape(shorten(name, letters)))
			}
			b.WriteString("</g>\n")
			deepest = max(deepest, call.draw(b, x, depth+1, scale))
		}
		x += width
	}
	return deepest
}

// shade tells whose code it is.
func shade(name string) string {
	for _, s := range []struct{ prefix, color string }{
		{"github.com/openecr/openecr", "#f2b36f"},
		{"modernc.org/", "#c8a8e0"},
		{"runtime.", "#c9ced6"},
		{"internal/runtime/syscall", "#e58a7b"},
		{"syscall.", "#e58a7b"},
		{"crypto/", "#9fcf9a"},
		{"net/http.", "#9cc3e6"},
	} {
		if strings.HasPrefix(name, s.prefix) {
			return s.color
		}
	}
	return "#e6dfb8"
}

// shorten keeps what tells a call best: its end, without the path of its package.
func shorten(name string, letters int) string {
	name = name[strings.LastIndexByte(name, '/')+1:]
	if len(name) > letters {
		return name[:letters-1] + "…"
	}
	return name
}

func escape(s string) string { return html.EscapeString(s) }
