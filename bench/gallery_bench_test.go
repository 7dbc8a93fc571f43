package bench

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/openecr/openecr/internal/gallery"
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/sqlmeta"
)

const (
	galleryRepositories = 100_000
	galleryTags         = 10 // of each
	galleryBatch        = 500
)

var galleryWords = []string{"alpine", "server", "proxy", "database", "queue", "image", "cloud", "metrics", "logging", "gateway", "storage", "nginx"}

// openGallery is a registry with galleryRepositories listed repositories and their tags. It takes minutes to make.
func openGallery(b *testing.B) *registry.Registry {
	b.Helper()
	meta, err := sqlmeta.Open(b.Context(), sqlmeta.Options{Path: filepath.Join(b.TempDir(), "gallery.db")})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = meta.Close() })
	r := registry.New(registry.Config{Meta: meta, Host: "registry.test"})
	if err := r.EnsureRoot(b.Context(), registry.Root{Account: account, Alias: "b1e2n3c4"}); err != nil {
		b.Fatal(err)
	}
	for first := 0; first < galleryRepositories; first += galleryBatch {
		if err := meta.Update(b.Context(), func(tx registry.Tx) error { return fillGallery(tx, first) }); err != nil {
			b.Fatal(err)
		}
	}
	if err := r.IndexUnlisted(b.Context()); err != nil {
		b.Fatal(err)
	}
	return r
}

func fillGallery(tx registry.Tx, first int) error {
	now := time.Now().Truncate(time.Millisecond)
	for n := first; n < first+galleryBatch; n++ {
		word := func(k int) string { return galleryWords[(n*7+k*13)%len(galleryWords)] }
		said := fmt.Sprintf("A %s for %s with %s number%d", word(1), word(2), word(3), n)
		id, err := tx.InsertRepository(registry.Repository{
			Account: account, Name: galleryName(n), CreatedAt: now, Catalog: registry.Catalog{Description: &said, About: &said},
		})
		if err != nil {
			return err
		}
		image := registry.Image{Digest: layer(n, 1), MediaType: "application/vnd.oci.image.manifest.v1+json", PushedAt: now, Manifest: []byte("{}")}
		if err := tx.InsertImage(id, image); err != nil {
			return err
		}
		platform := registry.Face{Image: image.Digest, Traits: registry.Traits{Systems: 1 << (n % 2), Architectures: 1 << (n % 5), Kinds: 1}}
		if err := tx.PutFace(id, platform); err != nil {
			return err
		}
		for k := range galleryTags {
			name := ref.Tag(fmt.Sprintf("1.%d.%d-%s", k, n%97, word(k%3)))
			if err := tx.PutTag(id, registry.Tag{Name: name, Image: image.Digest, CreatedAt: now}); err != nil {
				return err
			}
		}
		if err := tx.AddDownloads([]registry.Download{{Repository: id, Tag: "latest", Day: now.Truncate(24 * time.Hour), Count: int64(n * 7919 % 1_000_003)}}); err != nil {
			return err
		}
	}
	return nil
}

func galleryName(n int) ref.RepositoryName {
	return ref.RepositoryName(fmt.Sprintf("team%d/app-%s-%d", n%1000, galleryWords[n%len(galleryWords)], n))
}

// BenchmarkGallery is searches and whole pages over one registry.
func BenchmarkGallery(b *testing.B) {
	r := openGallery(b)
	b.Run("search", func(b *testing.B) { benchSearch(b, r) })
	b.Run("page", func(b *testing.B) { benchPages(b, r) })
}

// benchSearch is what visitors ask: a word that one repository has, one with a slip, several, one that a twelfth of all
// have, one that all have, nothing at all, and a filter.
func benchSearch(b *testing.B, r *registry.Registry) {
	for _, c := range []struct {
		name  string
		query registry.SearchQuery
	}{
		{"one", registry.SearchQuery{Text: "number77777"}},
		{"slip", registry.SearchQuery{Text: "proyx team77"}},
		{"several", registry.SearchQuery{Text: "team5 nginx 1.3"}},
		{"common", registry.SearchQuery{Text: "nginx"}},
		{"everywhere", registry.SearchQuery{Text: "app"}},
		{"everything", registry.SearchQuery{}},
		{"newest", registry.SearchQuery{Text: "nginx", Sort: registry.ByDate}},
		{"filtered", registry.SearchQuery{Text: "nginx", OperatingSystems: []string{"Linux"}, Architectures: []string{"ARM 64"}}},
		{"far", registry.SearchQuery{Text: "nginx", Page: 20}},
	} {
		c.query.Size = 25
		b.Run(c.name, func(b *testing.B) {
			defer reportCPU(b)()
			for b.Loop() {
				if _, err := r.Search(b.Context(), c.query); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func benchPages(b *testing.B, r *registry.Registry) {
	handler := gallery.New(gallery.Options{Registry: r, PublicURL: &url.URL{Scheme: "http", Host: "registry.test"}})
	repository := "/b1e2n3c4/" + string(galleryName(777))
	for name, address := range map[string]string{
		"home": "/", "search": "/search?searchTerm=nginx", "repository": repository, "tags": repository + "?tab=tags", "publisher": "/b1e2n3c4",
	} {
		b.Run(name, func(b *testing.B) {
			defer reportCPU(b)()
			for b.Loop() {
				serve(b, handler, httptest.NewRequest(http.MethodGet, address, nil))
			}
		})
	}
}

// reportCPU adds what an operation takes of a processor, which a busy machine distorts less than its time.
func reportCPU(b *testing.B) func() {
	before := cpuTime(b)
	return func() {
		b.ReportMetric(float64((cpuTime(b)-before).Milliseconds())/float64(b.N), "cpu-ms/op")
	}
}

func cpuTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
