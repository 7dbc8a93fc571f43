package registrytest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// TestMeta runs the contract of registry.Meta. open makes an empty store that lives as long as the test it is given;
// reopen closes that store and opens it again over what it has kept.
func TestMeta(t *testing.T, open func(t *testing.T) (m registry.Meta, reopen func() registry.Meta)) {
	for _, c := range append(galleryTests(), []metaCase{
		{"Accounts", testAccounts},
		{"AccountsChanged", testAccountsChanged},
		{"AccountDeleted", testAccountDeleted},
		{"Aliases", testAliases},
		{"PrimaryAlias", testPrimaryAlias},
		{"AliasDeleted", testAliasDeleted},
		{"AccessKeys", testAccessKeys},
		{"AccessKeysChanged", testAccessKeysChanged},
		{"Settings", testSettings},
		{"Repository", testRepository},
		{"RepositoryByEveryAlias", testRepositoryByEveryAlias},
		{"NamesInByteOrder", testNamesInByteOrder},
		{"TextThatNoRowHas", testTextThatNoRowHas},
		{"RepositoriesInPages", testRepositoriesInPages},
		{"RepositoryUpdated", testRepositoryUpdated},
		{"RepositoriesCounted", testRepositoriesCounted},
		{"Profile", testProfile},
		{"Logos", testLogos},
		{"RepositoryDeletedWithContents", testRepositoryDeletedWithContents},
		{"RepositoryIDNeverReused", testRepositoryIDNeverReused},
		{"Blobs", testBlobRows},
		{"Layers", testLayers},
		{"LayersAmongDigests", testLayersAmongDigests},
		{"KeepLayers", testKeepLayers},
		{"LayerDeleted", testLayerDeleted},
		{"FindLayers", testFindLayers},
		{"FindLayersWithHostileMediaType", testFindLayersWithHostileMediaType},
		{"Uploads", testUploads},
		{"AdvanceUpload", testAdvanceUpload},
		{"AdvanceUploadOnceOfMany", testAdvanceUploadOnceOfMany},
		{"AllotPart", testAllotPart},
		{"UploadsCounted", testUploadsCounted},
		{"Image", testImage},
		{"ImagesInPages", testImagesInPages},
		{"ImagesCounted", testImagesCounted},
		{"ImageTakesLayersOutOfCollection", testImageTakesLayersOutOfCollection},
		{"ImageTakesLayersThatComeLater", testImageTakesLayersThatComeLater},
		{"ImageNeedsItsReferences", testImageNeedsItsReferences},
		{"ImageDeleted", testImageDeleted},
		{"ImageListedByIndexStays", testImageListedByIndexStays},
		{"Referrers", testReferrers},
		{"Tags", testTags},
		{"TagsInPages", testTagsInPages},
		{"TagsOf", testTagsOf},
		{"Jobs", testJobs},
		{"JobTakenOnceOfMany", testJobTakenOnceOfMany},
		{"ExpiredLayers", testExpiredLayers},
		{"UnusedBlobs", testUnusedBlobs},
		{"ReleasedBytes", testReleasedBytes},
		{"AbandonedUploads", testAbandonedUploads},
		{"LocatorNamed", testLocatorNamed},
		{"Garbage", testGarbage},
		{"LayersAndBlobsInPages", testLayersAndBlobsInPages},
		{"LayerLost", testLayerLost},
		{"Quarantine", testQuarantine},
		{"Events", testEvents},
		{"EventsTrimmed", testEventsTrimmed},
		{"Webhooks", testWebhooks},
		{"Deliveries", testDeliveries},
		{"DeliveriesClaimedOnceOfMany", testDeliveriesClaimedOnceOfMany},
		{"Transfer", testTransfer},
		{"TransferKeepsIDs", testTransferKeepsIDs},
		{"ReadOnly", testReadOnly},
		{"Snapshot", testSnapshot},
		{"FailedUpdateLeavesNothing", testFailedUpdateLeavesNothing},
		{"PanicLeavesNothing", testPanicLeavesNothing},
		{"CancelledContext", testCancelledContext},
		{"OutcomeWhateverTheContextSays", testOutcomeWhateverTheContextSays},
		{"ViewIsASnapshot", testViewIsASnapshot},
		{"ViewRefusesWrites", testViewRefusesWrites},
		{"ConcurrentUpdates", testConcurrentUpdates},
	}...) {
		t.Run(c.name, func(t *testing.T) {
			m, reopen := open(t)
			mt := &metaTest{T: t, meta: rehearsed{m}, reopen: reopen}
			defer func() {
				if err := mt.meta.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			}()
			c.test(mt)
		})
	}
}

// metaTest is one test with its store.
type metaTest struct {
	*testing.T
	meta   registry.Meta
	reopen func() registry.Meta
}

// rehearsed runs the function of every update twice, the first time in a transaction that fails in the end: functions
// may run more than once, and a transaction that failed leaves no trace.
type rehearsed struct{ registry.Meta }

var errRehearsal = errors.New("undo this rehearsal")

func (m rehearsed) Update(ctx context.Context, fn func(registry.Tx) error) error {
	err := m.Meta.Update(ctx, func(tx registry.Tx) error {
		_ = fn(tx) // it fails again when it counts
		return errRehearsal
	})
	if err == nil {
		return errors.New("an update whose function failed was committed")
	}
	if err != errRehearsal { //nolint:errorlint // it must come back as it is
		return fmt.Errorf("rehearsal: %w", err)
	}
	return m.Meta.Update(ctx, fn)
}

// restart reopens the store: what was acknowledged must still be there.
func (t *metaTest) restart() {
	t.meta = rehearsed{t.reopen()}
}

func (t *metaTest) update(fn func(tx registry.Tx) error) {
	t.Helper()
	if err := t.meta.Update(context.Background(), fn); err != nil {
		t.Fatalf("update: %v", err)
	}
}

// refused is an update that must fail with an error that is target; any error does when target is nil.
func (t *metaTest) refused(what string, target error, fn func(tx registry.Tx) error) {
	t.Helper()
	err := t.meta.Update(context.Background(), fn)
	if err == nil || target != nil && !errors.Is(err, target) {
		t.Errorf("%s: error %v, want %v", what, err, cmp.Or(target, errors.New("any")))
	}
}

func (t *metaTest) view(fn func(tx registry.Tx) error) {
	t.Helper()
	if err := t.meta.View(context.Background(), fn); err != nil {
		t.Fatalf("view: %v", err)
	}
}

// equal compares what a test got. Digests and times have their own equality.
func (t *metaTest) equal(what string, got, want any) {
	t.Helper()
	if d := gocmp.Diff(want, got, gocmp.Comparer(func(a, b ref.Digest) bool { return a == b })); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// read returns what get finds in a view of its own.
func read[T any](t *metaTest, get func(tx registry.Tx) (T, error)) T {
	t.Helper()
	var got T
	t.view(func(tx registry.Tx) error {
		v, err := get(tx)
		got = v
		return err
	})
	return got
}

// absent checks that get finds nothing.
func absent[T any](t *metaTest, what string, get func(tx registry.Tx) (T, error)) {
	t.Helper()
	err := t.meta.View(context.Background(), func(tx registry.Tx) error {
		_, err := get(tx)
		return err
	})
	if !errors.Is(err, registry.ErrAbsent) {
		t.Errorf("%s: error %v, want ErrAbsent", what, err)
	}
}

// pages walks a list by pages of n, as the layers above do.
func pages[T any](t *metaTest, n int, page func(tx registry.Tx, last *T, n int) ([]T, error)) []T {
	t.Helper()
	var list []T
	for {
		var last *T
		if len(list) > 0 {
			last = &list[len(list)-1]
		}
		got := read(t, func(tx registry.Tx) ([]T, error) { return page(tx, last, n) })
		if len(got) > n {
			t.Fatalf("a page of at most %d has %d entries", n, len(got))
		}
		list = append(list, got...)
		if len(got) < n {
			return list
		}
		if len(list) > 1000 {
			t.Fatalf("the pages of %d never end", n)
		}
	}
}

// do runs functions of one transaction until one fails.
func do(fns ...func() error) error {
	for _, fn := range fns {
		if err := fn(); err != nil {
			return err
		}
	}
	return nil
}

const (
	accountA = ref.AccountID("111111111111")
	accountB = ref.AccountID("222222222222")
	accountC = ref.AccountID("333333333333") // tests make it themselves
	aliasA   = ref.Alias("alice")
	aliasB   = ref.Alias("bob")
)

// at is a moment in milliseconds, later for a greater n.
func at(n int) time.Time {
	return time.Date(2026, 2, 3, 4, 5, 6, 789_000_000, time.UTC).Add(time.Duration(n) * time.Hour)
}

func sha256Of(content string) ref.Digest { return ref.DigestBytes(ref.SHA256, []byte(content)) }
func sha512Of(content string) ref.Digest { return ref.DigestBytes(ref.SHA512, []byte(content)) }

func byDigest(a, b ref.Digest) int { return cmp.Compare(string(a.Key()), string(b.Key())) }

func sortedLayers(layers []registry.Layer) []registry.Layer {
	return slices.SortedFunc(slices.Values(layers), func(a, b registry.Layer) int { return byDigest(a.Digest, b.Digest) })
}

// twoAccounts makes accounts A and B with their default aliases.
func (t *metaTest) twoAccounts() {
	t.Helper()
	t.update(func(tx registry.Tx) error {
		return do(
			func() error { return tx.InsertAccount(registry.Account{ID: accountA, CreatedAt: at(0)}) },
			func() error { return tx.InsertAccount(registry.Account{ID: accountB, CreatedAt: at(1)}) },
			func() error {
				return tx.InsertAlias(registry.Alias{Name: aliasA, Account: accountA, Default: true, Primary: true, CreatedAt: at(0)})
			},
			func() error {
				return tx.InsertAlias(registry.Alias{Name: aliasB, Account: accountB, Default: true, Primary: true, CreatedAt: at(1)})
			},
		)
	})
}

// repository makes a repository and returns its id.
func (t *metaTest) repository(account ref.AccountID, name ref.RepositoryName) int64 {
	t.Helper()
	var id int64
	t.update(func(tx registry.Tx) error {
		got, err := tx.InsertRepository(registry.Repository{Account: account, Name: name, CreatedAt: at(2)})
		id = got
		return err
	})
	return id
}

// oneRepository makes both accounts and a repository of the first.
func (t *metaTest) oneRepository() int64 {
	t.Helper()
	t.twoAccounts()
	return t.repository(accountA, "app")
}

// layer makes a layer of the given content, and its blob where there is none, promised until at(10).
func (t *metaTest) layer(repository int64, d ref.Digest) registry.Layer {
	t.Helper()
	l := registry.Layer{Digest: d, Size: 100, MediaType: "application/octet-stream", KeepUntil: at(10)}
	t.update(func(tx registry.Tx) error {
		err := tx.InsertBlob(registry.Blob{Digest: d, Size: l.Size, Locator: d.Hex(), CreatedAt: at(3)})
		if err != nil && !errors.Is(err, registry.ErrConflict) {
			return err
		}
		return tx.InsertLayer(repository, l)
	})
	return l
}

// layers makes n layers.
func (t *metaTest) layers(repository int64, n int) []registry.Layer {
	t.Helper()
	list := make([]registry.Layer, n)
	for i := range list {
		list[i] = t.layer(repository, sha256Of(fmt.Sprint("layer ", i)))
	}
	return list
}

// image makes an image of the given manifest, layers and children.
func (t *metaTest) image(repository int64, manifest string, layers []registry.Layer, children ...ref.Digest) registry.Image {
	t.Helper()
	i := newImage(manifest, layers, children...)
	t.update(func(tx registry.Tx) error { return tx.InsertImage(repository, i) })
	return i
}

func newImage(manifest string, layers []registry.Layer, children ...ref.Digest) registry.Image {
	i := registry.Image{
		Digest:    sha256Of(manifest),
		MediaType: "application/vnd.oci.image.manifest.v1+json",
		Manifest:  []byte(manifest),
		Size:      int64(len(layers)) * 100,
		PushedAt:  at(4),
		Children:  children,
	}
	for _, l := range layers {
		i.Layers = append(i.Layers, registry.Descriptor{Digest: l.Digest, Size: l.Size, MediaType: l.MediaType})
	}
	return i
}

// listed is an image as lists have it.
func listed(i registry.Image) registry.Image {
	i.Manifest, i.Layers, i.Children = nil, nil, nil
	return i
}
