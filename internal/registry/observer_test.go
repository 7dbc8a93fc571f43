package registry_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/openecr/openecr/internal/registry"
)

func TestObserverHearsWhatTheVerbsHaveDone(t *testing.T) {
	f := newFixture(t)
	var heard []string
	note := func(format string, args ...any) { heard = append(heard, fmt.Sprintf(format, args...)) }
	observer := registry.Observer{
		LayersChecked:   func(available, absent int, cached bool) { note("checked %d %d %t", available, absent, cached) },
		LeasesRenewed:   func(layers int) { note("renewed %d", layers) },
		UploadStarted:   func() { note("started") },
		UploadCancelled: func() { note("cancelled") },
		LayerUploaded:   func(bytes int64, inVain bool) { note("uploaded %d %t", bytes, inVain) },
		LayerMounted:    func() { note("mounted") },
		Collected:       func(done registry.Collected, err error) { note("collected %d %v", done.Layers.Count, err) },
		ImagePushed:     func() { note("pushed") },
	}
	f.registry = registry.New(registry.Config{Meta: f.meta, Blobs: f.store, Now: f.now, Observer: observer})
	expect := func(what string, want ...string) {
		t.Helper()
		if !slices.Equal(heard, want) {
			t.Errorf("%s: heard %q", what, heard)
		}
		heard = nil
	}

	config := f.push("config")
	expect("push of a layer", "started", "uploaded 6 false")
	_, err := f.finish(f.start("config"), config)
	equal(t, "refusal", registry.KindOf(err), registry.LayerAlreadyExists)
	expect("push of the same", "started", "uploaded 6 true")
	f.must(f.registry.CancelUpload(t.Context(), owner, app, f.start("gone").ID))
	expect("cancelled upload", "started", "cancelled")
	f.available(config, sum("absent"))
	f.available(config)
	expect("checks", "checked 1 1 false", "checked 1 0 true")
	f.advance(registry.Lease + time.Hour)
	f.available(config)
	expect("check near the end of the lease", "renewed 1", "checked 1 0 false")
	_, err = f.registry.MountLayer(t.Context(), owner, app, app, config)
	f.must(err)
	_, err = f.registry.MountLayer(t.Context(), owner, app, app, sum("absent"))
	f.must(err)
	expect("mounts", "mounted")
	f.put(imageOf(config), "v1")
	_, err = f.tryPut(imageOf(config), "v1")
	equal(t, "refusal", registry.KindOf(err), registry.ImageAlreadyExists)
	expect("pushes of an image", "pushed")
	f.push("unused")
	f.expire()
	heard = nil
	f.collect()
	_, err = f.registry.Collect(t.Context(), registry.CollectRules{DryRun: true})
	f.must(err)
	expect("collections", "collected 1 <nil>")
}
