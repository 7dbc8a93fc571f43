package registry_test

import (
	"testing"
	"time"

	"github.com/openecr/openecr/internal/registry"
)

func TestReadOnlyRefusesChangesAndAnswersQuestions(t *testing.T) {
	f := newFixture(t)
	layer := f.push("layer")
	up := f.start("begun")
	since, err := f.registry.SetReadOnly(t.Context(), true)
	f.must(err)
	_, err = f.append(up, part(-1, "more"))
	f.refused(err, registry.ReadOnly, "The registry is read-only since "+since.Format(time.RFC3339)+", while its operator moves the data: images can be pulled; try this again later")
	_, err = f.registry.CreateRepository(t.Context(), owner, "new", registry.Catalog{}, nil)
	if registry.KindOf(err) != registry.ReadOnly {
		t.Errorf("a new repository: %v", err)
	}
	equal(t, "layer is there", f.available(layer), []bool{true})
	f.must(f.registry.FlushDownloads(t.Context()))
	again, err := f.registry.SetReadOnly(t.Context(), true)
	f.must(err)
	equal(t, "since", again, since)

	off, err := f.registry.SetReadOnly(t.Context(), false)
	f.must(err)
	equal(t, "since", off, time.Time{})
	_, err = f.append(f.find(up), part(-1, "more")) // it goes on where it was
	f.must(err)
}
