package registry

import (
	"time"

	"github.com/openecr/openecr/internal/ref"
)

// CollectTx finds what nobody needs, at a cost that grows with what it finds and not with what the registry holds.
type CollectTx interface {
	// ExpiredLayers are layers that no image references and that were promised until now or before, the longest expired
	// first, at most limit. DeleteLayer takes them.
	ExpiredLayers(now time.Time, limit int) ([]ExpiredLayer, error)
	// DeleteUnusedBlobs deletes blobs that have lost their last layer and returns them. It looks at no more than limit of
	// those that have lost any layer since they were looked at last; more says that there are others to look at.
	DeleteUnusedBlobs(limit int) (deleted []Blob, more bool, err error)
	// ReleaseBytes notes that the row of a locator goes in this transaction and that its bytes are to follow. ErrConflict.
	ReleaseBytes(locator string, at time.Time) error
	// ReleasedBytes are locators that were noted until a time, the longest noted first, at most limit.
	ReleasedBytes(until time.Time, limit int) ([]string, error)
	// ForgetBytes takes back the note. It is nil when there is none.
	ForgetBytes(locator string) error
	// AbandonedUploads were last changed before a time, in order of that change and id, beginning after the given one, at
	// most limit. DeleteUpload takes them.
	AbandonedUploads(before time.Time, after Upload, limit int) ([]Upload, error)
	// LocatorNamed says whether a blob, an upload, released bytes or something in quarantine has the locator.
	LocatorNamed(locator string) (bool, error)
	// Garbage is what a collection at the time now would take, with uploads last changed before abandoned.
	Garbage(now, abandoned time.Time) (Garbage, error)
}

// ExpiredLayer is a row of a repository.
type ExpiredLayer struct {
	Repository int64
	Digest     ref.Digest
	Size       int64
}

// Tally is a number of things and of their bytes.
type Tally struct {
	Count int64 `json:"count"`
	Bytes int64 `json:"bytes"`
}

func (t *Tally) add(bytes int64) {
	t.Count++
	t.Bytes += bytes
}

func (t Tally) plus(u Tally) Tally { return Tally{t.Count + u.Count, t.Bytes + u.Bytes} }

// Garbage is what rows say that nobody needs.
type Garbage struct {
	Layers  Tally `json:"layers"`  // in repositories; those of other repositories may share their bytes
	Blobs   Tally `json:"blobs"`   // stored bytes that no layer uses any more
	Uploads Tally `json:"uploads"` // begun and abandoned
}
