//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// auditRecord is what a reader of CloudTrail's records looks at.
type auditRecord struct {
	EventName, EventSource, EventType, EventTime, AWSRegion, SourceIPAddress, UserAgent, ErrorCode, RequestID, RecipientAccountID string

	UserIdentity      struct{ Type, ARN, AccessKeyID string }
	RequestParameters struct{ RepositoryName, ImageTag string }
	ResponseElements  struct{ ImageDigest, LayerDigest string }
	Resources         []struct{ ARN, AccountID string }
}

func readAudit(t *testing.T, path string) (records []auditRecord) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(content)) {
		var r auditRecord
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		records = append(records, r)
	}
	return records
}

func TestAuditLogOfRealClients(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	s := startServer(t, "--audit", path)
	aws := newAWS(t, s)
	image := aws.createRepository(t, s, "hello") + ":1"
	l := newLayout(t)
	made := l.image("amd64", 2, 1<<20)
	l.tag("one", made)
	owner := newSkopeo(t)
	owner.runWithInput(t, aws.password(t), "login", "--tls-verify=false", "--username", "AWS", "--password-stdin", s.host())
	owner.run(t, "copy", "--preserve-digests", skopeoPlainTo, "oci:"+l.dir+":one", "docker://"+image)
	owner.fails(t, "login", "--tls-verify=false", "--username", "AWS", "--password", "wrong", s.host())
	aws.with("AWS_SECRET_ACCESS_KEY=wrong").fails(t, "delete-repository", "--repository-name", "hello", "--force")
	owner.run(t, "delete", "--tls-verify=false", "docker://"+image)
	account := s.accountID(t)
	s.kill() // what was answered is in it

	var names []string
	for _, r := range readAudit(t, path) {
		names = append(names, strings.TrimSpace(r.EventName+" "+r.ErrorCode))
		if r.SourceIPAddress != "127.0.0.1" || r.AWSRegion != "us-east-1" || r.EventTime == "" || r.UserAgent == "" || r.RequestID == "" || r.EventType != "AwsApiCall" {
			t.Errorf("not whole: %+v", r)
		}
		if r.ErrorCode == "" && (r.UserIdentity.ARN != "arn:aws:iam::"+account+":root" || r.UserIdentity.AccessKeyID == "" || r.RecipientAccountID != account) {
			t.Errorf("whose is it? %+v", r)
		}
		if r.EventName == "PutImage" && (r.ResponseElements.ImageDigest != made.Digest || r.RequestParameters.ImageTag != "1" || r.RequestParameters.RepositoryName != "hello" ||
			len(r.Resources) != 1 || r.Resources[0].ARN != "arn:aws:ecr-public::"+account+":repository/hello" || !strings.Contains(r.UserAgent, "skopeo")) {
			t.Errorf("of what? %+v", r)
		}
	}
	for what, want := range map[string]int{
		"CreateRepository": 1, "GetAuthorizationToken": 1, "InitiateLayerUpload": 3, "UploadLayerPart": 3, "CompleteLayerUpload": 3, "PutImage": 1,
		"GetToken AccessDeniedException": 1, "DeleteRepository InvalidSignatureException": 1, "BatchDeleteImage": 1,
	} {
		if got := len(slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name != what })); got != want {
			t.Errorf("%d of %s, want %d, among %q", got, what, want, names)
		}
	}
}
