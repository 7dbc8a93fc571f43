package gallery

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/openecr/openecr/internal/ref"
)

// crawl posts to an operation and returns the status and the decoded answer.
func (r *rig) crawl(operation, body string) (int, map[string]any) {
	r.Helper()
	request := httptest.NewRequest(http.MethodPost, "https://registry.test/"+operation, strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	r.Crawl(answer, request)
	var decoded map[string]any
	r.must(json.Unmarshal(answer.Body.Bytes(), &decoded))
	return answer.Code, decoded
}

func TestCrawlersFindRepositories(t *testing.T) {
	r := newRig(t)
	for _, name := range []ref.RepositoryName{"team/nginx", "team/proxy", "tool"} {
		r.image(r.create(name, "<b>says</b> nginx"), "text", []string{string(name)}, "latest")
	}
	status, answer := r.crawl("searchRepositoryCatalogData", `{"searchTerm":"team","sortConfiguration":{"sortKey":"POPULARITY"},"maxResults":1}`)
	list := answer["repositoryCatalogSearchResultList"].([]any)
	if status != http.StatusOK || answer["totalResults"] != 2.0 || len(list) != 1 || answer["nextToken"] == nil {
		t.Fatalf("%d %v", status, answer)
	}
	first := list[0].(map[string]any)
	for member, want := range map[string]any{
		"repositoryName": "team/nginx", "primaryRegistryAliasName": "acme", "displayName": "acme", "registryVerified": false,
		"repositoryDescription": "<b>says</b> nginx", "downloadCount": 0.0,
	} {
		if first[member] != want {
			t.Errorf("%s: %v, want %v", member, first[member], want)
		}
	}
	if logo := first["logoUrl"].(string); !strings.HasPrefix(logo, "https://registry.test/-/logo/") {
		t.Errorf("logo %q", logo)
	}
	_, answer = r.crawl("searchRepositoryCatalogData", `{"searchTerm":"team","nextToken":"`+answer["nextToken"].(string)+`"}`)
	list = answer["repositoryCatalogSearchResultList"].([]any)
	if len(list) != 1 || list[0].(map[string]any)["repositoryName"] != "team/proxy" || answer["nextToken"] != nil {
		t.Errorf("second page: %v", answer)
	}
}

func TestCrawlersReadARepository(t *testing.T) {
	r := newRig(t)
	p := r.create("team/nginx", "about")
	image := r.image(p, "text", []string{"layer"}, "v1", "v2")
	const of = `{"registryAliasName":"acme","repositoryName":"team/nginx"`
	_, answer := r.crawl("describeImageTags", of+`,"maxResults":1}`)
	tag := answer["imageTagDetails"].([]any)[0].(map[string]any)
	if tag["imageTag"] != "v1" || tag["imageDetail"].(map[string]any)["imageDigest"] != image.Digest {
		t.Errorf("first tag: %v", tag)
	}
	if _, err := time.Parse(time.RFC3339, tag["createdAt"].(string)); err != nil {
		t.Errorf("its time: %v", err)
	}
	_, answer = r.crawl("describeImageTags", of+`,"maxResults":1,"nextToken":"`+answer["nextToken"].(string)+`"}`)
	if tags := answer["imageTagDetails"].([]any); len(tags) != 1 || tags[0].(map[string]any)["imageTag"] != "v2" || answer["nextToken"] != nil {
		t.Errorf("second page: %v", answer)
	}
	_, answer = r.crawl("getRepositoryCatalogData", of+"}")
	if data := answer["catalogData"].(map[string]any); data["aboutText"] != "about" || data["operatingSystems"].([]any)[0] != "Linux" {
		t.Errorf("catalog data: %v", answer)
	}
	if insight := answer["insightData"].(map[string]any); insight["downloadCount"] != 0.0 {
		t.Errorf("insight data: %v", answer)
	}
	_, answer = r.crawl("getRegistryCatalogData", `{"registryAliasName":"acme"}`)
	if data := answer["registryCatalogData"].(map[string]any); data["displayName"] != "acme" || data["verified"] != false {
		t.Errorf("registry data: %v", answer)
	}
}

func TestCrawlersAreRefused(t *testing.T) {
	r := newRig(t)
	r.create("team/nginx", "")
	for name, c := range map[string]struct{ operation, body, want string }{
		"unknown repository": {"describeImageTags", `{"registryAliasName":"acme","repositoryName":"none"}`, "RepositoryNotFoundException"},
		"unknown registry":   {"getRegistryCatalogData", `{"registryAliasName":"none"}`, "RegistryNotFoundException"},
		"no JSON":            {"getRepositoryCatalogData", `nothing`, "SerializationException"},
		"too long":           {"getRepositoryCatalogData", `{"a":"` + strings.Repeat("x", maxCrawlBody) + `"}`, "SerializationException"},
		"too many results":   {"describeImageTags", `{"registryAliasName":"acme","repositoryName":"team/nginx","maxResults":1001}`, "InvalidParameterException"},
		"foreign token":      {"describeImageTags", `{"registryAliasName":"acme","repositoryName":"team/nginx","nextToken":"x"}`, "InvalidParameterException"},
		"token out of range": {"searchRepositoryCatalogData", `{"nextToken":"1-100000"}`, "InvalidParameterException"},
	} {
		if status, answer := r.crawl(c.operation, c.body); status != http.StatusBadRequest || answer["__type"] != c.want || answer["message"] == "" {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}
	r.Private = true
	for operation := range crawls {
		if status, answer := r.crawl(strings.TrimPrefix(operation, "/"), `{}`); status != http.StatusUnauthorized || len(answer) != 2 {
			t.Errorf("%s of a private registry: %d %v", operation, status, answer)
		}
	}
}
