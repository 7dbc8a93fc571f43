package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func openLog(t *testing.T, path string, size int64, keep int) *Log {
	t.Helper()
	l, err := Open(path, size, keep)
	must(t, err)
	t.Cleanup(func() { must(t, l.Close()) })
	return l
}

// aside are the contents of the files that moved aside, oldest first.
func aside(t *testing.T, path string) (contents []string) {
	t.Helper()
	names, err := filepath.Glob(path + ".*")
	must(t, err)
	for _, name := range names {
		contents = append(contents, read(t, name))
	}
	return contents
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	must(t, err)
	return string(content)
}

func TestLine(t *testing.T) {
	line := Record{
		EventVersion: "1.08", EventName: "PutImage", EventTime: time.Date(2026, 11, 29, 1, 2, 3, 4, time.FixedZone("", 3600)),
		UserIdentity:      Identity{Type: IAMUser, PrincipalID: "AIDA", ARN: "arn:aws:iam::123456789012:user/ann", AccountID: "123456789012", AccessKeyID: "AKIA", UserName: "ann"},
		RequestParameters: map[string]string{"repositoryName": "a\nb"}, Resources: []Resource{{ARN: "arn", AccountID: "123456789012"}},
		EventType: APICall, ManagementEvent: true, EventCategory: "Management",
	}.Line()
	want := `{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","principalId":"AIDA","arn":"arn:aws:iam::123456789012:user/ann","accountId":"123456789012","accessKeyId":"AKIA","userName":"ann"},` +
		`"eventTime":"2026-11-29T00:02:03Z","eventSource":"","eventName":"PutImage","awsRegion":"","sourceIPAddress":"","userAgent":"",` +
		`"requestParameters":{"repositoryName":"a\nb"},"responseElements":null,"requestID":"","eventID":"","readOnly":false,` +
		`"resources":[{"ARN":"arn","accountId":"123456789012"}],"eventType":"AwsApiCall","managementEvent":true,"eventCategory":"Management"}` + "\n"
	if string(line) != want {
		t.Errorf("got  %s\nwant %s", line, want)
	}
}

func TestLineIsBoundedWhateverAClientSends(t *testing.T) {
	hostile := strings.Repeat("\x00\n\xff\"", 1<<20)
	line := Record{
		EventName: hostile, SourceIPAddress: hostile, UserAgent: hostile, ErrorCode: hostile, ErrorMessage: hostile, UserIdentity: Identity{AccessKeyID: hostile},
		RequestParameters: map[string]string{"a": hostile}, ResponseElements: json.RawMessage("no JSON"),
	}.Line()
	if len(line) > 48<<10 || bytes.Count(line, []byte("\n")) != 1 || line[len(line)-1] != '\n' {
		t.Errorf("%d bytes with %d line ends", len(line), bytes.Count(line, []byte("\n")))
	}
	var r map[string]any
	must(t, json.Unmarshal(line, &r))
	for _, field := range []string{"requestParameters", "responseElements"} {
		if got := fmt.Sprint(r[field]); got != "map[omitted:true]" {
			t.Errorf("%s is %.100s", field, got)
		}
	}
}

func FuzzLine(f *testing.F) {
	f.Add("aws-cli/2", "PutImage", []byte(`{"a":1}`))
	f.Add("\xff\u2028", "", []byte("{"))
	f.Fuzz(func(t *testing.T, agent, name string, parameters []byte) {
		line := Record{UserAgent: agent, EventName: name, RequestParameters: json.RawMessage(parameters)}.Line()
		if !json.Valid(line) || bytes.IndexByte(line, '\n') != len(line)-1 || len(line) > maxDocument+16*maxText {
			t.Errorf("%q", line)
		}
	})
}

func TestFileMovesAsideWhenItIsFull(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit[1].log")
	must(t, os.WriteFile(path+".notes", nil, 0o600)) // somebody else's
	l := openLog(t, path, 10, 2)
	for i := range 9 {
		must(t, l.Write(fmt.Appendf(nil, "line%d\n", i)))
	}
	must(t, l.Write([]byte("a line that is longer than the file may be\n")))
	if got := read(t, path); got != "a line that is longer than the file may be\n" {
		t.Errorf("the file has %q", got)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	must(t, err)
	var names, contents []string
	for _, e := range entries {
		names = append(names, e.Name())
		contents = append(contents, read(t, filepath.Join(filepath.Dir(path), e.Name())))
	}
	if len(names) != 4 || contents[1] != "line7\n" || contents[2] != "line8\n" || names[3] != "audit[1].log.notes" {
		t.Errorf("%q have %q", names, contents)
	}
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode() != 0o600 {
		t.Errorf("others may read it: %v", info.Mode())
	}
}

func TestFileStaysAndAllAreKeptWithoutBounds(t *testing.T) {
	folder := t.TempDir()
	grows := openLog(t, filepath.Join(folder, "grows"), 0, 1)
	kept := openLog(t, filepath.Join(folder, "kept"), 1, 0)
	for range 20 {
		must(t, errors.Join(grows.Write([]byte("x\n")), kept.Write([]byte("x\n"))))
	}
	if got, moved := read(t, filepath.Join(folder, "grows")), aside(t, filepath.Join(folder, "kept")); len(got) != 40 || len(moved) != 19 {
		t.Errorf("%q, and %d moved aside", got, len(moved))
	}
}

func TestFileThatSomebodyMovedIsLeftToThem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := openLog(t, path, 0, 0)
	must(t, l.Write([]byte("one\n")))
	must(t, os.Rename(path, path+".1"))
	must(t, l.Write([]byte("two\n")))
	must(t, os.Rename(path, path+".2"))
	must(t, os.WriteFile(path, []byte("begun by logrotate\n"), 0o600))
	must(t, l.Write([]byte("three\n")))
	must(t, os.Remove(path))
	must(t, l.Write([]byte("four\n")))
	if got := aside(t, path); len(got) != 2 || got[0] != "one\n" || got[1] != "two\n" || read(t, path) != "four\n" {
		t.Errorf("%q, then %q", got, read(t, path))
	}
}

func TestLinesAreWrittenWhereTheFileCannotMoveAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	old := path + "." + time.Now().UTC().Format(asideTime)
	must(t, os.MkdirAll(filepath.Join(old, "not empty"), 0o700)) // so that it cannot be removed
	l := openLog(t, path, 5, 1)
	for range 3 {
		must(t, l.Write([]byte("line\n")))
	}
	if err := l.Sync(); err == nil || !strings.Contains(err.Error(), "move the full file aside") {
		t.Errorf("sync says %v", err)
	}
	must(t, l.Sync())
	if got := read(t, path); got != "line\n" {
		t.Errorf("the file has %q", got)
	}
}

func TestFailureIsTold(t *testing.T) {
	if _, err := Open(filepath.Join(t.TempDir(), "absent", "audit.log"), 0, 0); err == nil {
		t.Error("a file in no folder was opened")
	}
	path := filepath.Join(t.TempDir(), "folder", "audit.log")
	must(t, os.Mkdir(filepath.Dir(path), 0o700))
	l := openLog(t, path, 0, 0)
	must(t, os.RemoveAll(filepath.Dir(path)))
	if err := l.Write([]byte("lost\n")); err == nil {
		t.Error("a line went nowhere")
	}
	must(t, os.Mkdir(filepath.Dir(path), 0o700))
	must(t, l.Write([]byte("found\n")))
	if got := read(t, path); got != "found\n" {
		t.Errorf("the file has %q", got)
	}
}

func TestFullDiskIsTold(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	must(t, err)
	defer full.Close()
	if err := To(full).Write([]byte("line\n")); err == nil {
		t.Error("a full disk took a line")
	}
}

func TestLinesOfManyStayWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	one, other := openLog(t, path, 0, 0), openLog(t, path, 0, 0)
	line := strings.Repeat("x", 3000) + "\n"
	var writers sync.WaitGroup
	for range 8 {
		writers.Go(func() {
			for range 20 {
				if err := errors.Join(one.Write([]byte(line)), other.Write([]byte(line)), one.Sync()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	if read(t, path) != strings.Repeat(line, 320) {
		t.Error("lines were torn")
	}
}
