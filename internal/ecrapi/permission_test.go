package ecrapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/policy"
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// ofOwn are the operations that are only ever about the caller's own registry.
var ofOwn = map[string]bool{
	"CreateRepository": true, "DescribeRegistries": true, "GetAuthorizationToken": true, "GetRegistryCatalogData": true, "PutRegistryCatalogData": true,
}

// requestFor is an input of the operation about repository hello of the owner, with what is required only.
func requestFor(t *testing.T, op *ecrpublic.Operation) string {
	t.Helper()
	right := map[string]any{
		"resourceArn":   ref.RepositoryARN(account, "hello"),
		"policyText":    `{"Statement":{"Effect":"Allow","Principal":"*","Action":"*"}}`,
		"imageManifest": imageManifest,
		"partFirstByte": 0, "partLastByte": 0, "layerPartBlob": "Yw==",
	}
	body := make(map[string]any)
	for _, m := range op.Input.Members {
		if m.Required {
			body[m.Name] = sample(t, m.Shape, fewest(m.Shape))
		}
		if m.Name == "registryId" {
			body[m.Name] = account
		}
	}
	for name := range body {
		if value, ok := right[name]; ok {
			body[name] = value
		}
	}
	text, err := json.Marshal(body)
	must(t, err)
	return string(text)
}

// withPolicy has every caller come with an identity policy.
func (r *rig) withPolicy(t *testing.T, statements string) {
	t.Helper()
	p, err := policy.Parse(`{"Version":"2012-10-17","Statement":[`+statements+`]}`, policy.IdentityPolicy)
	must(t, err)
	r.Begin = func(req *http.Request) (Pending, error) {
		pending, err := beginSigned(req)
		return limited{pending, p}, err
	}
}

type limited struct {
	Pending
	policy *policy.Policy
}

func (l limited) Finish(sum [32]byte) (registry.Caller, error) {
	caller, err := l.Pending.Finish(sum)
	caller.ARN = strings.Replace(caller.ARN, ":root", ":user/robot", 1)
	caller.Policy = l.policy
	return caller, err
}

// TestEveryOperationNeedsItsOwnPermission: a key may do what its policy says under the operation's own name and nothing
// else, and a refusal changes nothing and names that permission.
func TestEveryOperationNeedsItsOwnPermission(t *testing.T) {
	r := newRig(t)
	r.call(t, "CreateRepository", `{"repositoryName":"hello"}`)
	for _, op := range ecrpublic.Operations() {
		t.Run(op.Name, func(t *testing.T) {
			request := requestFor(t, op)
			r.withPolicy(t, fmt.Sprintf(`{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"ecr-public:%s","Resource":"*"}`, op.Name))
			message := r.denied(t, "OWNER", op.Name, request)
			if !strings.HasPrefix(message, "User: arn:aws:iam::"+account+":user/robot is not authorized to perform: ecr-public:"+op.Name+" on resource: ") || !strings.HasSuffix(message, " with an explicit deny in an identity-based policy") {
				t.Errorf("under a deny: %s", message)
			}
			r.withPolicy(t, `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`)
			if message := r.denied(t, "OWNER", op.Name, request); !strings.HasSuffix(message, " because no identity-based policy allows the ecr-public:"+op.Name+" action") {
				t.Errorf("without an allow: %s", message)
			}
			if !ofOwn[op.Name] {
				r.withPolicy(t, `{"Effect":"Allow","Action":"*","Resource":"*"}`)
				if message := r.denied(t, "STRANGER", op.Name, request); !strings.HasSuffix(message, " because no resource-based policy allows the ecr-public:"+op.Name+" action") {
					t.Errorf("of another account: %s", message)
				}
			}
			r.withPolicy(t, fmt.Sprintf(`{"Effect":"Allow","Action":["ecr-public:%s","sts:GetServiceBearerToken"],"Resource":"*"}`, op.Name))
			if w := do(r, newRequest(op.Name, request)); strings.Contains(w.Body.String(), "AccessDenied") || w.Code >= http.StatusInternalServerError {
				t.Errorf("with an allow for nothing else: %d %s", w.Code, w.Body)
			}
			r.Begin = beginSigned
			do(r, newRequest("CreateRepository", `{"repositoryName":"hello"}`)) // if it was deleted
			do(r, newRequest("DeleteRepositoryPolicy", `{"repositoryName":"hello"}`))
		})
	}
}

// denied is the message of a refusal.
func (r *rig) denied(t *testing.T, key, operation, request string) string {
	t.Helper()
	before := r.writes.Load()
	w := do(r, signedBy(key, operation, request))
	var answer map[string]string
	must(t, json.Unmarshal(w.Body.Bytes(), &answer))
	if w.Code != http.StatusBadRequest || answer["__type"] != "AccessDeniedException" || r.writes.Load() != before {
		t.Errorf("by %s: %d %s", key, w.Code, w.Body)
	}
	return answer["message"]
}

// TestPermissionForOneRepository: ARNs in a policy hold for repositories and their registry as IAM documents it.
func TestPermissionForOneRepository(t *testing.T) {
	r := newRig(t)
	for _, name := range []string{"hello", "other"} {
		r.call(t, "CreateRepository", `{"repositoryName":"`+name+`"}`)
	}
	arn := func(kind string) string { return "arn:aws:ecr-public::" + account + ":" + kind }
	requests := map[string]string{
		"DescribeImages hello":         `{"repositoryName":"hello"}`,
		"DescribeImages other":         `{"repositoryName":"other"}`,
		"DescribeRepositories by name": `{"repositoryNames":["hello"]}`,
		"DescribeRepositories all":     `{}`,
		"DescribeRegistries":           `{}`,
		"GetAuthorizationToken":        `{}`,
	}
	for resource, allowed := range map[string][]string{
		arn("repository/hello"):      {"DescribeImages hello", "DescribeRepositories by name"},
		arn("repository/*"):          {"DescribeImages hello", "DescribeImages other", "DescribeRepositories by name", "DescribeRepositories all"},
		arn("registry/" + account):   {"DescribeRegistries"},
		"arn:aws:ecr-public::*":      {"DescribeImages hello", "DescribeImages other", "DescribeRepositories by name", "DescribeRepositories all", "DescribeRegistries"},
		"*":                          {"DescribeImages hello", "DescribeImages other", "DescribeRepositories by name", "DescribeRepositories all", "DescribeRegistries", "GetAuthorizationToken"},
		arn("repository/hello/more"): nil,
	} {
		r.withPolicy(t, fmt.Sprintf(`{"Effect":"Allow","Action":"*","Resource":%q}`, resource))
		got, want := make(map[string]bool), make(map[string]bool)
		for name, body := range requests {
			operation, _, _ := strings.Cut(name, " ")
			got[name] = do(r, newRequest(operation, body)).Code == http.StatusOK
			want[name] = false
		}
		for _, name := range allowed {
			want[name] = true
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", resource, got, want)
		}
	}
}
