package registrytest

import (
	"time"

	"github.com/openecr/openecr/internal/registry"
)

func testReadOnly(t *metaTest) {
	for _, since := range []time.Time{{}, at(1), at(2), {}} {
		t.update(func(tx registry.Tx) error { return tx.SetReadOnly(since) })
		t.restart()
		t.equal("read-only since", read(t, registry.Tx.ReadOnlySince), since)
	}
}

// testSnapshot: what was switched before a snapshot holds for all that it does not show.
func testSnapshot(t *metaTest) {
	t.update(func(tx registry.Tx) error { return tx.InsertSetting("name", []byte("value")) })
	err := t.meta.Snapshot(t.Context(), func(tx registry.Tx) error {
		value, err := tx.Setting("name")
		if err != nil {
			return err
		}
		t.equal("setting", string(value), "value")
		t.update(func(tx registry.Tx) error { return tx.InsertSetting("later", []byte("value")) })
		_, err = tx.Setting("later")
		t.equal("what came later is there", err == nil, false)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
