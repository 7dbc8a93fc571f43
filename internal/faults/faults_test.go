package faults

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/registrytest"
	"github.com/openecr/openecr/internal/sqlmeta"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func plan(t *testing.T, text string) (p *Plan, killed *int) {
	t.Helper()
	killed = new(int)
	p, err := Parse(text, func() { *killed++ })
	if err != nil {
		t.Fatal(err)
	}
	p.Armed.Store(true)
	return p, killed
}

// use passes every point once.
func use(t *testing.T, p *Plan) (meta, blobs error) {
	t.Helper()
	store, err := sqlmeta.Open(t.Context(), sqlmeta.Options{Path: filepath.Join(t.TempDir(), "meta.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	meta = p.Meta(store).Update(t.Context(), func(registry.Tx) error { return nil })
	b := p.Blobs(registrytest.NewMemBlobs(t))
	next, appended := b.Append(t.Context(), registry.Unfinished{Locator: registry.NewLocator()}, strings.NewReader("abc"), nil)
	if appended != nil {
		return meta, appended
	}
	if _, _, put := b.Put(t.Context(), registry.NewLocator(), strings.NewReader("abc")); put != nil {
		return meta, put
	}
	locator, finished := b.Finish(t.Context(), next, nil)
	return meta, errors.Join(finished, b.Discard(t.Context(), next), b.Delete(t.Context(), locator))
}

func TestEveryPointIsPassedAndKills(t *testing.T) {
	for _, point := range Points {
		p, killed := plan(t, point+"=kill@1")
		if meta, blobs := use(t, p); meta != nil || blobs != nil || *killed != 1 {
			t.Errorf("%s: killed %d times, errors %v, %v, want once and none", point, *killed, meta, blobs)
		}
		again, killed := plan(t, point+"=kill@2")
		_, _ = use(t, again)
		if *killed != 0 {
			t.Errorf("%s: killed at the first passage instead of the second", point)
		}
		again.Armed.Store(false)
		_, _ = use(t, again)
		if *killed != 0 {
			t.Errorf("%s: killed without being armed", point)
		}
	}
}

func TestEveryPointFails(t *testing.T) {
	for _, point := range Points {
		p, _ := plan(t, point+"=fail%100")
		meta, blobs := use(t, p)
		failed := blobs
		if strings.HasPrefix(point, "update") {
			failed = meta
		}
		if !errors.Is(failed, ErrFault) {
			t.Errorf("%s: error %v, want %v", point, failed, ErrFault)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{"append", "append-begun", "append-begun=kill", "append-begun=kill@0", "append-begun=stop@1", "nowhere=kill@1", "append-begun=kill@1;"} {
		if p, err := Parse(text, nil); err == nil {
			t.Errorf("%q was read as %v", text, p)
		}
	}
}
