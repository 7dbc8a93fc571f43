package registry_test

import (
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

const defaultMediaType = "application/vnd.docker.image.rootfs.diff.tar.gzip"

func TestCheckLayersKeepsTheOrderAsked(t *testing.T) {
	f := newFixture(t)
	a, b, unknown := f.push("a"), f.push("bb"), sum("never pushed")
	want := []registry.LayerStatus{
		{Digest: b, Available: true, Size: 2, MediaType: defaultMediaType},
		{Digest: unknown},
		{Digest: a, Available: true, Size: 1, MediaType: defaultMediaType},
		{Digest: b, Available: true, Size: 2, MediaType: defaultMediaType},
	}
	asked := []ref.Digest{b, unknown, a, b}
	for _, p := range []registry.Path{app, {Name: app.Name}, {Registry: string(ownerAlias), Name: app.Name}} {
		got, err := f.registry.CheckLayers(t.Context(), owner, p, asked)
		f.must(err)
		equal(t, fmt.Sprintf("answer through %+v", p), got, want)
	}
	// From memory the order is the same.
	cached := []ref.Digest{b, a, b}
	for range 2 {
		got, err := f.registry.CheckLayers(t.Context(), owner, app, cached)
		f.must(err)
		equal(t, "answer without the unknown digest", got, []registry.LayerStatus{want[0], want[2], want[3]})
	}
}

// fill gives app n layers without bytes and returns their digests.
func fill(f *fixture, p registry.Path, n int) []ref.Digest {
	f.Helper()
	digests := make([]ref.Digest, n)
	f.must(f.meta.Update(f.Context(), func(tx registry.Tx) error {
		repo, err := tx.Repository(p.Registry, p.Name)
		if err != nil {
			return err
		}
		for i := range digests {
			content := fmt.Sprintf("%s layer %d", p.Name, i)
			digests[i] = sum(content)
			if err := tx.InsertBlob(registry.Blob{Digest: digests[i], Size: 7, Locator: content, CreatedAt: f.now()}); err != nil {
				return err
			}
			if err := tx.InsertLayer(repo.ID, registry.Layer{Digest: digests[i], Size: 7, MediaType: ociLayer, KeepUntil: f.now().Add(2 * registry.Lease)}); err != nil {
				return err
			}
		}
		return nil
	}))
	return digests
}

func TestCheckLayersIsAtMostOneStatement(t *testing.T) {
	f := newFixture(t)
	present := fill(f, app, 100)
	absent := make([]ref.Digest, 100)
	for i := range absent {
		absent[i] = sum(fmt.Sprint("absent ", i))
	}
	mixed := append([]ref.Digest{absent[0]}, present[1:]...)
	for _, step := range []struct {
		name    string
		digests []ref.Digest
		wait    time.Duration
		want    int64
	}{
		{"first time", present, 0, 1},
		{"hit", present, 0, 0},
		{"hit with duplicates", append(present[:50:50], present[:50]...), 0, 0},
		{"all absent", absent, 0, 1},
		{"all absent again: absence is not remembered", absent, 0, 1},
		{"one absent", mixed, 0, 1},
		{"one absent again", mixed, 0, 1},
		{"hit after misses", present, 0, 0},
		{"name too old", present, 2 * time.Second, 1},
		{"hit once more", present, time.Second, 0},
		{"layers too old", present, time.Minute, 1},
	} {
		f.advance(step.wait)
		got := f.counted(func() {
			if _, err := f.registry.CheckLayers(t.Context(), owner, app, step.digests); err != nil {
				t.Error(err)
			}
		})
		if got != step.want {
			t.Errorf("%s: %d statements instead of %d", step.name, got, step.want)
		}
	}
}

func TestAbsenceIsNotRemembered(t *testing.T) {
	f := newFixture(t)
	equal(t, "before the push", f.available(sum("a")), []bool{false})
	a := f.push("a")
	equal(t, "after the push", f.available(a), []bool{true})
}

func TestLayerOfAnotherRepositoryIsUnavailable(t *testing.T) {
	f := newFixture(t)
	f.createRepository(owner, "other")
	other := registry.Path{Registry: app.Registry, Name: "other"}
	a := f.push("a")
	equal(t, "in its repository", f.available(a), []bool{true})
	equal(t, "in another", f.availableIn(other, a), []bool{false})
	_, err := f.registry.StatLayer(t.Context(), other, a)
	f.refused(err, registry.LayerNotFound, "The layer with digest "+a.String()+" does not exist within the repository with name 'other' in the registry with id '123456789012'")
	_, err = f.registry.OpenLayer(t.Context(), other, a)
	f.refused(err, registry.LayerNotFound, "")
}

func TestRepositoryMadeAgainHasNoLayers(t *testing.T) {
	f := newFixture(t)
	byAlias := registry.Path{Registry: string(ownerAlias), Name: app.Name}
	a := f.push("a")
	equal(t, "before", append(f.available(a), f.availableIn(byAlias, a)...), []bool{true, true})
	_, err := f.registry.DeleteRepository(t.Context(), owner, app, true)
	f.must(err)
	_, err = f.registry.CheckLayers(t.Context(), owner, byAlias, []ref.Digest{a})
	f.refused(err, registry.RepositoryNotFound, "The repository with name 'team/app' does not exist in the registry with id 'a1b2c3d4'")
	f.createRepository(owner, app.Name)
	equal(t, "after", append(f.available(a), f.availableIn(byAlias, a)...), []bool{false, false})
}

func TestRepositoryDeletedOnAnotherNodeIsSeenAfterTwoSeconds(t *testing.T) {
	f := newFixture(t)
	a := f.push("a")
	f.available(a) // fills the memory of this node
	_, err := f.node().DeleteRepository(t.Context(), owner, app, true)
	f.must(err)
	f.createRepository(owner, app.Name)
	f.advance(2 * time.Second)
	equal(t, "two seconds later", f.available(a), []bool{false})
}

func TestAnswerReadBeforeADeleteIsNotRememberedAfterIt(t *testing.T) {
	f := newFixture(t)
	a := f.push("a")
	f.meta.onFind = func() {
		_, err := f.registry.DeleteRepository(t.Context(), owner, app, true)
		f.must(err)
		f.createRepository(owner, app.Name)
	}
	f.available(a) // may still say what was true when it was asked
	equal(t, "later", f.available(a), []bool{false})
}

func TestCheckLayersOfWhatIsNotThere(t *testing.T) {
	f := newFixture(t)
	for _, c := range []struct {
		path registry.Path
		kind registry.Kind
		text string
	}{
		{registry.Path{Name: "none"}, registry.RepositoryNotFound, "The repository with name 'none' does not exist in the registry with id '123456789012'"},
		{registry.Path{Registry: "a1b2c3d4", Name: "none"}, registry.RepositoryNotFound, "The repository with name 'none' does not exist in the registry with id 'a1b2c3d4'"},
		{registry.Path{Registry: "999999999999", Name: "none"}, registry.RegistryNotFound, "The registry with id '999999999999' does not exist"},
		{registry.Path{Registry: "nosuchalias", Name: app.Name}, registry.RegistryNotFound, "The registry with id 'nosuchalias' does not exist"},
	} {
		_, err := f.registry.CheckLayers(t.Context(), owner, c.path, []ref.Digest{sum("a")})
		f.refused(err, c.kind, c.text)
		if c.path.Registry == "" {
			continue // a pull always names one
		}
		_, err = f.registry.StatLayer(t.Context(), c.path, sum("a"))
		f.refused(err, c.kind, c.text)
	}
}

func TestLayerHasTheMediaTypeOfTheNewestManifest(t *testing.T) {
	f := newFixture(t)
	layer, config := f.push("layer"), f.push("config")
	for _, c := range []struct{ tag, mediaType string }{
		{"", defaultMediaType},
		{"one", "application/vnd.one"},
		{"two", "application/vnd.two"},
	} {
		if c.tag != "" {
			f.put(fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":%s,"layers":[%s]}`,
				ociManifest, descriptor(ociConfig, config), descriptor(c.mediaType, layer)), c.tag)
		}
		got, err := f.registry.CheckLayers(t.Context(), owner, app, []ref.Digest{layer})
		f.must(err)
		equal(t, "layer at tag "+c.tag, got, []registry.LayerStatus{{Digest: layer, Available: true, Size: 5, MediaType: c.mediaType}})
	}
	got, err := f.registry.StatLayer(t.Context(), app, config)
	f.must(err)
	equal(t, "config", got.MediaType, ociConfig)
}

func TestLeaseIsRenewedWhenLessThanOneIsLeft(t *testing.T) {
	f := newFixture(t)
	pushed := f.now()
	a := f.push("a")
	for _, c := range []struct {
		at   time.Duration // since the push
		keep time.Duration // since the push, after a check
	}{
		{0, 2 * registry.Lease},
		{registry.Lease, 2 * registry.Lease}, // one is left
		{registry.Lease + time.Millisecond, 3*registry.Lease + time.Millisecond},
		{registry.Lease + time.Minute, 3*registry.Lease + time.Millisecond},
		{5 * registry.Lease, 7 * registry.Lease}, // not collected, although it could have been
	} {
		f.clock.Store(pushed.Add(c.at).UnixMilli())
		equal(t, "available", f.available(a), []bool{true})
		equal(t, fmt.Sprintf("promise after a check at +%v", c.at), f.keepUntil(a), pushed.Add(c.keep))
	}
}

func TestMemoryAnswersOnlyWhileALeaseIsLeft(t *testing.T) {
	f := newFixture(t)
	pushed := f.now()
	a := f.push("a")
	at := func(left time.Duration) int64 { // statements of a check when so much more than a lease is left
		f.clock.Store(pushed.Add(registry.Lease - left).UnixMilli())
		return f.counted(func() { equal(t, "available", f.available(a), []bool{true}) })
	}
	equal(t, "statements of the first check", at(time.Second), 1)
	equal(t, "statements while a lease is left", at(time.Millisecond), 0)
	if at(-time.Millisecond) < 2 {
		t.Error("answered without renewing when less than a lease was left")
	}
	equal(t, "promise", f.keepUntil(a), f.now().Add(2*registry.Lease))
}

func TestLeaseOfLayersWithImages(t *testing.T) {
	f := newFixture(t)
	shared := f.push("shared")
	one := f.put(imageOf(f.push("config 1"), shared), "one")
	two := f.put(imageOf(f.push("config 2"), shared), "two")
	forever := time.Time{}
	equal(t, "promise with two images", f.keepUntil(shared), forever)
	f.advance(10 * registry.Lease)
	equal(t, "available", f.available(shared), []bool{true})
	f.delete(registry.ImageID{Digest: one.String()})
	equal(t, "promise with one image", f.keepUntil(shared), forever)
	equal(t, "promise of the config that went", f.keepUntil(sum("config 1")), f.now().Add(2*registry.Lease))
	f.delete(registry.ImageID{Digest: two.String()})
	equal(t, "promise without an image", f.keepUntil(shared), f.now().Add(2*registry.Lease))
	f.put(imageOf(sum("config 1"), shared), "again")
	equal(t, "promise with an image again", f.keepUntil(shared), forever)
}

func TestRenewalOfALayerThatIsGoneMeanwhile(t *testing.T) {
	f := newFixture(t)
	a := f.push("a")
	f.advance(2 * registry.Lease)
	f.meta.onUpdate = func() {
		_, err := f.node().DeleteRepository(t.Context(), owner, app, true)
		f.must(err)
		f.createRepository(owner, app.Name)
	}
	equal(t, "answer", f.available(a), []bool{false})
}

func TestOpenLayerReadsTheBytes(t *testing.T) {
	f := newFixture(t)
	a := f.push("some bytes")
	content, err := f.registry.OpenLayer(t.Context(), registry.Path{Registry: string(ownerAlias), Name: app.Name}, a)
	f.must(err)
	defer content.Close()
	equal(t, "size", content.Size, 10)
	_, err = content.Seek(5, io.SeekStart)
	f.must(err)
	rest, err := io.ReadAll(content)
	f.must(err)
	equal(t, "bytes from the middle", string(rest), "bytes")
}
