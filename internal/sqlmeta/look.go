package sqlmeta

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/openecr/openecr/internal/registry"
)

// ErrNoStore means that nothing was ever kept there.
var ErrNoStore = errors.New("there is no metadata yet: the first start makes it")

// Schema is which version a store has, and which one Open would bring it to.
type Schema struct{ Version, Newest int }

// Look opens a store as it is, beside whoever works on it: nothing is made, brought up to date or written. It refuses
// what Open would refuse. Updates of the store fail.
func Look(ctx context.Context, o Options) (*Store, Schema, error) {
	e, name, err := o.openLooking()
	if err != nil {
		return nil, Schema{}, fmt.Errorf("metadata store %s: %w", name, err)
	}
	schema := Schema{Newest: len(migrations())}
	err = e.lend(ctx, func(s *session) (err error) {
		schema.Version, err = acceptableVersion(ctx, s, migrations())
		return err
	})
	if err == nil && schema.Version == 0 || isNoTable(err) {
		err = ErrNoStore
	}
	if err != nil {
		return nil, Schema{}, errors.Join(fmt.Errorf("metadata store %s: %w", name, err), e.close())
	}
	return &Store{engine: e}, schema, nil
}

// lookingEngine has one connection that reads.
type lookingEngine struct{ *pool }

func (o Options) openLooking() (_ lookingEngine, name string, err error) {
	if o.URL != "" {
		connector, _, err := postgresConnector(o.URL, primaryServer)
		if err != nil {
			return lookingEngine{}, nameOfURL(o.URL), err
		}
		return lookingEngine{newPool(o.openDB(connector), postgresDialect(), 1)}, nameOfURL(o.URL), nil
	}
	if _, err := os.Stat(o.Path); errors.Is(err, fs.ErrNotExist) {
		return lookingEngine{}, o.Path, ErrNoStore // SQLite would make it
	} else if err != nil {
		return lookingEngine{}, o.Path, err
	}
	connector, err := o.sqliteConnector(queryOnly)
	if err != nil {
		return lookingEngine{}, o.Path, err
	}
	return lookingEngine{newPool(o.openDB(connector), sqliteDialect(), 1)}, o.Path, nil
}

func (e lookingEngine) read(ctx context.Context, fn func(*session) error) error {
	return e.lend(ctx, fn)
}

func (e lookingEngine) readStale(context.Context, func(context.Context, *session) error) bool {
	return false
}

func (e lookingEngine) update(context.Context, func(registry.Tx) error) error {
	return errors.New("metadata: the store was opened to be looked at, not to be changed")
}

// isNoTable tells that no migration has ever run.
func isNoTable(err error) bool {
	return err != nil && (sqlState(err) == "42P01" || strings.Contains(err.Error(), "no such table"))
}
