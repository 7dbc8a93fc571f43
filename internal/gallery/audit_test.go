package gallery

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/openecr/openecr/internal/registry"
)

func TestFormsAreTold(t *testing.T) {
	b := newOwner(newRig(t))
	var told []string
	b.Audit = func(_ *http.Request, caller registry.Caller, c registry.Change) {
		asked, err := json.Marshal(c.Request)
		b.must(err)
		answered, err := json.Marshal(c.Answer)
		b.must(err)
		told = append(told, fmt.Sprintf("%s %s %s %s %s %v", caller.Account, c.Action, c.Repository.Name, asked, answered, c.Err != nil))
	}
	const page = "/-/repositories/team/app"
	b.submit("/-/repositories", "name=team/app")
	b.submit("/-/repositories", "name=team/app")
	b.submit("/-/repositories", "name=No Name")
	b.submit(page, "do=preview", "about=seen by nobody")
	b.submit(page, "do=save", "description=What it is", "systems=Linux")
	b.image(registry.Path{Registry: "acme", Name: "team/app"}, "x", []string{"layer"}, "1.0")
	b.submit(page+"?tab=tags", "do=choose-tags", "tags=1.0")
	b.submit(page+"?tab=tags", "do=delete-tags", "tags=1.0", "tags=absent")
	b.submit("/-/registry", "displayName=Team")
	b.submit(page+"?tab=delete", "do=delete", "confirm=team/app", "images=too")
	id := string(owner.Account)
	want := []string{
		id + ` CreateRepository team/app {"repositoryName":"team/app"} null false`,
		id + ` CreateRepository team/app {"repositoryName":"team/app"} null true`,
		id + ` PutRepositoryCatalogData team/app {"repositoryName":"team/app","catalogData":{"description":"What it is","operatingSystems":["Linux"]}} null false`,
		id + ` BatchDeleteImage team/app {"repositoryName":"team/app","imageIds":[{"imageTag":"1.0"},{"imageTag":"absent"}]} {"failures":[{"imageId":{"imageTag":"absent"},"failureCode":"ImageNotFound","failureReason":"Requested image not found"}]} false`,
		id + ` PutRegistryCatalogData  {"displayName":"Team"} null false`,
		id + ` DeleteRepository team/app {"repositoryName":"team/app","force":true} null false`,
	}
	if !slices.Equal(told, want) {
		t.Errorf("told:\n%s\nwant:\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
	}
}
