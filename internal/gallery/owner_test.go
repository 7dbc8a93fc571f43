package gallery

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	iam "github.com/openecr/openecr/internal/policy"
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

func TestOwnerCreatesAndDeletesARepository(t *testing.T) {
	b := newOwner(newRig(t))
	b.wants(b.open("/-/repositories"), 200, "None yet")
	d := b.submit("/-/repositories", "name=Team App")
	b.wants(d, 422, "lower-case letters and digits")
	if written := d.value("name"); written != "Team App" {
		t.Errorf("what was written has become %q", written)
	}
	b.wants(b.submit("/-/repositories", "name=team/app"), 200, "The repository was created.")
	b.wants(b.submit("/-/repositories", "name=team/app"), 422, "already exists")
	b.wants(b.open("/-/repositories"), 200, "team/app")
	b.image(registry.Path{Registry: "acme", Name: "team/app"}, "x", []string{"layer"}, "1.0")

	const page = "/-/repositories/team/app?tab=delete"
	b.wants(b.submit(page, "do=delete", "confirm=team/ap"), 422, "This is not the name")
	b.wants(b.submit(page, "do=delete", "confirm=team/app"), 422, "still contains images")
	b.wants(b.submit(page, "do=delete", "confirm=team/app", "images=too"), 200, "The repository was deleted.", "None yet")
	b.wants(b.open("/-/repositories/team/app"), 404)
}

func TestOwnerWritesWhatARepositoryIs(t *testing.T) {
	r := newRig(t)
	p := r.create("team/app", "old")
	b := newOwner(r)
	const page = "/-/repositories/team/app"
	d := b.open(page)
	if texts := d.text("textarea"); texts != "old old old" {
		t.Errorf("the form begins with %q", texts)
	}
	fields := []string{"description=Serves <pages>", "systems= Linux, ,Windows ", "architectures=ARM 64", "about=# Title\r\n\r\n*slanted*", "usage=\r\n    run it\r\n"}
	d = b.submit(page, append(fields, "do=preview")...)
	b.wants(d, 200, "Nothing is saved yet", "Serves <pages>")
	if len(d.elements("em")) != 1 || !strings.Contains(d.text("textarea"), "# Title") {
		t.Errorf("the preview: %s", d.text("main"))
	}
	if c, err := r.core.RepositoryCatalog(t.Context(), owner, p); err != nil || *c.About != "old" {
		t.Errorf("a preview has saved %v, %v", c, err)
	}
	before, err := r.core.RepositoryCatalog(t.Context(), owner, p)
	r.must(err)
	b.wants(b.submit(page, append(fields, "do=save")...), 200, "Saved.")
	c, err := r.core.RepositoryCatalog(t.Context(), owner, p)
	r.must(err)
	if *c.Description != "Serves <pages>" || *c.About != "# Title\n\n*slanted*" || *c.Usage != "\n    run it\n" || !slices.Equal(c.OperatingSystems, []string{"Linux", "Windows"}) || !slices.Equal(c.Architectures, []string{"ARM 64"}) {
		t.Errorf("saved %+v", c)
	}
	if c.Logo == "" || c.Logo != before.Logo {
		t.Errorf("the logo has become %q", c.Logo)
	}
	b.wants(b.submit(page, "do=save", "description= "), 200, "Saved.")
	c, err = r.core.RepositoryCatalog(t.Context(), owner, p)
	r.must(err)
	if c.Description != nil || c.About != nil || c.Usage != nil || c.OperatingSystems != nil {
		t.Errorf("emptied %+v", c)
	}
}

func TestWhatIsWrongStandsBesideItsField(t *testing.T) {
	r := newRig(t)
	p := r.create("team/app", "old")
	b := newOwner(r)
	long := strings.Repeat("é", MaxText+1)
	d := b.submit("/-/repositories/team/app", "do=save", "description="+long[:2*(MaxDescription+1)], "about="+long, "usage=fine",
		"systems="+strings.Repeat("x", MaxPlatformWord+1), "architectures="+strings.Repeat("x,", MaxPlatformWords+1))
	b.wants(d, 422, "1,025 characters, and 1,024 are the most", "25,601 characters, and 25,600 are the most", "50 characters are the most", "51 words, and 50 are the most")
	described := 0
	for _, e := range d.elements("") {
		if id, ok := attribute(e, "aria-describedby"); ok {
			described++
			if !slices.ContainsFunc(d.elements("p"), func(p *html.Node) bool { got, _ := attribute(p, "id"); return got == id }) {
				t.Errorf("%s is described by %q, which is not there", e.Data, id)
			}
		}
	}
	if described != 4 || !strings.Contains(d.text("textarea"), "fine") {
		t.Errorf("%d fields are described", described)
	}
	if c, err := r.core.RepositoryCatalog(t.Context(), owner, p); err != nil || *c.About != "old" {
		t.Errorf("saved %+v, %v", c, err)
	}
	b.wants(b.submit("/-/registry", "displayName="+strings.Repeat("x", MaxDisplayName+1)), 422, "100 are the most")
	b.wants(b.submit("/-/registry", "displayName=Makers & Co"), 200, "Saved.")
	b.wants(b.open("/acme"), 200, "Makers & Co")
	b.wants(b.submit("/-/registry", "displayName="), 200, "Saved.")
}

func TestOwnerChangesTheLogo(t *testing.T) {
	r := newRig(t)
	p := r.create("team/app", "stays")
	b := newOwner(r)
	const page = "/-/repositories/team/app"
	logo := func() string {
		c, err := r.core.RepositoryCatalog(t.Context(), owner, p)
		if r.must(err); *c.About != "stays" {
			t.Errorf("About has become %q", *c.About)
		}
		return c.Logo
	}
	before := logo()
	var file bytes.Buffer
	r.must(png.Encode(&file, image.NewGray(image.Rect(0, 0, 70, 70))))
	b.wants(b.upload(page, file.Bytes()), 200, "The logo was replaced.")
	if after := logo(); after == before || after == "" {
		t.Errorf("logo %q after %q", after, before)
	}
	b.wants(b.upload(page, []byte("<svg onload=alert(1)>")), 422, "must be a PNG, JPEG or GIF file")
	b.wants(b.upload(page, nil), 422, "The file is empty")
	b.wants(b.submit(page, "do=logo"), 422, "Choose a file first")
	if logo() == "" {
		t.Error("a refused file has removed the logo")
	}
	b.wants(b.submit(page, "do=remove-logo"), 200, "The logo was removed.")
	if logo() != "" {
		t.Error("the logo is still there")
	}
}

func TestOwnerDeletesTags(t *testing.T) {
	b := newOwner(fill(t, "x"))
	const page = "/-/repositories/team/app?tab=tags"
	b.wants(b.open(page), 200, "1.0", "1.1", "old", "latest")
	b.wants(b.open(page+"&tag=1."), 200, "1.0", "1.1")
	b.wants(b.submit(page, "do=choose-tags"), 422, "Choose the tags")
	d := b.submit(page, "do=choose-tags", "tags=1.0", "tags=old")
	b.wants(d, 200, "Delete these 2 tags?")
	if len(d.elements("table")) != 0 {
		t.Error("the list stands beside the question")
	}
	b.wants(b.submit(page, "do=delete-tags", "tags=1.0", "tags=old", "tags=gone"), 200, "The tags were deleted.", "1.1")
	if res := ask(b, "GET", "/acme/team/app:1.0"); res.StatusCode != 404 {
		t.Errorf("the page of a deleted tag: %d", res.StatusCode)
	}
	b.wants(b.submit(page, "do=delete-tags", "tags=1.1"), 422, "Not deleted: 1.1: Requested image referenced by manifest list")
}

func TestOwnerSeesThePolicy(t *testing.T) {
	r := newRig(t)
	p := r.create("team/app", "x")
	b := newOwner(r)
	b.wants(b.open("/-/repositories/team/app?tab=policy"), 200, "No policy")
	_, err := r.core.SetPolicy(t.Context(), owner, p, `{"Version":"2008-10-17","Statement":[{"Sid":"</pre><probe>","Effect":"Allow","Principal":"*","Action":["ecr-public:DescribeImages"]}]}`, false)
	r.must(err)
	d := b.open("/-/repositories/team/app?tab=policy")
	b.wants(d, 200, "</pre><probe>", "ecr-public:DescribeImages")
}

func TestOwnerSeesWhatHappened(t *testing.T) {
	b := newOwner(fill(t, "x"))
	stranger := registry.Caller{Account: "210987654321", ARN: "arn:aws:iam::210987654321:user/x"}
	_, err := b.core.StartUpload(t.Context(), stranger, registry.Path{Registry: "acme", Name: "team/app"})
	if registry.KindOf(err) != registry.AccessDenied {
		t.Fatal(err)
	}
	b.must(b.core.FlushEvents(t.Context()))
	b.wants(b.open("/-/activity"), 200, "Push 1.0, old", "Create the repository", "210987654321:user/x", "Refused: User")
	d := b.open("/-/activity?show=refused")
	if rows := d.elements("tr"); len(rows) != 2 {
		t.Errorf("%d rows of what was refused", len(rows))
	}
}

// What a key may not do by the API it may not do here, and the page says so.
func TestLimitedKeysAreLimitedHereToo(t *testing.T) {
	r := fill(t, "old")
	limited, err := iam.Parse(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ecr-public:DescribeRepositories","ecr-public:GetRepositoryCatalogData"],"Resource":"*"}]}`, iam.IdentityPolicy)
	r.must(err)
	r.withPeople(registry.Caller{Account: owner.Account, ARN: "arn:aws:iam::123456789012:user/u", Policy: limited})
	b := &browser{rig: r}
	b.signIn("user", "right")
	b.wants(b.open("/-/repositories"), 200, "team/app")
	b.wants(b.open("/-/repositories/team/app"), 200, "Details")
	for _, path := range []string{"/-/activity", "/-/registry", "/-/repositories/team/app?tab=policy"} {
		b.wants(b.open(path), 403, "is not authorized to perform")
	}
	const page = "/-/repositories/team/app"
	for address, fields := range map[string][]string{
		"/-/repositories":    {"name=team/mine"},
		"/-/registry":        {"displayName=Mine"},
		page:                 {"do=save", "about=mine"},
		page + "?":           {"do=remove-logo"},
		page + "?tab=tags":   {"do=delete-tags", "tags=1.0"},
		page + "?tab=delete": {"do=delete", "confirm=team/app", "images=too"},
	} {
		b.wants(b.submit(address, append(fields, "key=")...), 403)
		values := url.Values{"key": {"user's form key"}}
		for _, f := range fields {
			name, value, _ := strings.Cut(f, "=")
			values.Set(name, value)
		}
		b.wants(b.post(address, values), 403, "is not authorized to perform")
	}
	b.cookie = nil
	b.wants(b.open("/acme/team/app:1.0"), 200, "Layers")
	b.wants(b.open("/acme/team/app"), 200, "old")
}

// A registry of another account is nobody's but its owner's.
func TestOwnersSeeOnlyWhatIsTheirs(t *testing.T) {
	r := fill(t, "x")
	const other = ref.AccountID("210987654321")
	_, err := r.core.CreateAccount(t.Context(), other, "other")
	r.must(err)
	r.withPeople(registry.Caller{Account: other, ARN: "arn:aws:iam::210987654321:root"})
	b := &browser{rig: r}
	b.signIn("user", "right")
	b.wants(b.open("/-/repositories"), 200, "None yet")
	b.wants(b.open("/-/activity"), 200, "Nothing lately")
	b.wants(b.open("/-/repositories/team/app"), 404)
}

// ownerPages are all pages for owners over whatever the text made of the registry.
func ownerPages(b *browser, text string) map[string]document {
	all := make(map[string]document)
	for _, path := range []string{"/-/repositories", "/-/registry", "/-/activity", "/-/repositories/team/app", "/-/repositories/team/app?tab=tags", "/-/repositories/team/app?tab=policy", "/-/repositories/team/app?tab=delete"} {
		all[path] = b.open(path)
	}
	for path, fields := range map[string][]string{
		"/-/repositories":                     {"name=" + text},
		"/-/registry":                         {"displayName=" + text + strings.Repeat("x", 100)},
		"/-/repositories/team/app":            {"do=preview", "description=" + text, "about=" + text, "usage=" + text, "systems=" + text, "architectures=" + text},
		"/-/repositories/team/app?tab=delete": {"do=delete", "confirm=" + text},
		"/-/repositories/team/app?tab=tags":   {"do=choose-tags", "tags=1.0"},
	} {
		all["form of "+path] = b.submit(path, fields...)
	}
	all["sign in"] = b.post("/-/sign-in", url.Values{"name": {text}, "password": {text}, "next": {text}})
	all["a flash"] = b.open("/-/repositories?done=" + url.QueryEscape(text) + "&after=")
	return all
}

func TestNoTextBecomesMarkupForOwners(t *testing.T) {
	for _, text := range []string{strings.Join(hostile[:12], " "), strings.Join(hostile[12:], " "), hostile[1], hostile[4], hostile[11]} {
		r := fill(t, text)
		text = strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "")
		r.must(r.core.PutDisplayName(t.Context(), owner, &text))
		b := newOwner(r)
		b.core.NoteRefusedPush(owner, registry.Path{Registry: "acme", Name: ref.RepositoryName(text)}, &registry.Error{Kind: registry.AccessDenied, Message: text})
		b.must(b.core.FlushEvents(t.Context()))
		for name, d := range ownerPages(b, text) {
			if found := d.dangers(); len(found) > 0 {
				t.Errorf("%q on %s: %s", text, name, strings.Join(found, "; "))
			}
		}
	}
}

func TestOwnerPagesAreReadByEveryone(t *testing.T) {
	b := newOwner(fill(t, "plain words"))
	for name, d := range ownerPages(b, "plain words") {
		for _, flaw := range d.flaws() {
			t.Errorf("%s: %s", name, flaw)
		}
		for _, e := range d.elements("textarea") {
			if id, _ := attribute(e, "id"); !slices.ContainsFunc(d.elements("label"), func(l *html.Node) bool { got, _ := attribute(l, "for"); return got == id }) {
				t.Errorf("%s: the field %q has no label", name, id)
			}
		}
	}
}

func TestOwnerPagesStaySmall(t *testing.T) {
	r := newRig(t)
	r.create("team/app", strings.Repeat("x", 1000))
	b := newOwner(r)
	for i := range 120 {
		name := ref.RepositoryName(fmt.Sprintf("%s/app-%d", strings.Repeat("n", 190), i))
		_, err := r.core.CreateRepository(t.Context(), owner, name, registry.Catalog{}, nil)
		r.must(err)
		r.core.NoteRefusedPush(owner, registry.Path{Name: name}, &registry.Error{Kind: registry.InvalidManifest, Message: strings.Repeat("long ", 200)})
	}
	r.must(r.core.FlushEvents(t.Context()))
	seen := 0
	for address := "/-/repositories"; address != ""; {
		d := b.open(address)
		address = ""
		for _, a := range d.elements("a") {
			if rel, _ := attribute(a, "rel"); rel == "next" {
				address, _ = attribute(a, "href")
			}
		}
		seen += len(d.elements("article"))
	}
	if seen != 121 {
		t.Errorf("the pages show %d repositories", seen)
	}
	for _, path := range []string{"/-/repositories", "/-/activity", "/-/repositories/team/app"} {
		b.open(path)
		if size := b.last.Header.Get("Content-Length"); len(size) > 5 {
			t.Errorf("%s has %s bytes", path, size)
		}
	}
}
