package registry

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"time"
	"unsafe"

	"github.com/openecr/openecr/internal/ref"
)

// layerTable is a hash table of layers in a bounded number of bytes. Its entries hold no pointers and fill a cache line
// each: a million of them cost the garbage collector nothing, and a lookup mostly one read of memory. A map of strings
// did neither.
//
// It is cut into shards, which grow and forget one at a time: no list has to be kept in order, and nobody waits for a
// million entries to be moved.
type layerTable struct {
	shards   [layerShards]layerShard
	maxSlots int // of a shard
	seed     uint64
}

const (
	layerShards = 64
	entryBytes  = int(unsafe.Sizeof(layerEntry{}))
	firstSlots  = 8 // of a shard that is not empty
)

type layerShard struct {
	slots []layerEntry // open addressing with linear probing; at most four fifths are taken
	taken int          // also by what has expired
}

// layerKey is a layer of a repository. Of a long sum the first half is enough: it is as hard to hit as a whole SHA-256.
type layerKey struct {
	sum        [32]byte
	repository int64
	algorithm  ref.Algorithm
}

// layerEntry is 64 bytes. The fields of its key are its own: a layerKey inside would make it longer.
type layerEntry struct {
	sum        [32]byte
	repository int64
	size       int64
	until      int64 // in unix milliseconds; 0 in a slot that was never taken, in the past when it may be taken again
	mediaType  uint16
	algorithm  ref.Algorithm
}

func (e *layerEntry) key() layerKey { return layerKey{e.sum, e.repository, e.algorithm} }

func (e *layerEntry) is(k *layerKey) bool {
	return e.sum == k.sum && e.repository == k.repository && e.algorithm == k.algorithm
}

func (k layerKey) entry(mediaType uint16, size, until int64) layerEntry {
	return layerEntry{k.sum, k.repository, size, until, mediaType, k.algorithm}
}

// dropped is the until of an entry that was forgotten. Its slot stays taken, or what lies behind it would not be found.
const dropped = -1

func newLayerTable(budget int) layerTable {
	return layerTable{maxSlots: max(firstSlots, budget/layerShards/entryBytes), seed: rand.Uint64()}
}

func keyOf(repository int64, d ref.Digest) layerKey {
	k := layerKey{repository: repository, algorithm: d.Algorithm()}
	d.CopySum(k.sum[:])
	return k
}

// place is where to begin to look for a layer whose sum begins so. Sums are even by themselves, unless somebody chose
// them: hence the seed.
func (t *layerTable) place(head uint64, repository int64) (s *layerShard, slot int) {
	high, low := bits.Mul64((head^t.seed)+uint64(repository)*0x9e3779b97f4a7c15, 0xd6e8feb86659fd93)
	h := high ^ low
	s = &t.shards[h%layerShards]
	at, _ := bits.Mul64(h, uint64(len(s.slots)))
	return s, int(at)
}

func (k *layerKey) head() uint64 { return binary.LittleEndian.Uint64(k.sum[:]) }

// isFree says that no layer whose sum begins so is there, because its first slot was never taken. Asked of many layers before
// find is, it makes the processor fetch all their slots at once: in a large table nearly each is a wait for memory, and find
// goes on only after its own.
func (t *layerTable) isFree(head uint64, repository int64) bool {
	s, slot := t.place(head, repository)
	return len(s.slots) == 0 || s.slots[slot].until == 0
}

// find is nil for what is not there or has expired. The entry is good until the table is changed.
func (t *layerTable) find(k *layerKey, now time.Time) *layerEntry {
	s, slot := t.place(k.head(), k.repository)
	if e := s.find(k, slot); e != nil && now.UnixMilli() < e.until {
		return e
	}
	return nil
}

func (s *layerShard) find(k *layerKey, slot int) *layerEntry {
	if len(s.slots) == 0 {
		return nil
	}
	for {
		e := &s.slots[slot]
		if e.until == 0 {
			return nil
		}
		if e.is(k) {
			return e
		}
		if slot++; slot == len(s.slots) {
			slot = 0
		}
	}
}

// put adds an entry or replaces it.
func (t *layerTable) put(e layerEntry, now time.Time) {
	key := e.key()
	s, slot := t.place(key.head(), key.repository)
	if old := s.find(&key, slot); old != nil {
		*old = e
		return
	}
	if (s.taken+1)*5 > len(s.slots)*4 {
		s.makeRoom(t, now)
		_, slot = t.place(key.head(), key.repository)
	}
	s.insert(e, slot)
}

// insert puts an entry whose key is not there.
func (s *layerShard) insert(e layerEntry, slot int) {
	for s.slots[slot].until != 0 {
		if slot++; slot == len(s.slots) {
			slot = 0
		}
	}
	s.slots[slot] = e
	s.taken++
}

// makeRoom moves what has not expired into slots of which about half will be taken. A shard that may not grow any more
// keeps the later half of what it has: what would expire before the mean is forgotten.
func (s *layerShard) makeRoom(t *layerTable, now time.Time) {
	live, mean := s.liveAfter(now.UnixMilli())
	size, after := min(max(firstSlots, 2*live), t.maxSlots), now.UnixMilli()
	if size == len(s.slots) && live*10 > size*7 {
		after = mean
	}
	old := s.slots
	s.slots, s.taken = make([]layerEntry, size), 0
	for i := range old {
		if after < old[i].until {
			key := old[i].key()
			_, slot := t.place(key.head(), key.repository)
			s.insert(old[i], slot)
		}
	}
}

// liveAfter counts what has not expired, and says when it will in the mean.
func (s *layerShard) liveAfter(now int64) (live int, mean int64) {
	var sum int64
	for i := range s.slots {
		if until := s.slots[i].until; now < until {
			live++
			sum += until - now
		}
	}
	return live, now + sum/int64(max(1, live))
}

// drop forgets a layer.
func (t *layerTable) drop(k *layerKey) {
	s, slot := t.place(k.head(), k.repository)
	if e := s.find(k, slot); e != nil {
		e.until = dropped
	}
}

func (t *layerTable) clear() {
	for i := range t.shards {
		t.shards[i] = layerShard{}
	}
}

// bytes is what the table takes.
func (t *layerTable) bytes() int {
	n := 0
	for i := range t.shards {
		n += len(t.shards[i].slots) * entryBytes
	}
	return n
}

// mediaTypes gives the media types of layers numbers. There are few, but clients choose them, so they are bounded.
type mediaTypes struct {
	names   []string
	numbers map[string]uint16
	bytes   int
}

const (
	maxMediaTypes     = 4096
	maxMediaTypeBytes = 1 << 20
)

// number is false when there are too many: then whoever keeps numbers is to forget them, and begin again.
func (m *mediaTypes) number(name string) (_ uint16, ok bool) {
	if n, ok := m.numbers[name]; ok {
		return n, true
	}
	if len(m.names) == maxMediaTypes || m.bytes+len(name) > maxMediaTypeBytes {
		return 0, false
	}
	if m.numbers == nil {
		m.numbers = make(map[string]uint16)
	}
	n := uint16(len(m.names))
	m.names, m.numbers[name], m.bytes = append(m.names, name), n, m.bytes+len(name)
	return n, true
}
