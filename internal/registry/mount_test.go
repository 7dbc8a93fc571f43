package registry_test

import (
	"testing"
	"time"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

func TestMountPromisesLikeAnUpload(t *testing.T) {
	f := newFixture(t)
	f.createRepository(owner, "source")
	source := registry.Path{Registry: string(ownerAlias), Name: "source"}
	d := f.pushTo(source, "layer")
	for range 2 { // the second time the repository has it already, and the promise begins anew
		f.advance(time.Hour)
		mounted, err := f.registry.MountLayer(t.Context(), owner, app, source, d)
		f.must(err)
		equal(t, "mounted", mounted, true)
		equal(t, "kept until", f.keepUntil(d), f.now().Add(2*registry.Lease))
	}
	equal(t, "available", f.availableIn(app, d), []bool{true})
	equal(t, "stored blobs", f.stored(), 1)
}

func TestMountLeavesALayerOfAnImageAlone(t *testing.T) {
	f := newFixture(t)
	d := f.push("config")
	f.put(imageOf(d))
	mounted, err := f.registry.MountLayer(t.Context(), owner, app, app, d)
	f.must(err)
	equal(t, "mounted", mounted, true)
	equal(t, "kept until", f.keepUntil(d), time.Time{})
}

func TestMountOfWhatTheSourceLacks(t *testing.T) {
	f := newFixture(t)
	f.createRepository(owner, "source")
	f.createRepository(owner, "third")
	d := f.pushTo(registry.Path{Registry: string(owner.Account), Name: "third"}, "layer")
	for _, from := range []registry.Path{
		{Registry: string(owner.Account), Name: "source"},
		{Registry: string(owner.Account), Name: "absent"},
		{Registry: "absent", Name: "source"},
		{},
	} {
		mounted, err := f.registry.MountLayer(t.Context(), owner, app, from, d)
		f.must(err)
		equal(t, from.Registry+"/"+string(from.Name), mounted, false)
	}
	equal(t, "available", f.availableIn(app, d), []bool{false})
}

func TestMountNeedsTheRightToPush(t *testing.T) {
	f := newFixture(t)
	d := f.push("layer")
	f.createRepository(stranger, "theirs")
	theirs := registry.Path{Registry: string(strangerAlias), Name: "theirs"}
	_, err := f.registry.MountLayer(t.Context(), owner, theirs, app, d)
	f.refused(err, registry.AccessDenied, "")
	_, err = f.registry.MountLayer(t.Context(), nobody, theirs, app, d)
	f.refused(err, registry.AccessDenied, "")
	_, err = f.registry.MountLayer(t.Context(), owner, registry.Path{Registry: string(ownerAlias), Name: "absent"}, app, d)
	f.refused(err, registry.RepositoryNotFound, "")
}

func TestUploadThatAnnouncesItsAlgorithmIsNotReadTwice(t *testing.T) {
	f := newFixture(t)
	up, err := f.registry.StartUploadBy(t.Context(), owner, app, ref.SHA512)
	f.must(err)
	for _, p := range []registry.Part{part(0, "abc"), part(3, "def")} {
		_, err = f.registry.AppendUpload(t.Context(), owner, app, up.ID, p)
		f.must(err)
	}
	reads := 0
	f.blobs.Fault = func(op, _ string) (bool, error) {
		if op == "Open" {
			reads++
		}
		return false, nil
	}
	want := ref.DigestBytes(ref.SHA512, []byte("abcdef"))
	layer, err := f.finish(up, want)
	f.must(err)
	equal(t, "digest", layer.Digest, want)
	equal(t, "reads of what was stored", reads, 0)
}

func TestUploadMayEndWithAnotherAlgorithmThanAnnounced(t *testing.T) {
	f := newFixture(t)
	up, err := f.registry.StartUploadBy(t.Context(), owner, app, ref.SHA512)
	f.must(err)
	_, err = f.registry.AppendUpload(t.Context(), owner, app, up.ID, part(0, "abc"))
	f.must(err)
	_, err = f.finish(up, sum("other"))
	f.refused(err, registry.InvalidLayer, "")
	layer, err := f.finish(up, sum("abc"))
	f.must(err)
	equal(t, "digest", layer.Digest, sum("abc"))
}
