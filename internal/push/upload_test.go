package push

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openecr/openecr/ecrpublic"
)

var errBroken = errors.New("connection reset by the test")

// dropAfter is the request with a body that breaks off.
func dropAfter(n int64, r *http.Request) *http.Request {
	broken := r.Clone(r.Context())
	broken.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(io.LimitReader(r.Body, n), brokenReader{}), r.Body}
	return broken
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errBroken }

// answer is what the service might say.
func answer(r *http.Request, status int, body string) *http.Response {
	_, _ = io.Copy(io.Discard, r.Body)
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}
}

// loseAnswer lets the service do its work and breaks the connection then.
func loseAnswer(r *http.Request, send sender) (*http.Response, error) {
	response, err := send(r)
	if err == nil {
		_, _ = io.Copy(io.Discard, response.Body)
		response.Body.Close()
	}
	return nil, errBroken
}

// Whatever happens to one call, the layer arrives, and as few bytes as possible travel twice.
func TestUploadOutlivesABadConnection(t *testing.T) {
	faults := map[string]func(r *http.Request, send sender) (*http.Response, error){
		"the request breaks off": func(r *http.Request, send sender) (*http.Response, error) { return send(dropAfter(1000, r)) },
		"the answer is lost":     loseAnswer,
		"the service is broken": func(r *http.Request, _ sender) (*http.Response, error) {
			return answer(r, http.StatusInternalServerError, ""), nil
		},
		"the service is busy": func(r *http.Request, _ sender) (*http.Response, error) {
			return answer(r, http.StatusBadRequest, `{"__type":"ThrottlingException","message":"Rate exceeded"}`), nil
		},
	}
	for fault, disturb := range faults {
		for _, op := range []string{"BatchCheckLayerAvailability", "InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload"} {
			for n := 1; n == 1 || op == "UploadLayerPart" && n <= 2; n++ {
				t.Run(fault+" "+op, func(t *testing.T) {
					t.Parallel()
					s := newRepository(t)
					s.disturb = func(operation string, call int, r *http.Request, send sender) (*http.Response, error) {
						if operation == op && call == n {
							return disturb(r, send)
						}
						return send(r)
					}
					size := 100
					if op == "UploadLayerPart" {
						size += partSize
					}
					layer := randomBlob(size)
					var seen events
					must(t, s.pusher(Options{Progress: &seen}).Layers(t.Context(), []Blob{layer}))
					s.mustHave(layer)
					seen.mustAddUp(t, layer.Size)
					if got := s.sent["UploadLayerPart"]; got > 3 {
						t.Errorf("%d parts were sent, want 2 and at most one of them again", got)
					}
				})
			}
		}
	}
}

func TestUploadThatCannotSucceedEnds(t *testing.T) {
	for name, body := range map[string]string{
		"server error":    `{"__type":"ServerException","message":"no"}`,
		"no such upload":  `{"__type":"UploadNotFoundException","message":"no"}`,
		"wrong place":     `{"__type":"InvalidLayerPartException","message":"no","lastValidByteReceived":4}`,
		"impossible":      `{"__type":"InvalidLayerPartException","message":"no","lastValidByteReceived":99999999}`,
		"nothing arrives": `{"__type":"InvalidLayerPartException","message":"no"}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := newRepository(t)
			s.disturb = func(operation string, call int, r *http.Request, send sender) (*http.Response, error) {
				if operation == "UploadLayerPart" {
					return answer(r, http.StatusBadRequest, body), nil
				}
				return send(r)
			}
			err := s.pusher(Options{}).Layers(t.Context(), []Blob{randomBlob(100), randomBlob(100)})
			if err == nil || !strings.Contains(err.Error(), "upload random bytes: ") {
				t.Errorf("error %v", err)
			}
			if n := s.count("CompleteLayerUpload"); n != 0 {
				t.Errorf("%d uploads were completed", n)
			}
		})
	}
}

// The real service does not take the last part twice: it says what it has.
func TestUploadGoesOnWhereTheServiceStands(t *testing.T) {
	s := newRepository(t)
	s.disturb = func(operation string, call int, r *http.Request, send sender) (*http.Response, error) {
		switch {
		case operation == "UploadLayerPart" && call == 1:
			return loseAnswer(r, send)
		case operation == "UploadLayerPart" && call == 2:
			return answer(r, http.StatusBadRequest, `{"__type":"InvalidLayerPartException","message":"no","lastValidByteReceived":5242879}`), nil
		}
		return send(r)
	}
	layer := randomBlob(partSize + 1)
	var seen events
	must(t, s.pusher(Options{Progress: &seen}).Layers(t.Context(), []Blob{layer}))
	s.mustHave(layer)
	seen.mustAddUp(t, layer.Size)
	if n := s.count("UploadLayerPart"); n != 2 {
		t.Errorf("the server received %d parts, want 2", n)
	}
}

func TestUploadThatIsLostBeginsAgain(t *testing.T) {
	s := newRepository(t)
	s.disturb = func(operation string, call int, r *http.Request, send sender) (*http.Response, error) {
		if operation == "UploadLayerPart" && call == 2 {
			return answer(r, http.StatusBadRequest, `{"__type":"UploadNotFoundException","message":"no"}`), nil
		}
		return send(r)
	}
	layer := randomBlob(partSize + 1)
	var seen events
	must(t, s.pusher(Options{Progress: &seen, ResumeDir: t.TempDir()}).Layers(t.Context(), []Blob{layer}))
	s.mustHave(layer)
	seen.mustAddUp(t, layer.Size+partSize)
	if n := s.count("InitiateLayerUpload"); n != 2 {
		t.Errorf("%d uploads were opened, want 2", n)
	}
}

// The real service forgets an upload when another client completes the same layer.
func TestUploadThatAnotherClientHasCompleted(t *testing.T) {
	s := newRepository(t)
	layer := randomBlob(100)
	var other sync.Once
	s.disturb = func(operation string, call int, r *http.Request, send sender) (*http.Response, error) {
		if operation == "UploadLayerPart" && call == 1 {
			other.Do(func() { must(t, s.pusher(Options{}).Layers(t.Context(), []Blob{layer})) })
			return answer(r, http.StatusBadRequest, `{"__type":"UploadNotFoundException","message":"no"}`), nil
		}
		return send(r)
	}
	var seen events
	must(t, s.pusher(Options{Progress: &seen}).Layers(t.Context(), []Blob{layer}))
	s.mustHave(layer)
	seen.mustAddUp(t, 0)
	if n := s.count("UploadLayerPart"); n != 1 {
		t.Errorf("%d parts, want only that of the other client", n)
	}
}

// interruptedPush pushes a layer of three parts and is stopped after the first; it returns the folder of notes.
func interruptedPush(t *testing.T, s *service, layer Blob) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "cache", "uploads")
	ctx, cancel := context.WithCancel(t.Context())
	p := s.pusher(Options{ResumeDir: dir, Progress: &events{onSent: cancel}})
	// The note is written after the progress is told, so the next part is where the push ends.
	if err := p.Layers(ctx, []Blob{layer}); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want that the context was cancelled", err)
	}
	return dir
}

// notePath is the only note of a folder.
func notePath(t *testing.T, dir string) string {
	t.Helper()
	notes, err := filepath.Glob(filepath.Join(dir, "*.json"))
	must(t, err)
	if len(notes) != 1 {
		t.Fatalf("notes %v, want one", notes)
	}
	return notes[0]
}

func TestInterruptedUploadGoesOn(t *testing.T) {
	s := newRepository(t)
	layer := randomBlob(2*partSize + 1000)
	dir := interruptedPush(t, s, layer)
	info, err := os.Stat(notePath(t, dir))
	must(t, err)
	if info.Mode() != 0o600 {
		t.Errorf("the note has mode %s", info.Mode())
	}
	before := s.count("UploadLayerPart")
	var seen events
	must(t, s.pusher(Options{ResumeDir: dir, Progress: &seen}).Layers(t.Context(), []Blob{layer}))
	s.mustHave(layer)
	seen.mustAddUp(t, partSize+1000)
	if n := s.count("UploadLayerPart") - before; n != 2 {
		t.Errorf("%d parts were sent, want the 2 that were left", n)
	}
	if l := seen.layers[0]; l.Resumed != partSize || !strings.Contains(l.String(), "pushed, resumed at 5.2 MB") {
		t.Errorf("told %s", l)
	}
	if notes, _ := os.ReadDir(dir); len(notes) != 0 {
		t.Errorf("notes %v are left", notes)
	}
}

func TestInterruptedUploadThatStandsElsewhere(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, s *service, layer Blob, path string, note []byte){
		"the note is behind": func(t *testing.T, s *service, layer Blob, _ string, note []byte) { sendPart(t, s, layer, note) },
		"the note is ahead": func(t *testing.T, _ *service, _ Blob, path string, note []byte) {
			ahead := strings.Replace(string(note), `"offset":5242880`, `"offset":10485760`, 1)
			must(t, os.WriteFile(path, []byte(ahead), 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newRepository(t)
			layer := randomBlob(2*partSize + 1000)
			dir := interruptedPush(t, s, layer)
			path := notePath(t, dir)
			note, err := os.ReadFile(path)
			must(t, err)
			change(t, s, layer, path, note)
			var seen events
			must(t, s.pusher(Options{ResumeDir: dir, Progress: &seen}).Layers(t.Context(), []Blob{layer}))
			s.mustHave(layer)
			if seen.need != seen.sent {
				t.Errorf("progress: %d of %d bytes", seen.sent, seen.need)
			}
			if n := s.count("InitiateLayerUpload"); n != 1 {
				t.Errorf("%d uploads, want that of the first push alone", n)
			}
		})
	}
}

func TestWrongNoteCostsOnlyTime(t *testing.T) {
	for name, content := range map[string]string{
		"empty":            "",
		"no JSON":          "{",
		"no state":         "{}",
		"unknown upload":   `{"uploadId":"6cb64b8a-9378-0e33-2ab1-b780fab8a9e9","partSize":5242880,"offset":50}`,
		"malformed upload": `{"uploadId":"x","partSize":5242880,"offset":50}`,
		"too far":          `{"uploadId":"6cb64b8a-9378-0e33-2ab1-b780fab8a9e9","partSize":5242880,"offset":101}`,
		"negative":         `{"uploadId":"6cb64b8a-9378-0e33-2ab1-b780fab8a9e9","partSize":5242880,"offset":-1}`,
		"part too large":   `{"uploadId":"6cb64b8a-9378-0e33-2ab1-b780fab8a9e9","partSize":52428800000000,"offset":50}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := newRepository(t)
			layer := randomBlob(100)
			var seen events
			p := s.pusher(Options{ResumeDir: t.TempDir(), Progress: &seen})
			n := p.openNote(layer)
			n.write(state{})
			must(t, os.WriteFile(n.path, []byte(content), 0o600))
			n.close()
			must(t, p.Layers(t.Context(), []Blob{layer}))
			s.mustHave(layer)
			seen.mustAddUp(t, 100)
			if l := seen.layers[0]; l.Resumed != 0 {
				t.Errorf("told %s", l)
			}
			if notes, _ := os.ReadDir(p.o.ResumeDir); len(notes) != 0 {
				t.Errorf("notes %v are left", notes)
			}
		})
	}
}

// sendPart sends the second part of a layer to the upload of a note.
func sendPart(t *testing.T, s *service, layer Blob, note []byte) {
	t.Helper()
	f, err := layer.open()
	must(t, err)
	part := make([]byte, partSize)
	_, err = f.ReadAt(part, partSize)
	must(t, err)
	_, id, _ := strings.Cut(string(note), `"uploadId":"`)
	id, _, _ = strings.Cut(id, `"`)
	_, err = s.client.UploadLayerPart(t.Context(), &ecrpublic.UploadLayerPartRequest{RepositoryName: new("hello"), UploadId: &id,
		PartFirstByte: new(int64(partSize)), PartLastByte: new(int64(2*partSize - 1)), LayerPartBlob: part})
	must(t, err)
}

// Bytes that another left under our upload are found out at the end, and cost only time.
func TestInterruptedUploadWithForeignBytes(t *testing.T) {
	s := newRepository(t)
	layer := randomBlob(2*partSize + 1000)
	dir := interruptedPush(t, s, layer)
	old, err := os.ReadFile(notePath(t, dir))
	must(t, err)
	sendPart(t, s, randomBlob(2*partSize+1000), old)
	must(t, s.pusher(Options{ResumeDir: dir}).Layers(t.Context(), []Blob{layer}))
	s.mustHave(layer)
}

func TestNoteOfAnotherProcessIsLeftAlone(t *testing.T) {
	s := newRepository(t)
	layer := randomBlob(2*partSize + 1000)
	dir := interruptedPush(t, s, layer)
	other := s.pusher(Options{ResumeDir: dir}).openNote(layer)
	defer other.close()
	var seen events
	must(t, s.pusher(Options{ResumeDir: dir, Progress: &seen}).Layers(t.Context(), []Blob{layer}))
	s.mustHave(layer)
	seen.mustAddUp(t, layer.Size)
	if _, ok := other.read(); !ok {
		t.Error("the note is gone")
	}
}

func TestNotesAreNoConditionForAPush(t *testing.T) {
	s := newRepository(t)
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	layer := randomBlob(partSize + 1)
	must(t, s.pusher(Options{ResumeDir: filepath.Join(file, "impossible")}).Layers(t.Context(), []Blob{layer}))
	s.mustHave(layer)
}

func TestOldNotesAreRemoved(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	for name, age := range map[string]time.Duration{"old.json": noteLifetime + time.Hour, "new.json": time.Hour, "other.txt": 2 * noteLifetime} {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, nil, 0o600))
		must(t, os.Chtimes(path, now.Add(-age), now.Add(-age)))
	}
	removeOldNotes(dir, now)
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	must(t, err)
	if len(left) != 2 || filepath.Base(left[0]) != "new.json" || filepath.Base(left[1]) != "other.txt" {
		t.Errorf("left: %v", left)
	}
}
