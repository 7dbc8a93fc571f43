package registry_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// shelf makes a repository of the owner with one image of that platform under the tags.
func (f *fixture) shelf(name ref.RepositoryName, description, platform string, tags ...string) registry.Path {
	f.Helper()
	catalog := registry.Catalog{}
	if description != "" {
		catalog.Description = &description
	}
	_, err := f.registry.CreateRepository(f.Context(), owner, name, catalog, nil)
	f.must(err)
	p := registry.Path{Registry: string(ownerAlias), Name: name}
	os, architecture, _ := strings.Cut(platform, "/")
	f.putIn(p, imageOf(f.pushTo(p, fmt.Sprintf(`{"os":%q,"architecture":%q,"comment":%q}`, os, architecture, name))), tags...)
	return p
}

func (f *fixture) putIn(p registry.Path, manifest string, tags ...string) ref.Digest {
	f.Helper()
	_, err := f.registry.PutImage(f.Context(), owner, p, registry.NewImage{Manifest: []byte(manifest), Tags: tags})
	f.must(err)
	return sum(manifest)
}

func (f *fixture) search(q registry.SearchQuery) []ref.RepositoryName {
	f.Helper()
	if q.Size == 0 {
		q.Size = 25
	}
	found, err := f.registry.Search(f.Context(), q)
	f.must(err)
	names := make([]ref.RepositoryName, len(found.Hits))
	for i, l := range found.Hits {
		names[i] = l.Name
	}
	return names
}

func (f *fixture) pull(p registry.Path, tag string, times int) {
	f.Helper()
	for range times {
		_, err := f.registry.PullImage(f.Context(), p, registry.ImageID{Tag: tag})
		f.must(err)
	}
	f.must(f.registry.FlushDownloads(f.Context()))
}

func TestSearchFindsByEveryFieldBestFirst(t *testing.T) {
	f := newFixture(t)
	proxies := "Stands before nginx"
	about := "# Usage\nA *balancer* of requests"
	f.shelf("web/nginx", "Serves pages", "linux/amd64", "1.27.3-alpine", "latest")
	f.shelf("nginx-exporter", "Metrics of a server", "linux/arm64", "v2")
	f.shelf("team/proxy", proxies, "windows/amd64", "ltsc2022")
	_, err := f.registry.PutCatalog(t.Context(), owner, registry.Path{Name: "team/proxy"}, registry.Catalog{About: &about, Description: &proxies})
	f.must(err)
	_, err = f.registry.PutCatalog(t.Context(), owner, registry.Path{Name: "web/nginx"}, registry.Catalog{About: &about})
	f.must(err)
	f.shelf("tools/ngin", "", "linux/amd64")
	f.createRepository(owner, "empty/nginx")
	name := "Häuser & Söhne"
	f.must(f.registry.PutDisplayName(t.Context(), owner, &name))
	f.must(f.registry.TagResource(t.Context(), owner, ref.Resource{Account: owner.Account, Repository: "tools/ngin"}, []registry.ResourceTag{{Key: "tier", Value: "gold"}}))
	f.pull(registry.Path{Registry: string(ownerAlias), Name: "team/proxy"}, "ltsc2022", 3)
	everything := []ref.RepositoryName{"team/proxy", "web/nginx", "nginx-exporter", "tools/ngin"}
	for text, want := range map[string][]ref.RepositoryName{
		"":                    everything,
		"nginx":               {"web/nginx", "nginx-exporter", "team/proxy"},
		"NGINX exporter":      {"nginx-exporter"},
		"web/nginx":           {"web/nginx"},
		"a1b2c3d4/web/nginx":  {"web/nginx"},
		"nginx alpine":        {"web/nginx"},
		"nginx:1.27":          {"web/nginx"},
		"ngnix":               {"team/proxy", "web/nginx", "nginx-exporter"},
		"exportr":             {"nginx-exporter"},
		"balancer":            {"team/proxy", "web/nginx"},
		"häuser":              everything,
		"gold":                {"tools/ngin"},
		"123456789012":        everything,
		"nothing":             {},
		"-- !":                {},
		`"nginx" OR name : *`: {},
	} {
		equal(t, fmt.Sprintf("found by %q", text), f.search(registry.SearchQuery{Text: text}), want)
	}
	equal(t, "exact, begins so, has a word that begins so", f.search(registry.SearchQuery{Text: "ngin"}), []ref.RepositoryName{"tools/ngin", "web/nginx", "nginx-exporter", "team/proxy"})
	equal(t, "by downloads", f.search(registry.SearchQuery{Sort: registry.ByPopularity, Size: 1}), []ref.RepositoryName{"team/proxy"})
	f.advance(time.Hour)
	f.shelf("newest", "", "linux/amd64")
	equal(t, "by date", f.search(registry.SearchQuery{Sort: registry.ByDate, Size: 1}), []ref.RepositoryName{"newest"})
	equal(t, "of nobody", f.search(registry.SearchQuery{Registry: "nobody"}), []ref.RepositoryName{})
	equal(t, "of another", f.search(registry.SearchQuery{Registry: string(strangerAlias)}), []ref.RepositoryName{})
	equal(t, "second page", f.search(registry.SearchQuery{Page: 2, Size: 3}), []ref.RepositoryName{"tools/ngin", "newest"})
	equal(t, "page after the last", f.search(registry.SearchQuery{Page: 9, Size: 3}), []ref.RepositoryName{})
}

func TestSearchFollowsWhatIsDeleted(t *testing.T) {
	f := newFixture(t)
	p := f.shelf("one", "", "linux/amd64", "bookworm")
	f.shelf("two", "", "windows/amd64", "bookworm", "trixie")
	f.must(f.registry.DeleteTag(t.Context(), owner, p, "bookworm"))
	equal(t, "by a tag that is left", f.search(registry.SearchQuery{Text: "bookworm"}), []ref.RepositoryName{"two"})
	_, _, err := f.registry.DeleteImages(t.Context(), owner, registry.Path{Name: "two"}, []registry.ImageID{{Tag: "trixie"}})
	f.must(err)
	equal(t, "by a tag that is gone", f.search(registry.SearchQuery{Text: "trixie"}), []ref.RepositoryName{})
	_, _, err = f.registry.DeleteImages(t.Context(), owner, registry.Path{Name: "two"}, []registry.ImageID{{Tag: "bookworm"}})
	f.must(err)
	equal(t, "without an image", f.search(registry.SearchQuery{}), []ref.RepositoryName{"one"})
	_, err = f.registry.DeleteRepository(t.Context(), owner, p, true)
	f.must(err)
	equal(t, "once deleted", f.search(registry.SearchQuery{}), []ref.RepositoryName{})
}

func TestSearchFiltersAndCounts(t *testing.T) {
	f := newFixture(t)
	f.shelf("linux-a", "", "linux/amd64")
	f.shelf("linux-b", "", "linux/arm64")
	f.shelf("windows-c", "", "windows/amd64")
	_, err := f.registry.SetVerified(t.Context(), ownerAlias, true)
	f.must(err)
	found, err := f.registry.Search(t.Context(), registry.SearchQuery{OperatingSystems: []string{"Linux"}, Verified: true, Size: 10})
	f.must(err)
	equal(t, "total", found.Total, 2)
	equal(t, "facets", found.Facets, registry.Facets{
		OperatingSystems: []registry.FacetCount{{"Linux", 2}, {"Windows", 1}},
		Architectures:    []registry.FacetCount{{"ARM 64", 1}, {"x86-64", 1}},
		Kinds:            []registry.FacetCount{{"image", 2}},
		Verified:         2,
	})
	equal(t, "by architecture", f.search(registry.SearchQuery{Architectures: []string{"ARM 64"}}), []ref.RepositoryName{"linux-b"})
	equal(t, "by kind", f.search(registry.SearchQuery{Kinds: []registry.ArtifactKind{registry.KindChart}}), []ref.RepositoryName{})
}

// What is derived can be made again from what is not.
func TestIndexUnlistedRestoresWhatIsFound(t *testing.T) {
	f := newFixture(t)
	p := f.shelf("web/nginx", "Serves pages", "linux/amd64", "alpine")
	f.pull(p, "alpine", 2)
	before, err := f.registry.Search(t.Context(), registry.SearchQuery{Text: "alpine", Size: 10})
	f.must(err)
	f.view(p, func(_ registry.Tx, repo registry.Repository) error {
		return f.meta.Update(t.Context(), func(tx registry.Tx) error { return tx.DeleteListing(repo.ID) })
	})
	equal(t, "nothing left", f.search(registry.SearchQuery{}), []ref.RepositoryName{})
	f.must(f.registry.IndexUnlisted(t.Context()))
	after, err := f.registry.Search(t.Context(), registry.SearchQuery{Text: "alpine", Size: 10})
	f.must(err)
	equal(t, "found again", after, before)
}

func TestDownloadsAreCountedByDayAndTag(t *testing.T) {
	f := newFixture(t)
	p := f.shelf("app", "", "linux/amd64", "latest", "v1")
	f.pull(p, "latest", 2)
	f.advance(24 * time.Hour)
	f.pull(p, "v1", 3)
	_, err := f.registry.FindImage(t.Context(), p, registry.ImageID{Tag: "v1"})
	f.must(err)
	f.must(f.registry.FlushDownloads(t.Context()))
	page, err := f.registry.RepositoryPage(t.Context(), p)
	f.must(err)
	equal(t, "total", page.Downloads, 5)
	equal(t, "days", len(page.Daily), registry.ChartDays)
	equal(t, "the last two", []int64{page.Daily[registry.ChartDays-2].Count, page.Daily[registry.ChartDays-1].Count}, []int64{2, 3})
	f.advance((registry.DownloadDays + 5) * 24 * time.Hour)
	f.must(f.registry.PruneDownloads(t.Context()))
	page, err = f.registry.RepositoryPage(t.Context(), p)
	f.must(err)
	equal(t, "total after its days are gone", page.Downloads, 5)
}

func TestDownloadsThatCannotBeWrittenAreKept(t *testing.T) {
	f := newFixture(t)
	p := f.shelf("app", "", "linux/amd64", "latest")
	_, err := f.registry.PullImage(t.Context(), p, registry.ImageID{Tag: "latest"})
	f.must(err)
	f.meta.failUpdate = func() (bool, error) { return false, errRehearsal }
	if err := f.registry.FlushDownloads(t.Context()); err == nil {
		t.Error("a flush to a store that fails succeeded")
	}
	f.meta.heal()
	f.must(f.registry.FlushDownloads(t.Context()))
	page, err := f.registry.RepositoryPage(t.Context(), p)
	f.must(err)
	equal(t, "total", page.Downloads, 1)
}

func TestSignaturesAreFoldedIntoTheirImage(t *testing.T) {
	f := newFixture(t)
	p := f.shelf("app", "", "linux/amd64")
	config := f.pushTo(p, `{"os":"linux","architecture":"arm64","variant":"v8"}`)
	image := f.putIn(p, imageOf(config), "v1", "latest")
	signature := f.pushTo(p, "signature")
	signed := f.putIn(p, fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":%s,"layers":[%s]}`, ociManifest,
		descriptor(ociConfig, config), descriptor("application/vnd.dev.cosign.simplesigning.v1+json", signature)), "sha256-"+image.Hex()+".sig")
	sbom := f.putIn(p, fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"artifactType":"application/spdx+json","config":%s,"layers":[],"subject":%s,"annotations":{"by":"me"}}`,
		ociManifest, descriptor("application/vnd.oci.empty.v1+json", config), descriptor(ociManifest, image)))
	page, err := f.registry.ImageTags(t.Context(), p, registry.TagQuery{Size: 10, Sort: registry.TagsByName})
	f.must(err)
	equal(t, "total", page.Total, 2)
	equal(t, "tag", page.Tags[0].Name, "latest")
	equal(t, "platforms", page.Tags[0].Platforms, []registry.Platform{{OS: "linux", Architecture: "arm64", Variant: "v8"}})
	attached := make(map[ref.Digest]registry.ArtifactKind)
	for _, a := range page.Tags[0].Attached {
		attached[a.Digest] = a.Kind
	}
	equal(t, "attached", attached, map[ref.Digest]registry.ArtifactKind{signed: registry.KindSignature, sbom: registry.KindSBOM})
	detail, err := f.registry.ImagePage(t.Context(), p, registry.ImageID{Tag: "latest"})
	f.must(err)
	i := slices.IndexFunc(detail.Attached, func(a registry.Attachment) bool { return a.Digest == sbom })
	equal(t, "annotations", detail.Attached[i].Annotations, map[string]string{"by": "me"})
}

func TestImagePageSaysHowAnImageWasMade(t *testing.T) {
	f := newFixture(t)
	p := registry.Path{Registry: string(ownerAlias), Name: app.Name}
	base, extra := f.push("base"), f.push("extra")
	config := f.push(`{"os":"linux","architecture":"amd64","created":"2026-01-02T03:04:05Z","config":{"Entrypoint":["/app"],"Cmd":["-v"],"Env":["A=b"],"ExposedPorts":{"80/tcp":{},"443/tcp":{}},"Labels":{"l":"<b>"},"User":"1000","WorkingDir":"/"},
		"history":[{"created_by":"ADD base"},{"created_by":"ENV A=b","empty_layer":true},{"created_by":"RUN extra"}]}`)
	v1 := f.put(imageOf(f.push(`{"os":"linux","architecture":"amd64"}`), base), "v1")
	v2 := f.put(imageOf(config, base, extra), "v2", "latest")
	page, err := f.registry.ImagePage(t.Context(), p, registry.ImageID{Tag: "v2"})
	f.must(err)
	equal(t, "digest", page.Image.Digest, v2)
	equal(t, "tags", page.Tags, []ref.Tag{"latest", "v2"})
	equal(t, "ports", page.Config.ExposedPorts, []string{"443/tcp", "80/tcp"})
	equal(t, "entrypoint", page.Config.Entrypoint, []string{"/app"})
	equal(t, "created", page.Config.Created, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	equal(t, "commands", []string{page.Layers[0].Command, page.Layers[1].Command}, []string{"ADD base", "RUN extra"})
	equal(t, "shared", page.Layers[0].Shared, []registry.SharedImage{{Digest: v1, Tags: []ref.Tag{"v1"}}})
	equal(t, "not shared", page.Layers[1].SharedTotal, 0)

	c, err := f.registry.CompareImages(t.Context(), p, registry.ImageID{Tag: "v1"}, registry.ImageID{Digest: v2.String()})
	f.must(err)
	equal(t, "layers added, removed, shared", []int{len(c.Added), len(c.Removed), len(c.Shared)}, []int{1, 0, 1})
	equal(t, "bytes to fetch", c.Fetch, 2) // the config and a layer, each said to be of one byte
	_, err = f.registry.ImagePage(t.Context(), p, registry.ImageID{Tag: "nowhere"})
	f.refused(err, registry.ImageNotFound, "")
}

func TestIndexNamesThePlatformsOfItsImages(t *testing.T) {
	f := newFixture(t)
	a := f.putImage(`{"os":"linux","architecture":"amd64"}`)
	b := f.putImage(`{"os":"linux","architecture":"s390x"}`)
	attestation := f.put(imageOf(f.push(`{"os":"unknown","architecture":"unknown"}`)))
	index := f.put(fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"manifests":[
		{"mediaType":%[2]q,"digest":%[3]q,"size":1,"platform":{"os":"linux","architecture":"amd64"}},
		{"mediaType":%[2]q,"digest":%[4]q,"size":1},
		{"mediaType":%[2]q,"digest":%[5]q,"size":1,"platform":{"os":"unknown","architecture":"unknown"},"annotations":{"vnd.docker.reference.type":"attestation-manifest"}}]}`,
		ociIndex, ociManifest, a, b, attestation), "multi")
	page, err := f.registry.ImagePage(t.Context(), app, registry.ImageID{Digest: index.String()})
	f.must(err)
	var got []string
	for _, item := range page.Platforms {
		got = append(got, item.Platform.String()+" "+string(item.Kind))
	}
	equal(t, "platforms", got, []string{"linux/amd64 image", "linux/s390x image", "unknown/unknown attestation"})
	child, err := f.registry.ImagePage(t.Context(), app, registry.ImageID{Digest: a.String()})
	f.must(err)
	equal(t, "parents", child.Parents, []ref.Digest{index})
}

func TestHomeAndPublisherAndFeed(t *testing.T) {
	f := newFixture(t)
	f.shelf("one", "", "linux/amd64", "v1")
	f.advance(time.Minute)
	p := f.shelf("two", "", "linux/amd64", "v2")
	f.advance(time.Minute)
	f.putIn(p, imageOf(f.pushTo(p, "{}")), "v3")
	home, err := f.registry.Home(t.Context())
	f.must(err)
	equal(t, "newest", home.Recent[0].Name, "two")
	equal(t, "featured without a verified publisher", len(home.Featured), 2)
	publisher, err := f.registry.Publisher(t.Context(), string(ownerAlias), 2, 1)
	f.must(err)
	equal(t, "second page", publisher.Listings[0].Name, "two")
	equal(t, "total", publisher.Total, 2)
	equal(t, "shown under its alias", publisher.Publisher.DisplayName, string(ownerAlias))
	for _, name := range []ref.RepositoryName{"", "two"} {
		tags, err := f.registry.NewTags(t.Context(), string(ownerAlias), name, 2)
		f.must(err)
		equal(t, "newest tags", []ref.Tag{tags[0].Tag.Name, tags[1].Tag.Name}, []ref.Tag{"v3", "v2"})
	}
	_, err = f.registry.Publisher(t.Context(), "nobody", 1, 1)
	f.refused(err, registry.RegistryNotFound, "")
	listed, err := f.registry.ListedRepositories(t.Context(), 0, 10)
	f.must(err)
	equal(t, "listed", len(listed), 2)
}

func TestImageThatNamesNoPlatformIsListedWithNone(t *testing.T) {
	f := newFixture(t)
	p := f.shelf("bare", "", "/", "latest")
	page, err := f.registry.ImageTags(t.Context(), p, registry.TagQuery{Size: 10, Sort: registry.TagsByName})
	f.must(err)
	if got := page.Tags[0].Platforms; len(got) != 0 {
		t.Errorf("platforms %v, want none", got)
	}
}
