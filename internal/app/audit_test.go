package app

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openecr/openecr/internal/audit"
	"github.com/openecr/openecr/internal/registry"
)

// auditLines are the records in a file.
func auditLines(t *testing.T, path string) (records []audit.Record) {
	t.Helper()
	content, err := os.ReadFile(path)
	must(t, err)
	for line := range strings.Lines(string(content)) {
		var r audit.Record
		must(t, json.Unmarshal([]byte(line), &r))
		records = append(records, r)
	}
	return records
}

// auditSummary is the short form of a record.
func auditSummary(r audit.Record) string {
	return strings.Join(strings.Fields(strings.Join([]string{r.UserIdentity.Type, r.EventType, r.EventSource, r.EventName, r.ErrorCode}, " ")), " ")
}

func TestAuditLogOfAllWires(t *testing.T) {
	c := newConfig(t)
	c.Audit = filepath.Join(t.TempDir(), "audit.log")
	r := serve(t, c)
	env := readEnvironment(t, c)
	client := newClient(t, r, env)
	makeRepository(t, client)
	describeRegistries(t, r, env)
	wrong := env
	wrong.SecretAccessKey = "wrong"
	res, _ := r.send(t, signed(t, wrong, http.MethodPost, "/", "sts", form, "Action=GetCallerIdentity&Version=2011-06-15"))
	if res.StatusCode == http.StatusOK {
		t.Error(res.Status)
	}
	r.do(t, http.MethodGet, env.URL+"/v2/", nil)
	r.do(t, http.MethodGet, env.URL+"/v2/", http.Header{"Authorization": {"Bearer forged"}, "User-Agent": {"docker/1"}})
	key := do(t, c.Stores, CreateKey{User: "ann"})
	do(t, c.Stores, ListKeys{})
	says(t, c.Stores, DeleteKey{ID: "AKIAABSENT"}, "there is no access key AKIAABSENT: see `openecr key list`")
	req, err := http.NewRequest(http.MethodPost, env.URL+"/-/sign-in", strings.NewReader("name=AKIAABSENT&password=hunter2"))
	must(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.send(t, req)
	r.stop()
	must(t, r.wait())
	rotated := do(t, c.Stores, RotateKey{ID: key.ID}) // without a server

	records := auditLines(t, c.Audit)
	var got []string
	ids := make(map[string]bool)
	for _, rec := range records {
		got = append(got, auditSummary(rec))
		ids[rec.RequestID], ids[rec.EventID] = true, true
	}
	want := []string{
		"Root AwsApiCall ecr-public.amazonaws.com CreateRepository",
		"Unknown AwsApiCall sts.amazonaws.com UnknownOperation InvalidSignatureException",
		"Unknown AwsApiCall ecr-public.amazonaws.com Ping AccessDeniedException",
		"Operator OperatorCommand openecr CreateKey",
		"Operator OperatorCommand openecr DeleteKey CommandFailed",
		"Unknown AwsConsoleSignIn signin.amazonaws.com ConsoleLogin AccessDeniedException",
		"Operator OperatorCommand openecr RotateKey",
	}
	if !slices.Equal(got, want) {
		t.Fatalf("records:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(ids) != 2*len(records) || ids[""] {
		t.Errorf("%d ids in %d records", len(ids), len(records))
	}
	made, forged := records[0], records[2]
	if made.UserIdentity.ARN != "arn:aws:iam::"+env.AccountID+":root" || made.UserIdentity.AccessKeyID != env.AccessKeyID || made.UserIdentity.PrincipalID != env.AccountID ||
		made.RecipientAccount != env.AccountID || len(made.Resources) != 1 || made.Resources[0].ARN != "arn:aws:ecr-public::"+env.AccountID+":repository/hello" ||
		made.AWSRegion != "us-east-1" || made.SourceIPAddress != "127.0.0.1" || !strings.Contains(made.UserAgent, "aws-sdk-go-v2") || made.ReadOnly {
		t.Errorf("made: %+v", made)
	}
	if records[1].UserIdentity.AccessKeyID != env.AccessKeyID || forged.UserAgent != "docker/1" || !forged.ReadOnly || forged.RecipientAccount != "" {
		t.Errorf("forged: %+v, %+v", records[1], forged)
	}
	content, err := os.ReadFile(c.Audit)
	must(t, err)
	for _, secret := range []string{key.Secret, rotated.Secret, "hunter2", env.SecretAccessKey} {
		if bytes.Contains(content, []byte(secret)) {
			t.Errorf("the secret %q is in it", secret)
		}
	}
	if !bytes.Contains(content, []byte(rotated.ID)) {
		t.Error("which key was made is not in it")
	}
}

// newAuditedOnce is an auditor whose log is a buffer, with what it counts.
func newAuditedOnce(t *testing.T, to io.Writer) (a *auditor, counts map[string]int, log *logBuffer) {
	t.Helper()
	counts, log = make(map[string]int), new(logBuffer)
	a = newAuditor(audit.To(to), slog.New(slog.NewJSONHandler(log, nil)), nil, func(outcome string) { counts[outcome]++ })
	return a, counts, log
}

// Whoever has no key could otherwise fill the log until what matters is removed from it.
func TestStrangersCannotFloodTheAuditLog(t *testing.T) {
	var written logBuffer
	a, counts, _ := newAuditedOnce(t, &written)
	now := a.strangers.now()
	a.strangers.now = func() time.Time { return now }
	refusedOnce := func() {
		a.note(httptest.NewRequest(http.MethodPost, "/", nil), registry.Caller{}, registry.Change{Action: "PutImage", Err: errWrongSignIn})
	}
	for range 1000 {
		refusedOnce()
	}
	if n := strings.Count(written.String(), "\n"); n != 100 || counts[auditWritten] != 100 || counts[auditLeftOut] != 900 {
		t.Fatalf("%d lines, counted %v", n, counts)
	}
	now = now.Add(time.Second)
	refusedOnce()
	lines := strings.Split(strings.TrimSpace(written.String()), "\n")
	if last := lines[len(lines)-1]; !strings.Contains(last, `"additionalEventData":{"refusalsLeftOut":900}`) {
		t.Error(last)
	}
	owner := registry.Caller{Account: testAccount, ARN: "arn:aws:iam::" + testAccount + ":user/team/ann", KeyID: "GOOD"}
	for range 300 {
		a.note(httptest.NewRequest(http.MethodPost, "/", nil), owner, registry.Change{Action: "PutImage", Err: errWrongSignIn})
	}
	if counts[auditWritten] != 401 || !strings.Contains(written.String(), `"userName":"ann"`) {
		t.Errorf("somebody who is known is left out: %v", counts)
	}
}

func TestRecordsThatCannotBeWrittenAreInTheLog(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	must(t, err)
	defer full.Close()
	a, counts, log := newAuditedOnce(t, full)
	a.note(httptest.NewRequest(http.MethodPost, "/", nil), registry.Caller{Account: testAccount}, registry.Change{Action: "PutImage"})
	var line struct{ Level, Error, Record string }
	must(t, json.Unmarshal([]byte(log.String()), &line))
	var rec audit.Record
	must(t, json.Unmarshal([]byte(line.Record), &rec))
	if line.Level != "ERROR" || !strings.Contains(line.Error, "no space left") || rec.EventName != "PutImage" || counts[auditFailed] != 1 {
		t.Errorf("%s, counted %v", log, counts)
	}
}

func TestAuditOptions(t *testing.T) {
	c := newConfig(t)
	c.Audit = filepath.Join(t.TempDir(), "absent", "audit.log")
	if got, want := refusal(t, c), "--audit "+c.Audit+" cannot be written: open "+c.Audit+": no such file or directory"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	c.AuditKeep = -1
	if got, want := refusal(t, c), "--audit-size and --audit-keep must not be negative: 0 is without bound"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
