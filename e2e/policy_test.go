//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// A second account pushes to a repository of the first: once both allow it, from an address that the policy names, until
// the policy goes.
func TestAnotherAccountPushesByPolicy(t *testing.T) {
	s := startServer(t)
	owner := newAWS(t, s)
	image := owner.createRepository(t, s, "shared") + ":1"
	var account struct{ AccountID string }
	s.administer(t, &account, "account", "create")
	var key accessKey
	s.administer(t, &key, "key", "create", "--account", account.AccountID)
	guest := owner.signingWith(key)
	l := newLayout(t)
	l.tag("one", l.image("amd64", 1, 1<<10))
	skopeo := newSkopeo(t)
	skopeo.runWithInput(t, guest.password(t), "login", "--tls-verify=false", "--username", "AWS", "--password-stdin", s.host())
	push := []string{"copy", skopeoPlainTo, "oci:" + l.dir + ":one", "docker://" + image}
	policyFrom := func(network string) string {
		return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Sid":"Push","Effect":"Allow","Principal":{"AWS":"%s"},"Action":["ecr-public:BatchCheckLayerAvailability",
			"ecr-public:*Upload*","ecr-public:PutImage"],"Condition":{"IpAddress":{"aws:SourceIp":"%s"}}}]}`, account.AccountID, network)
	}

	skopeo.fails(t, push...)
	owner.call(t, nil, "set-repository-policy", "--repository-name", "shared", "--policy-text", policyFrom("203.0.113.0/24"))
	skopeo.fails(t, push...)
	owner.call(t, nil, "set-repository-policy", "--repository-name", "shared", "--policy-text", policyFrom("127.0.0.0/8"))
	skopeo.run(t, push...)
	registryID := strings.Split(s.file("server.json"), `"accountId": "`)[1][:12]
	if said := guest.fails(t, "delete-repository", "--registry-id", registryID, "--repository-name", "shared"); !strings.Contains(said, "no resource-based policy allows the ecr-public:DeleteRepository action") {
		t.Errorf("the CLI said %q, want why it was denied", said)
	}
	var deleted struct{ PolicyText string }
	owner.call(t, &deleted, "delete-repository-policy", "--repository-name", "shared")
	if !strings.HasPrefix(deleted.PolicyText, "{\n  \"Version\" : \"2012-10-17\",\n  \"Statement\" : [ {\n    \"Sid\" : \"Push\",") {
		t.Errorf("the policy came back as %s", deleted.PolicyText)
	}
	skopeo.fails(t, push...)
}

func TestTooManyCallsAreTurnedAway(t *testing.T) {
	s := startServer(t, "--rate-limit", "DescribeRegistries=0.001:2", "--rate-limit", "tagsList=0.001:1")
	aws := newAWS(t, s)
	aws.tool = aws.with("AWS_MAX_ATTEMPTS=1")
	image := aws.createRepository(t, s, "hello")
	for range 2 {
		aws.call(t, nil, "describe-registries")
	}
	if said := aws.fails(t, "describe-registries"); !strings.Contains(said, "(ThrottlingException)") || !strings.Contains(said, "Rate exceeded") {
		t.Errorf("the CLI said %q, want ThrottlingException", said)
	}
	aws.call(t, nil, "describe-repositories")
	list := func() *http.Response {
		_, path, _ := strings.Cut(image, "/")
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/v2/"+path+"/tags/list", nil)
		must(t, err)
		response, err := http.DefaultClient.Do(request)
		must(t, err)
		t.Cleanup(func() { response.Body.Close() })
		return response
	}
	if status := list().StatusCode; status != http.StatusOK {
		t.Errorf("the first list of tags: %d", status)
	}
	if response := list(); response.StatusCode != http.StatusTooManyRequests || response.Header.Get("Retry-After") != "1000" {
		t.Errorf("the second: %d, Retry-After %q", response.StatusCode, response.Header.Get("Retry-After"))
	}
}
