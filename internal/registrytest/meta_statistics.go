package registrytest

import (
	"github.com/openecr/openecr/internal/registry"
)

func testUploadsCounted(t *metaTest) {
	id := t.oneRepository()
	for i, upload := range []string{"u1", "u2", "u3"} {
		t.update(func(tx registry.Tx) error {
			return tx.InsertUpload(registry.Upload{ID: upload, Repository: id, Locator: "l" + upload, HashState: []byte("0"), CreatedAt: at(1), UpdatedAt: at(1)})
		})
		t.equal("count", read(t, registry.Tx.CountUploads), i+1)
	}
	t.update(func(tx registry.Tx) error { return tx.DeleteUpload("u2") })
	t.equal("count after one has ended", read(t, registry.Tx.CountUploads), 2)
}
