package registry

import (
	"encoding/json"
	"time"

	"github.com/openecr/openecr/internal/ref"
)

// VerifyTx reads what the wires have no question for, and takes what is broken out of sight.
type VerifyTx interface {
	// LayersAfter are the layers of a repository whose digest comes after the given one, in order of digest keys, at most
	// limit.
	LayersAfter(repository int64, after ref.Digest, limit int) ([]Layer, error)
	// BlobsAfter is the same for blobs.
	BlobsAfter(after ref.Digest, limit int) ([]Blob, error)
	// CountBlobs reads all of them.
	CountBlobs() (Tally, error)
	// Holders are the repositories that have a layer of the digest.
	Holders(d ref.Digest) ([]int64, error)
	// LoseLayer takes a layer from its repository although images may reference it. To these it is absent then, and
	// InsertLayer gives it back to them. ErrAbsent.
	LoseLayer(repository int64, d ref.Digest) error
	// DeleteBlob needs all layers of the digest to be gone; the foreign key refuses it otherwise. ErrAbsent.
	DeleteBlob(d ref.Digest) error
	// InsertQuarantined keeps what was taken out of sight.
	InsertQuarantined(Quarantined) error
	// Quarantined are all of them, in the order in which they came.
	Quarantined() ([]Quarantined, error)
}

// Quarantined is a row that was taken out of sight because it is broken. Nothing of it is lost: an operator may find that
// the fault was elsewhere. Nobody ever deletes the bytes that it names.
type Quarantined struct {
	Kind    string          `json:"kind"`              // "blob", "layer", "image" or "tag"
	Locator string          `json:"locator,omitempty"` // of its bytes, where it has any
	Row     json.RawMessage `json:"row"`
	Why     string          `json:"why"`
	At      time.Time       `json:"at"`
}
