package registry_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/openecr/openecr/internal/registry"
)

// unsettle leaves the next update unsettled, made or not.
func (f *fixture) unsettle(made bool) {
	armed := true
	f.meta.failUpdate = func() (bool, error) {
		if !armed {
			return false, nil
		}
		armed = false
		return made, fmt.Errorf("the store was restarted: %w", registry.ErrUnsettled)
	}
}

func TestPushOutlivesUnsettledUpdates(t *testing.T) {
	for name, made := range map[string]bool{"not made": false, "made": true} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.unsettle(made)
			up := f.start("abc")

			f.unsettle(made)
			up, err := f.append(up, part(3, "def"))
			f.must(err)
			equal(t, "offset", up.Offset, 6)

			f.unsettle(made)
			_, err = f.finish(up, sum("abcdef"))
			if registry.KindOf(err) != registry.LayerAlreadyExists { // which the docker wire calls success
				f.must(err)
			}
			equal(t, "layer is there", f.available(sum("abcdef")), []bool{true})

			config := f.push("{}")
			f.unsettle(made)
			_, err = f.tryPut(imageOf(config), "tag")
			f.must(err)
			equal(t, "images", len(f.images()), 1)
		})
	}
}

func TestUnsettledUpdatesEndInTheirError(t *testing.T) {
	f := newFixture(t)
	up := f.start("abc")
	calls := 0
	f.meta.failUpdate = func() (bool, error) { calls++; return false, registry.ErrUnsettled }
	_, err := f.append(up, part(3, "def"))
	if !errors.Is(err, registry.ErrUnsettled) || calls > 10 {
		t.Errorf("error %v after %d updates, want the store's after a few", err, calls)
	}
}
