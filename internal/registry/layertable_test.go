package registry

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/openecr/openecr/internal/ref"
)

// numbered is a key that no other number has.
func numbered(n int) layerKey {
	k := layerKey{repository: int64(n % 7), algorithm: ref.SHA256}
	binary.LittleEndian.PutUint64(k.sum[:], uint64(n)) // uneven: the seed has to spread them
	return k
}

func TestAMillionLayersFitIntoTheDefaultMemory(t *testing.T) {
	const million = 1_000_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	table, now := newLayerTable(defaultCacheBytes), time.UnixMilli(1e12)
	put := func(n int) {
		table.put(numbered(n).entry(0, int64(n), now.Add(time.Minute).UnixMilli()+int64(n/100)), now)
	}
	for n := range million {
		put(n)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if used := int64(after.HeapAlloc) - int64(before.HeapAlloc); used > 81<<20 || table.bytes() > defaultCacheBytes {
		t.Errorf("it takes %d bytes, %d by its own account", used, table.bytes())
	}
	known := func(first, n int) (known int) {
		for i := range n {
			if key := numbered(first + i); table.find(&key, now) != nil {
				known++
			}
		}
		return known
	}
	if n := known(0, million); n < million {
		t.Errorf("%d of a million were forgotten", million-n)
	}
	// Of more than fit it knows the later ones.
	for n := range million / 5 {
		put(million + n)
	}
	if old, young := known(0, million/2), known(million/2, million*7/10); old > million/10 || young < million*6/10 || table.bytes() > defaultCacheBytes {
		t.Errorf("%d of the older half and %d of the others are known, in %d bytes", old, young, table.bytes())
	}
}

// The table answers as a map would, but may have forgotten.
func TestLayerTableAgreesWithAMap(t *testing.T) {
	for _, budget := range []int{1, 64 << 10, 1 << 20} {
		t.Run(fmt.Sprint(budget), func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, uint64(budget)))
			table, now := newLayerTable(budget), time.UnixMilli(1e12)
			want, found := make(map[layerKey]layerEntry), 0
			for range 200_000 {
				now = now.Add(time.Duration(random.IntN(3)) * time.Millisecond)
				key := numbered(random.IntN(5000))
				switch random.IntN(4) {
				case 0:
					e := key.entry(uint16(random.IntN(3)), random.Int64(), now.UnixMilli()+random.Int64N(3000))
					table.put(e, now)
					want[key] = e
				case 1:
					table.drop(&key)
					delete(want, key)
				default:
					got := table.find(&key, now)
					if got == nil {
						continue
					}
					found++
					if e, ok := want[key]; !ok || e != *got || now.UnixMilli() >= e.until {
						t.Fatalf("found %+v, want %+v, %v, at %d", *got, e, ok, now.UnixMilli())
					}
				}
			}
			if table.bytes() > max(budget, layerShards*firstSlots*entryBytes) || found == 0 {
				t.Errorf("%d bytes, found %d times", table.bytes(), found)
			}
		})
	}
}

func TestMediaTypesAreBounded(t *testing.T) {
	c := newLayerCache(1<<20, Lease)
	now := time.Now()
	for n := range 2 * maxMediaTypes {
		layer := Layer{Digest: ref.DigestBytes(ref.SHA256, fmt.Append(nil, n)), MediaType: fmt.Sprint("application/x-", n)}
		c.add(0, Path{}, &Repository{ID: 1}, []Layer{layer}, now)
		if got, ok := c.layers(nil, 1, []ref.Digest{layer.Digest}, now); ok && got[0].MediaType != layer.MediaType {
			t.Fatalf("layer %d has the media type %q", n, got[0].MediaType)
		}
	}
	if n := len(c.mediaTypes.names); n > maxMediaTypes {
		t.Errorf("%d media types are remembered", n)
	}
}

// BenchmarkLayerCache is a batch of 100 layers from memory, of a thousand and of a million.
func BenchmarkLayerCache(b *testing.B) {
	for _, layers := range []int{1000, 1_000_000} {
		b.Run(fmt.Sprint(layers), func(b *testing.B) {
			c, now := newLayerCache(defaultCacheBytes, Lease), time.Now()
			digests := make([]ref.Digest, layers)
			for n := range digests {
				digests[n] = ref.DigestBytes(ref.SHA256, fmt.Append(nil, n))
				c.add(0, Path{}, &Repository{ID: 1}, []Layer{{Digest: digests[n], Size: 1}}, now)
			}
			statuses := make([]LayerStatus, 0, 100)
			b.ReportAllocs()
			for n := 0; b.Loop(); n += 100 {
				if _, ok := c.layers(statuses, 1, digests[n%layers:n%layers+100], now); !ok {
					b.Fatal("it was forgotten")
				}
			}
		})
	}
}
