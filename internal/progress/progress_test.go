package progress

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestTerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text strings.Builder
		d := New(&text, true)
		printed := func(wait time.Duration) string {
			time.Sleep(wait) // of the bubble's clock
			synctest.Wait()
			d.mu.Lock()
			defer d.mu.Unlock()
			all := text.String()
			text.Reset()
			return all[strings.LastIndex(all, clearLine)+1:]
		}
		if time.Sleep(time.Second); text.Len() > 0 {
			t.Errorf("before anything is known: %q", text.String())
		}
		d.Stage("copying bytes")
		d.Need(100_000_000)
		d.Done(25_000_000)
		d.Stage("copying bytes")
		if got, want := printed(5*time.Second), "copying bytes [####------------]  25%  100.0 MB  5.0 MB/s  15s left"; !strings.HasSuffix(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		d.Stage("copying metadata")
		if got := printed(time.Second); !strings.HasSuffix(got, "copying metadata") {
			t.Errorf("got %q", got)
		}
		d.Close()
		if text.String() != clearLine {
			t.Errorf("left behind: %q", text.String())
		}
	})
}

func TestLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text strings.Builder
		d := New(&text, false)
		d.Stage("copying bytes")
		d.Need(1000)
		d.Done(500)
		time.Sleep(lineInterval)
		synctest.Wait()
		d.Close()
		if got, want := text.String(), "copying bytes\ncopying bytes  50%  1.0 kB  50 B/s  10s left\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestLineFitsEveryTerminal(t *testing.T) {
	d := Display{terminal: true, stage: "looking at earlier", need: 999_900_000_000, done: 1_900_000}
	if line := d.line(d.began.Add(time.Second)); len(line) > 80 {
		t.Errorf("%d columns: %s", len(line), line)
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 999_949: "999.9 kB", 999_950: "1.0 MB", 1 << 62: "4.6 EB"} {
		if got := Bytes(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}
