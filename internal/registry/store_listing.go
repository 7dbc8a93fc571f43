package registry

import (
	"time"

	"github.com/openecr/openecr/internal/ref"
)

// ListingTx is what visitors look through: one row for every repository that has an image. It is derived from other
// rows, in the transactions that change these.
type ListingTx interface {
	// PutListing replaces the row of a repository. The repository must be there.
	PutListing(ListingRow) error
	ListingRow(repository int64) (ListingRow, error) // ErrAbsent
	// MarkPushed sets PushedAt and adds traits to those that are there. ErrAbsent.
	MarkPushed(repository int64, at time.Time, t Traits) error
	// MarkVerified sets Verified of all rows of an account.
	MarkVerified(id ref.AccountID, verified bool) error
	// DeleteListing with its document and tag words. It is nil when there is none.
	DeleteListing(repository int64) error
	// Listings of the given repositories, in any order, those without a row left out.
	Listings(repositories []int64) ([]Listed, error)
	// ListedAfter are at most limit listed repositories whose id comes after the given one, by id.
	ListedAfter(repository int64, limit int) ([]ListedRepository, error)
	// ListedOf are the ids of all listed repositories of an account.
	ListedOf(id ref.AccountID) ([]int64, error)
	// CountListed says how many listed repositories an account has, and how often they were downloaded together.
	CountListed(id ref.AccountID) (repositories int, downloads int64, err error)
	// Unlisted are at most limit repositories that have an image and no row and whose id comes after the given one, by id.
	Unlisted(after int64, limit int) ([]Repository, error)
	// Publishers that have a listed repository and are verified, or are not, by id, at most limit.
	Publishers(verified bool, limit int) ([]Publisher, error)

	// PutFace says what an image looks like in lists. The image must be there.
	PutFace(repository int64, f Face) error
	// Faces among images that the repository has, in any order.
	Faces(repository int64, images []ref.Digest) ([]Face, error)
	// RepositoryTraits are those of all its images together, and when the newest was pushed.
	RepositoryTraits(repository int64) (Traits, time.Time, error)
}

// ListingRow is what results are filtered and ordered by.
type ListingRow struct {
	Repository int64
	Account    ref.AccountID
	Name       ref.RepositoryName
	Traits     Traits
	Verified   bool
	PushedAt   time.Time // when an image or tag was last put; when the listing was made anew, an image
	Downloads  int64
}

// Listed is a row with what a list shows beside it. The DisplayName is empty when it was never set.
type Listed struct {
	ListingRow
	Publisher Publisher
	Catalog   Catalog
}

// Face is what lists show of an image, so that nobody reads its config for them.
type Face struct {
	Image     ref.Digest
	Traits    Traits
	Platforms []Platform
}

// Traits are what visitors filter by, as sets of numbers below 63: see traits.go for what they mean.
type Traits struct {
	Systems       int64
	Architectures int64
	Kinds         int64
}

func (t Traits) and(other Traits) Traits {
	return Traits{t.Systems | other.Systems, t.Architectures | other.Architectures, t.Kinds | other.Kinds}
}

// SearchTx is a full-text index over listed repositories. Words are in lower case and hold letters, digits and '.'.
type SearchTx interface {
	// PutDocument replaces the words of a repository.
	PutDocument(repository int64, d Document) error
	// AddTagWords counts words up that tags of the repository have, and returns those that it did not have before.
	AddTagWords(repository int64, words []string) (fresh []string, err error)
	// RemoveTagWords counts them down, and returns those that it has no longer.
	RemoveTagWords(repository int64, words []string) (gone []string, err error)
	// TagWords are those that most tags have, at most limit.
	TagWords(repository int64, limit int) ([]string, error)
	// SimilarWords are words of documents, Name and Words but not Text, that have 5 to 24 characters, at most 2 of them
	// no letters, and become the given one by a single slip: a letter too few, too many, another one, or two swapped.
	SimilarWords(word string) ([]string, error)
	// FindListed are the ids of at most limit repositories that match, in that order.
	FindListed(m Match, o ListingOrder, limit int) ([]int64, error)
	// CountTraits looks at no more than limit of the repositories that match.
	CountTraits(m Match, limit int) ([]TraitCount, error)
}

// Document is the words under which a repository is found.
type Document struct {
	Name  []string
	Words []string // of its publisher, description and tags
	Text  []string // of what its owner says at length
}

// Match says which listings are wanted. What is zero asks for nothing.
type Match struct {
	Terms    []Term // every one must be found
	InName   bool   // and in the name
	Named    string // the name, or what comes after its last '/', is this; with Prefix, the latter begins with it
	Prefix   bool
	Account  ref.AccountID
	Verified bool
	Traits   Traits // of each set that is not empty at least one
}

// Term is found where a word begins with Prefix or is one of Words.
type Term struct {
	Prefix string
	Words  []string
}

// ListingOrder of ids; equal ones by id.
type ListingOrder uint8

// The orders.
const (
	OrderDownloads ListingOrder = iota // most first
	OrderPushed                        // newest first
	OrderName
)

// TraitCount is how many listings have exactly these traits.
type TraitCount struct {
	Traits   Traits
	Verified bool
	Count    int
}
