package push

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openecr/openecr/internal/ref"
)

var digestX = ref.DigestBytes(ref.SHA256, []byte("x"))

func TestLines(t *testing.T) {
	var text strings.Builder
	l := NewLines(&text)
	l.Need(3_000_000)
	l.Done(Layer{Digest: digestX, Size: 12, Skipped: true})
	l.Sent(1_000_000)
	l.Done(Layer{Digest: digestX, Size: 3_000_000, Resumed: 2_000_000})
	l.Done(Layer{Digest: digestX, Size: 4_000})
	l.Close()
	want := digestX.String() + "      12 B  skipped: already there\n" +
		digestX.String() + "    3.0 MB  pushed, resumed at 2.0 MB\n" +
		digestX.String() + "    4.0 kB  pushed\n" +
		"pushed 2 layers (1.0 MB), skipped 1 layer (12 B)\n"
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestLinesOfNothing(t *testing.T) {
	var text strings.Builder
	NewLines(&text).Close()
	if text.Len() != 0 {
		t.Errorf("printed %q", text.String())
	}
}

func TestBar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text strings.Builder
		b := NewBar(&text)
		step := func(d time.Duration) string {
			time.Sleep(d) // of the bubble's clock
			synctest.Wait()
			b.mu.Lock()
			defer b.mu.Unlock()
			printed := text.String()
			text.Reset()
			return printed
		}
		if got := step(time.Second); got != "" {
			t.Errorf("before anything is known: %q", got)
		}
		b.Need(100_000_000)
		if got, want := step(barInterval), clearLine+"[------------------------]   0%  0 B of 100.0 MB"; got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
		b.Sent(25_000_000)
		step(4*time.Second - 2*barInterval)
		if got, want := step(barInterval), clearLine+"[######------------------]  25%  25.0 MB of 100.0 MB  5.0 MB/s  15s left"; got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
		b.Need(-50_000_000)
		b.Done(Layer{Digest: digestX, Size: 25_000_000})
		if got := step(0); !strings.HasPrefix(got, clearLine+digestX.String()+"   25.0 MB  pushed\n[############------------]  50%") {
			t.Errorf("got %q", got)
		}
		b.Close()
		if got, want := step(0), clearLine+"pushed 1 layer (25.0 MB), skipped 0 layers (0 B)\n"; got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	})
}

func TestBarFitsEveryTerminal(t *testing.T) {
	b := Bar{need: 1_999_900_000_000, sent: 1_999_800_000_000}
	if line := b.line(b.started.Add(time.Hour)); len(line) > 80 {
		t.Errorf("%d columns: %s", len(line), line)
	}
}
