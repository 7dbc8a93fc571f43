package ecrapi

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/registry"
)

// audited gathers what a Server tells of changes, one line each: who, what, on what, asked, answered, refused.
func (r *rig) audited(t *testing.T) func() []string {
	t.Helper()
	var lines []string
	r.Audit = func(_ *http.Request, caller registry.Caller, c registry.Change) {
		asked, err := json.Marshal(c.Request)
		must(t, err)
		answered, err := json.Marshal(c.Answer)
		must(t, err)
		code, _, _ := Exception(c.Action, c.Err)
		lines = append(lines, strings.Join(strings.Fields(fmt.Sprint(caller.KeyID, " ", c.Action, " ", c.Repository.Registry, " ", c.Repository.Name, " ", string(asked), " ", string(answered), " ", code)), " "))
	}
	return func() []string {
		told := lines
		lines = nil
		return told
	}
}

func TestChangesAreTold(t *testing.T) {
	r := newRig(t)
	told := r.audited(t)
	r.call(t, "CreateRepository", `{"repositoryName":"hello"}`)
	id := uploadID(t, r.call(t, "InitiateLayerUpload", `{"repositoryName":"hello"}`))
	part := base64.StdEncoding.EncodeToString([]byte("layer"))
	r.call(t, "UploadLayerPart", `{"repositoryName":"hello","uploadId":"`+id+`","partFirstByte":0,"partLastByte":4,"layerPartBlob":"`+part+`"}`)
	r.call(t, "DescribeRepositories", `{}`)
	r.call(t, "BatchCheckLayerAvailability", `{"repositoryName":"hello","layerDigests":["sha256:`+strings.Repeat("0", 64)+`"]}`)
	r.call(t, "GetAuthorizationToken", `{}`)
	do(r, newRequest("PutImage", `{"repositoryName":"hello","imageManifest":"{\"secret\":1}","imageTag":"1"}`))
	do(r, newRequest("TagResource", `{"resourceArn":"arn:aws:ecr-public::123456789012:repository/absent","tags":[{"Key":"a","Value":"b"}]}`))
	do(r, newRequest("DeleteRepository", `{`))
	do(r, newRequest("MakeMeRich", `{}`))
	var lines []string
	for _, line := range told() {
		lines = append(lines, strings.ReplaceAll(line, id, "ID"))
	}
	want := []string{
		`OWNER CreateRepository hello {"repositoryName":"hello"} {"catalogData":{},"repository":{"createdAt":1.705072146123E9,"registryId":"123456789012","repositoryArn":"arn:aws:ecr-public::123456789012:repository/hello","repositoryName":"hello","repositoryUri":"registry.example/a1b2c3d4/hello"}}`,
		`OWNER InitiateLayerUpload hello {"repositoryName":"hello"} {"partSize":10485760,"uploadId":"ID"}`,
		`OWNER UploadLayerPart hello {"partFirstByte":0,"partLastByte":4,"repositoryName":"hello","uploadId":"ID"} {"lastByteReceived":4,"registryId":"123456789012","repositoryName":"hello","uploadId":"ID"}`,
		`OWNER GetAuthorizationToken null null`,
		`OWNER PutImage hello {"imageTag":"1","repositoryName":"hello"} null InvalidParameterException`,
		`OWNER TagResource 123456789012 absent {"resourceArn":"arn:aws:ecr-public::123456789012:repository/absent","tags":[{"Key":"a","Value":"b"}]} null RepositoryNotFoundException`,
		`OWNER DeleteRepository null null SerializationException`,
	}
	if !slices.Equal(lines, want) {
		t.Errorf("told:\n%s\nwant:\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}

func TestRefusedCallersAreTold(t *testing.T) {
	r := newRig(t)
	r.call(t, "CreateRepository", `{"repositoryName":"hello"}`)
	told := r.audited(t)
	check := `{"layerDigests":["sha256:` + strings.Repeat("0", 64) + `"],"registryId":"123456789012","repositoryName":"hello"}`
	forged := newRequest("DescribeRepositories", `{}`)
	forged.Header.Set("Authorization", "OWNER 00")
	do(r, forged)
	do(r, signedBy("NOBODY", "BatchCheckLayerAvailability", check))
	do(r, signedBy("STRANGER", "BatchCheckLayerAvailability", check))
	do(r, signedBy("STRANGER", "DescribeRepositories", `{"repositoryNames":["absent"]}`)) // refused for what it asks, not for who asks
	want := []string{
		`DescribeRepositories null null InvalidSignatureException`,
		`BatchCheckLayerAvailability null null UnrecognizedClientException`,
		`STRANGER BatchCheckLayerAvailability 123456789012 hello ` + check + ` null AccessDeniedException`,
	}
	if got := told(); !slices.Equal(got, want) {
		t.Errorf("told:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A member that is added one day must not bring a secret or a layer into the account by itself.
func TestAccountHasNoContent(t *testing.T) {
	const content = "these bytes must not be told"
	content64 := base64.StdEncoding.EncodeToString([]byte(content))
	secret := regexp.MustCompile(`(?i)"[a-z]*(secret|password|authorizationToken|manifest|blob)[a-z]*":`)
	for _, op := range ecrpublic.Operations() {
		told := []any{op.NewInput()}
		if changes(op) { // answers of the others are not told
			told = append(told, op.NewOutput())
		}
		for _, v := range told {
			fill(reflect.ValueOf(v).Elem(), content)
			body, _ := document(v).(json.RawMessage)
			text := strings.ReplaceAll(string(body), `"imageManifestMediaType":`, "")
			if found := secret.FindString(text); found != "" || strings.Contains(text, content64) {
				t.Errorf("%s tells %s: %s", op.Name, found, body)
			}
		}
	}
}

// fill sets every member: bytes to content, texts to a word.
func fill(v reflect.Value, content string) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), content)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fill(v.Field(i), content)
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(content))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), content)
	case reflect.String:
		v.SetString("word")
	}
}
