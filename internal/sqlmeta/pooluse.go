package sqlmeta

import "time"

// PoolUse is how far the connections for one purpose are used.
type PoolUse struct {
	Name   string
	Max    int
	InUse  int           // lent to a call
	Idle   int           // open and free
	Waits  int64         // calls that had to wait for one, since the start
	Waited time.Duration // how long, in all
}

// Pools are the connections that calls share. The one that writes to SQLite is none: its updates queue.
func (s *Store) Pools() []PoolUse { return s.engine.pools() }

func (e *sqliteEngine) pools() []PoolUse { return []PoolUse{e.readers.use("read")} }

func (e *postgresEngine) pools() []PoolUse {
	use := []PoolUse{e.primary.use("primary")}
	if e.replica != nil {
		use = append(use, e.replica.use("replica"))
	}
	return use
}

func (e lookingEngine) pools() []PoolUse { return []PoolUse{e.use("read")} }

func (p *pool) use(name string) PoolUse {
	lent := cap(p.free) - len(p.free)
	return PoolUse{
		Name:   name,
		Max:    cap(p.free),
		InUse:  lent,
		Idle:   max(0, p.db.Stats().OpenConnections-lent),
		Waits:  p.waits.Load(),
		Waited: time.Duration(p.waited.Load()),
	}
}
