package blobs3

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openecr/openecr/internal/registry"
)

var states = map[string]*state{
	"nothing":       {},
	"inline":        {tail: tail{inline: []byte("abc")}},
	"tail and rest": {tail: tail{object: "12-ab", size: 70_000, inline: []byte("abc")}, stale: "0-cd"},
	"parts": {
		multipart: "id", parts: []part{{1, 8 << 20, `"etag"`, 0xdeadbeef}, {3, 5 << 20, `"other"`, 1}},
		tail: tail{object: "12-ab", size: 1}, stale: "x",
	},
}

func TestStateComesBackAsItWas(t *testing.T) {
	for name, want := range states {
		got, err := decodeState(registry.Unfinished{Offset: want.size(), State: want.encode()})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		equateEmpty := cmp.FilterValues(func(a, b []byte) bool { return len(a) == 0 && len(b) == 0 }, cmp.Ignore())
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(state{}, part{}, tail{}), equateEmpty); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestStateThatSpeaksOfOtherBytesIsRefused(t *testing.T) {
	s := states["parts"]
	_, err := decodeState(registry.Unfinished{Offset: s.size() + 1, State: s.encode()})
	if err == nil || !strings.Contains(err.Error(), "its row of 13631490") {
		t.Errorf("error %v, want one that names both sizes", err)
	}
}

func TestDamagedStateIsRefused(t *testing.T) {
	whole := states["parts"].encode()
	for n := 1; n < len(whole); n++ {
		if _, err := parseState(whole[:n]); err == nil {
			t.Errorf("the first %d of %d bytes were taken for a state", n, len(whole))
		}
	}
	for name, b := range map[string][]byte{
		"another version":      append([]byte{2}, whole[1:]...),
		"something behind it":  append(bytes.Clone(whole), 0),
		"numbers that descend": (&state{multipart: "id", parts: []part{{2, 1, "", 0}, {1, 1, "", 0}}}).encode(),
		"parts without upload": (&state{parts: []part{{1, 1, "", 0}}}).encode(),
		"upload without parts": (&state{multipart: "id"}).encode(),
		"a tail without size":  (&state{tail: tail{object: "x"}}).encode(),
	} {
		if _, err := parseState(b); err == nil {
			t.Errorf("%s was taken for a state", name)
		}
	}
}

func FuzzState(f *testing.F) {
	for _, s := range states {
		f.Add(s.encode())
	}
	f.Add([]byte{stateVersion, 0, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		s, err := parseState(b)
		if err != nil {
			return
		}
		again, err := parseState(s.encode())
		if err != nil || !bytes.Equal(again.encode(), s.encode()) || s.size() < 0 {
			t.Errorf("%x does not come back: %v", b, err)
		}
	})
}

func TestPartsAreEnoughForTerabytes(t *testing.T) {
	a := &appending{Store: &Store{buffers: newBuffers(64)}, state: &state{}}
	var size int64
	for n := 1; n <= maxParts; n++ {
		size += int64(a.nextChunks()) * chunkSize
		a.sent = []*part{{number: n}}
	}
	if size < 3<<40 {
		t.Errorf("%d parts hold %d bytes, want at least 3 TiB", maxParts, size)
	}
}

func TestBuffersBoundWhatIsHeld(t *testing.T) {
	const most = 3
	b := newBuffers(most)
	var mu sync.Mutex
	held, peak := 0, 0
	var users sync.WaitGroup
	for i := range 20 {
		users.Go(func() {
			chunks := 1 + i%most
			buf, err := b.take(context.Background(), chunks)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			held += chunks
			peak = max(peak, held)
			mu.Unlock()
			if _, err := buf.fill(context.Background(), strings.NewReader("abc")); err != nil {
				t.Error(err)
			}
			mu.Lock()
			held -= chunks
			mu.Unlock()
			buf.release()
		})
	}
	users.Wait()
	if peak > most || b.taken != 0 || len(b.waiting) != 0 {
		t.Errorf("at most %d were held, %d are still, %d wait; want at most %d and none", peak, b.taken, len(b.waiting), most)
	}
}

func TestWaitingForMemoryEndsWithTheContext(t *testing.T) {
	b := newBuffers(2)
	one, err := b.take(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.take(ctx, 2); err == nil {
		t.Error("there was memory where there is none")
	}
	one.release()
	two, err := b.take(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	two.release()
}

func TestBufferOfManyChunksReadsAsWritten(t *testing.T) {
	b := newBuffers(3)
	buf, err := b.take(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	defer buf.release()
	content := bytes.Repeat([]byte("0123456789"), chunkSize/4)
	if ended, err := buf.fill(t.Context(), bytes.NewReader(content)); !ended || err != nil {
		t.Fatalf("fill: %t, %v", ended, err)
	}
	for range 2 { // as a request that is sent again
		got, err := io.ReadAll(buf.reader())
		if err != nil || !bytes.Equal(got, content) {
			t.Fatalf("%d bytes and %v, want %d as written", len(got), err, len(content))
		}
	}
}

func TestPausesOutlastTwentySeconds(t *testing.T) {
	var least time.Duration
	for range 100 {
		var sum time.Duration
		for retry := range attempts - 1 {
			sum += pause(retry)
		}
		if least == 0 || sum < least {
			least = sum
		}
	}
	if least < 20*time.Second {
		t.Errorf("a request is given up after %s", least)
	}
}
