package sqlmeta

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

const (
	benchRepositories = 1000
	benchLayers       = 100 // of each repository
)

// BenchmarkFindLayers asks a store of 1000 repositories with 100 layers each about 100 digests of one of them.
func BenchmarkFindLayers(b *testing.B) {
	s := openStore(b, Options{Path: filepath.Join(b.TempDir(), "meta.db")})
	fill(b, s, benchRepositories)
	for _, c := range []struct {
		name   string
		layers int // of the repository
		found  int
	}{{"hit", 0, benchLayers}, {"miss", 1_000_000, 0}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n := rand.IntN(benchRepositories)
				_, layers, err := s.FindLayers(context.Background(), "a1b2c3d4", benchName(n), benchDigests(n, c.layers))
				if err != nil || len(layers) != c.found {
					b.Fatalf("found %d layers, error %v", len(layers), err)
				}
			}
		})
	}
}

// BenchmarkUpdate pushes images of ten layers each, durably, from one and from many goroutines.
func BenchmarkUpdate(b *testing.B) {
	for _, writers := range []int{1, 16} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			s := openStore(b, Options{Path: filepath.Join(b.TempDir(), "meta.db")})
			fill(b, s, 1)
			var pushed atomic.Int64
			var wg sync.WaitGroup
			b.ResetTimer()
			for range writers {
				wg.Go(func() {
					for n := pushed.Add(1); n <= int64(b.N); n = pushed.Add(1) {
						if err := s.Update(context.Background(), func(tx registry.Tx) error { return benchPush(tx, n) }); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

func benchPush(tx registry.Tx, n int64) error {
	image := benchImage(int(n))
	if err := tx.InsertImage(1, image); err != nil {
		return err
	}
	return tx.PutTag(1, registry.Tag{Name: ref.Tag(fmt.Sprint("t", n%100)), Image: image.Digest, CreatedAt: image.PushedAt})
}

func fill(b *testing.B, s *Store, repositories int) {
	b.Helper()
	if err := s.Update(context.Background(), func(tx registry.Tx) error {
		for n := range repositories {
			if err := fillRepository(tx, n); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
}

func fillRepository(tx registry.Tx, n int) error {
	const account = "123456789012"
	if n == 0 {
		if err := tx.InsertAccount(registry.Account{ID: account}); err != nil {
			return err
		}
		if err := tx.InsertAlias(registry.Alias{Name: "a1b2c3d4", Account: account, Default: true, Primary: true}); err != nil {
			return err
		}
	}
	id, err := tx.InsertRepository(registry.Repository{Account: account, Name: benchName(n)})
	if err != nil {
		return err
	}
	for _, d := range benchDigests(n, 0) {
		if err := tx.InsertBlob(registry.Blob{Digest: d, Locator: d.Hex()}); err != nil {
			return err
		}
		layer := registry.Layer{Digest: d, Size: 12_345_678, MediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip"}
		if err := tx.InsertLayer(id, layer); err != nil {
			return err
		}
	}
	return nil
}

func benchName(n int) ref.RepositoryName { return ref.RepositoryName(fmt.Sprintf("team/app-%d", n)) }

// benchDigests are those of the layers of repository n from the given one on.
func benchDigests(n, from int) []ref.Digest {
	digests := make([]ref.Digest, benchLayers)
	for i := range digests {
		digests[i] = benchDigest(uint64(n), uint64(from+i))
	}
	return digests
}

func benchDigest(n, i uint64) ref.Digest {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], n)
	binary.BigEndian.PutUint64(b[8:], i)
	sum := sha256.Sum256(b[:])
	return ref.NewDigest(ref.SHA256, sum[:])
}

func benchImage(n int) registry.Image {
	image := registry.Image{
		Digest:    benchDigest(1<<32, uint64(n)),
		MediaType: "application/vnd.oci.image.manifest.v1+json",
		Manifest:  make([]byte, 1500),
		PushedAt:  time.Now(),
	}
	for _, d := range benchDigests(0, 0)[:10] {
		image.Layers = append(image.Layers, registry.Descriptor{Digest: d, MediaType: "application/vnd.oci.image.layer.v1.tar+gzip"})
	}
	return image
}
