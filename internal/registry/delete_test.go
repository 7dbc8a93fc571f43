package registry_test

import (
	"github.com/openecr/openecr/internal/registry"
)

// delete deletes images of app and demands that it does.
func (f *fixture) delete(ids ...registry.ImageID) []registry.ImageID {
	f.Helper()
	deleted, failures, err := f.registry.DeleteImages(f.Context(), owner, app, ids)
	f.must(err)
	equal(f, "failures", failures, nil)
	return deleted
}
