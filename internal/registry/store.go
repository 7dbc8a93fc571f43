package registry

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"

	"github.com/openecr/openecr/internal/ref"
)

// What a store answers when a row is not as the caller hoped. Stores wrap them; everything else is a failure of the
// store itself.
var (
	// ErrAbsent: the row that was asked for, or was to be changed, is not there.
	ErrAbsent = errors.New("absent")
	// ErrConflict: a row with that key is there already, or it changed since the caller read it.
	ErrConflict = errors.New("conflict")
)

// Meta holds everything but the bytes of layers: it is the truth about what is in the registry. Package sqlmeta
// implements it; suite registrytest.TestMeta is the contract as code.
//
// Texts are valid UTF-8 without zero bytes; only what goes into JSON may hold those. Asked for another text, a store has no
// such row. All times are UTC with millisecond precision. Lists come in ascending byte order of their key.
type Meta interface {
	// View runs fn over one consistent snapshot. Writing through tx is an error. fn may run more than once, see Update.
	View(ctx context.Context, fn func(tx Tx) error) error

	// Snapshot is View that waits for an instant at which no update is under way that may still be committed without having
	// seen what the view sees: it is the whole outcome of all updates that count as earlier.
	Snapshot(ctx context.Context, fn func(tx Tx) error) error

	// ViewStale is View for pulls, over a copy that may lag behind where the store has one. When fn fails there, be it that
	// something is missing, it runs again over the truth.
	ViewStale(ctx context.Context, fn func(tx Tx) error) error

	// Update runs fn in one transaction and returns nil only once that is synced to disk. When fn fails, nothing of it
	// stays, and its error comes back as it is. The transaction is serialisable: what fn read is still true at commit.
	//
	// fn may run more than once (a store may retry a serialisation failure) and other callers may wait for it, so it
	// does no I/O but tx and sets variables outside itself only as the last thing, by plain assignment. When the
	// context ends before fn starts, nothing happens; once fn has run the outcome is reported whatever the context says.
	// ErrUnsettled when that is not known.
	Update(ctx context.Context, fn func(tx Tx) error) error

	// FindLayers answers the registry's hottest question in one statement: the repository without its catalog, and those
	// of its layers that are among digests, in any order. ErrAbsent when the repository does not exist. registry is an account id or an alias.
	FindLayers(ctx context.Context, registry string, name ref.RepositoryName, digests []ref.Digest) (Repository, []Layer, error)

	Close() error
}

// Tx is a view of the metadata at one instant. It is valid inside the function it was given to, on that goroutine.
type Tx interface {
	AccountTx
	AliasTx
	AccessKeyTx
	RepositoryTx
	CatalogTx
	LayerTx
	UploadTx
	ImageTx
	TagTx
	JobTx
	CollectTx
	VerifyTx
	StatisticsTx
	TransferTx
	ReadOnlyTx
	ListingTx
	SearchTx
	GalleryTx
	DownloadTx
	EventTx
	WebhookTx
}

// AccountTx is accounts, and the settings that all of them share.
type AccountTx interface {
	Account(id ref.AccountID) (Account, error) // ErrAbsent
	// Accounts are all of them, by id: they are made by hand, so there are few.
	Accounts() ([]Account, error)
	InsertAccount(Account) error // ErrConflict
	// UpdateAccount replaces Disabled and Verified. ErrAbsent.
	UpdateAccount(Account) error
	// DeleteAccount with its aliases, access keys, Profile, events and webhooks. The caller has checked that it has no repositories; the
	// foreign key refuses it otherwise. ErrAbsent.
	DeleteAccount(id ref.AccountID) error
	// Setting reads a value that the whole registry shares, such as its sealed token key. ErrAbsent.
	Setting(name string) ([]byte, error)
	// InsertSetting keeps the first value ever given: ErrConflict when there is one.
	InsertSetting(name string, value []byte) error
	// PutSetting makes the setting or replaces its value.
	PutSetting(name string, value []byte) error
}

// AliasTx is under which names registries are reached.
type AliasTx interface {
	// Aliases of an account, by name.
	Aliases(id ref.AccountID) ([]Alias, error)
	Alias(name ref.Alias) (Alias, error) // ErrAbsent
	InsertAlias(Alias) error             // ErrConflict
	// SetPrimaryAlias makes it the primary one of its account, in place of the one before. ErrAbsent.
	SetPrimaryAlias(name ref.Alias) error
	DeleteAlias(name ref.Alias) error // ErrAbsent
}

// AccessKeyTx is who may sign.
type AccessKeyTx interface {
	AccessKey(id string) (AccessKey, error) // ErrAbsent
	// AccessKeys of an account, by id.
	AccessKeys(id ref.AccountID) ([]AccessKey, error)
	InsertAccessKey(AccessKey) error // ErrConflict
	// UpdateAccessKey replaces Policy and Disabled. ErrAbsent.
	UpdateAccessKey(AccessKey) error
	DeleteAccessKey(id string) error // ErrAbsent
}

// RepositoryTx is repositories by name. An id is never used twice, not even after its repository was deleted, so
// caches keyed by it cannot answer for another repository.
type RepositoryTx interface {
	// Repository by account id or alias and name. ErrAbsent.
	Repository(registry string, name ref.RepositoryName) (Repository, error)
	// Repositories of an account whose name comes after the given one, at most limit.
	Repositories(id ref.AccountID, after ref.RepositoryName, limit int) ([]Repository, error)
	// InsertRepository ignores ID and Alias and returns the new id. ErrConflict.
	InsertRepository(Repository) (int64, error)
	// UpdateRepository replaces what an owner may change: Catalog, Policy and Tags. ErrAbsent.
	UpdateRepository(Repository) error
	// CountRepositories of an account. It may stop counting at limit.
	CountRepositories(id ref.AccountID, limit int) (int, error)
	// DeleteRepository with all its images, tags, layers, uploads and its logo. The bytes of layers stay until they are
	// collected. ErrAbsent.
	DeleteRepository(id int64) error
}

// CatalogTx is what the gallery shows beside the rows of repositories.
type CatalogTx interface {
	// Profile is what the owner of a registry has said about it; zero when that is nothing.
	Profile(id ref.AccountID) (Profile, error)
	// PutProfile replaces it. The account must be there.
	PutProfile(id ref.AccountID, d Profile) error
	// Logo is a PNG image. ErrAbsent.
	Logo(id string) ([]byte, error)
	// InsertLogo keeps an image under a fresh id until its repository goes. ErrConflict.
	InsertLogo(id string, repository int64, image []byte) error
	DeleteLogo(id string) error // ErrAbsent
}

// LayerTx is the layers of a repository and the stored bytes beneath them.
type LayerTx interface {
	Layer(repository int64, d ref.Digest) (Layer, error) // ErrAbsent
	// Layers among digests that the repository has, in any order.
	Layers(repository int64, digests []ref.Digest) ([]Layer, error)
	// InsertLayer needs the Blob of the same digest to be there. Images that named the layer as Absent refer to it from
	// now on, as if it had been there before them. ErrConflict.
	InsertLayer(repository int64, l Layer) error
	// KeepLayers promises layers until the given time. Layers that an image references, or that are promised for longer
	// already, stay as they are.
	KeepLayers(repository int64, digests []ref.Digest, until time.Time) error
	// DeleteLayer takes the layer from its repository; its bytes stay until they are collected. The caller has checked
	// that no image references it; the foreign key refuses it otherwise. ErrAbsent.
	DeleteLayer(repository int64, d ref.Digest) error
	Blob(d ref.Digest) (Blob, error) // ErrAbsent
	InsertBlob(Blob) error           // ErrConflict
}

// UploadTx is layer uploads that have begun and not ended.
type UploadTx interface {
	Upload(id string) (Upload, error) // ErrAbsent
	InsertUpload(Upload) error        // ErrConflict
	// AdvanceUpload replaces what changes with a part: Offset, BlobState, HashState, LastPart, LastState, Parts, ShortPart,
	// UpdatedAt. ErrConflict when the stored offset is not from: of two writers at one offset only the first gets through.
	// ErrAbsent.
	AdvanceUpload(u Upload, from int64) error
	// AllotPart counts Allotted up and returns it: 1, 2, 3, … whoever asks. It sets UpdatedAt, so that an upload is not
	// abandoned while a part takes long. ErrAbsent.
	AllotPart(id string, at time.Time) (int, error)
	DeleteUpload(id string) error // ErrAbsent
}

// ImageTx is the images of a repository. Images are read without Manifest, Layers and Children unless said otherwise.
type ImageTx interface {
	// Image with its Manifest. ErrAbsent.
	Image(repository int64, d ref.Digest) (Image, error)
	// Images whose digest comes after the given one in order of digest keys, at most limit.
	Images(repository int64, after ref.Digest, limit int) ([]Image, error)
	// ImagesByDigest are those among digests that the repository has, in any order.
	ImagesByDigest(repository int64, digests []ref.Digest) ([]Image, error)
	// InsertImage records the image with its references, takes its layers out of collection (zero KeepUntil) and gives
	// them the media type that this image states. A layer or child that is not in the repository fails it: foreign keys
	// hold what PutImage has checked. ErrConflict.
	InsertImage(repository int64, i Image) error
	// DeleteImage and its tags. Layers that no image references any more get keepUntil. The caller has checked that no
	// index lists the image; the foreign key refuses it otherwise. ErrAbsent.
	DeleteImage(repository int64, d ref.Digest, keepUntil time.Time) error
	// CountImages of a repository. It costs the same however many there are.
	CountImages(repository int64) (int, error)
	// ImageParents are the indexes that list the image.
	ImageParents(repository int64, d ref.Digest) ([]ref.Digest, error)
	// Referrers are the images with that subject, which itself may be absent, whose digest comes after the given one in
	// order of digest keys, at most limit. With artifactType only those of exactly that ArtifactType, which may be empty.
	Referrers(repository int64, subject ref.Digest, artifactType *string, after ref.Digest, limit int) ([]Image, error)
}

// TagTx is the tags of a repository.
type TagTx interface {
	Tag(repository int64, name ref.Tag) (Tag, error) // ErrAbsent
	// Tags whose name comes after the given one, at most limit; all of them when limit is 0.
	Tags(repository int64, after ref.Tag, limit int) ([]Tag, error)
	// TagsOf the given images, by name.
	TagsOf(repository int64, images []ref.Digest) ([]Tag, error)
	// PutTag makes the tag, or moves it and sets its CreatedAt anew. The image must be there.
	PutTag(repository int64, t Tag) error
	DeleteTag(repository int64, name ref.Tag) error // ErrAbsent
}

// Blobs holds bytes under locators. A locator is 32 lower-case hex digits, random and never used again, so bytes under
// one locator are written by one upload and then only read or deleted: collection and de-duplication never meet.
// Packages blobfs and blobs3 implement it; suite registrytest.TestBlobs is the contract as code.
//
// An upload is passed as it was last recorded. Within a process the core calls Append, Finish and Discard of one upload
// one at a time. A store that several processes share bears them at the same time and in any order, also from a process
// that was overtaken and does not know it: what a call returned and the core recorded stays whole, whatever another call
// for the same upload does. A context that has ended fails a call and changes nothing.
type Blobs interface {
	// Append adds r, to its end, behind the u.Offset bytes that are recorded, and returns what to record once all of it is
	// durable. The first Append has Offset 0 and no State. Bytes of an Append that failed, or whose result was not
	// recorded, are left out. Recorded bytes that are missing are ErrAbsent, and so may be an upload that was finished: it
	// cannot go on. An error of r comes back as it is, wrapped.
	Append(ctx context.Context, u Unfinished, r io.Reader, allot Allot) (Unfinished, error)

	// Finish makes the recorded bytes, none included, readable as a whole and unchangeable under the locator that it
	// returns, which may be another than u.Locator. It may be called again, and may then return yet another locator.
	// Recorded bytes that are missing are ErrAbsent.
	Finish(ctx context.Context, u Unfinished, allot Allot) (locator string, err error)

	// Put stores r, to its end, as a whole: Append and Finish of an upload that nobody else knows, so it takes a locator
	// that was never used and returns where the bytes are and how many. A failure or a crash leaves nothing that counts:
	// what is left is under a locator that no row names, for collection.
	Put(ctx context.Context, locator string, r io.Reader) (stored string, size int64, err error)

	// Discard removes what only the unfinished upload needed. Finished bytes stay. It is a courtesy: what it does not
	// find or cannot remove is collected. Without a State it removes all that List calls a Leftover.
	Discard(ctx context.Context, u Unfinished) error

	// Open reads finished bytes; ctx must last as long as the reader. Bytes that are not finished may be ErrAbsent, like
	// those that are not there.
	Open(ctx context.Context, locator string) (io.ReadSeekCloser, error)

	// Delete removes all that is under the locator, finished or not. It is nil when that is nothing.
	Delete(ctx context.Context, locator string) error

	// List yields everything that is stored, in no order. It stops at the first error.
	List(ctx context.Context) iter.Seq2[Stored, error]
}

// Unfinished is an upload as its row says.
type Unfinished struct {
	Locator string
	Offset  int64
	State   []byte // the store's own notes about those bytes: whatever Append last returned, nil at the beginning
}

// Allot gives a number that this upload was never given before, ascending from 1. It costs a transaction. ErrAbsent when
// the upload has ended.
type Allot func(ctx context.Context) (int, error)

// Stored is what a store of bytes knows about one locator. An unfinished upload may come in several pieces, each with the
// locator, and a Size of 0 where the store would have to ask further. ChangedAt is by the store's clock.
type Stored struct {
	Locator   string
	Size      int64
	ChangedAt time.Time
	// Leftover is a piece of an upload beside the finished bytes of the same locator: nobody needs it any more.
	Leftover bool
}

// Account owns one registry, whose id is the account id.
type Account struct {
	ID        ref.AccountID
	Disabled  bool // none of its keys signs; what it has pushed can still be pulled
	Verified  bool // the operator vouches for it, and the gallery says so
	CreatedAt time.Time
}

// Alias leads to the registry of an account. Every account has one default alias, made with it; exactly one of its
// aliases is primary: the one that repository URIs show.
type Alias struct {
	Name      ref.Alias
	Account   ref.AccountID
	Default   bool
	Primary   bool
	CreatedAt time.Time
}

// AccessKey signs API calls for an account. The secret is sealed; package auth opens it.
type AccessKey struct {
	ID           string
	Account      ref.AccountID
	User         string // whose key it is, in ARNs; empty for the root user
	Policy       string // an identity policy; without one the key may do everything in its account
	SealedSecret []byte
	Disabled     bool
	CreatedAt    time.Time
}

// ARN names who signs with the key.
func (k AccessKey) ARN() string {
	if k.User == "" {
		return ref.RootARN(k.Account)
	}
	return ref.UserARN(k.Account, k.User)
}

// Repository holds images. Alias is the primary alias of its registry.
type Repository struct {
	ID        int64
	Account   ref.AccountID
	Alias     ref.Alias
	Name      ref.RepositoryName
	CreatedAt time.Time
	Catalog   Catalog
	Policy    string // who may do what with it, as the API prints it; empty for none
	Tags      []ResourceTag
}

// Profile is what its owner says about a whole registry.
type Profile struct {
	DisplayName *string // nil when it was never set
	Tags        []ResourceTag
}

// Catalog is what the gallery shows about a repository. Nil members were never set.
type Catalog struct {
	Description      *string  `json:"description,omitzero"`
	Architectures    []string `json:"architectures,omitzero"`
	OperatingSystems []string `json:"operatingSystems,omitzero"`
	About            *string  `json:"about,omitzero"`
	Usage            *string  `json:"usage,omitzero"`
	Logo             string   `json:"logo,omitzero"` // the id of its image
	LogoFile         []byte   `json:"-"`             // on the way in: the image to become the logo, as the owner sent it
	KeepLogo         bool     `json:"-"`             // on the way in: without LogoFile the logo stays that is there
}

// ResourceTag is a label on a repository or registry, not to be confused with an image tag.
type ResourceTag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Layer says that a repository has the bytes of a digest. KeepUntil is zero while an image of the repository references
// the layer; otherwise collection may take it from that time on (invariant 2 in ARCHITECTURE.md).
type Layer struct {
	Digest    ref.Digest
	Size      int64
	MediaType string
	KeepUntil time.Time
}

// Blob says where the bytes of a digest lie. Layers of any number of repositories share one blob.
type Blob struct {
	Digest    ref.Digest
	Size      int64
	Locator   string
	CreatedAt time.Time
}

// Upload is a layer on its way. Offset, BlobState and HashState are one row, written after the bytes they speak of are
// durable, so they always agree with each other.
type Upload struct {
	ID         string
	Repository int64
	Locator    string
	Offset     int64  // bytes accepted so far
	BlobState  []byte // what Blobs notes about those bytes
	Allotted   int    // the last number that AllotPart gave
	Algorithm  ref.Algorithm
	HashState  []byte // of the running hash by Algorithm over those bytes, as encoding.BinaryMarshaler gives it
	LastPart   int64  // offset at which the last accepted part began
	LastState  []byte // the HashState before that part
	Parts      int    // how many were accepted
	ShortPart  bool   // a part that is not the last has less than 5 MiB
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

func (u Upload) unfinished() Unfinished {
	return Unfinished{Locator: u.Locator, Offset: u.Offset, State: u.BlobState}
}

// Image is a manifest that was accepted. Size is what the API calls imageSizeInBytes: config and layers, for an index
// the largest of its images.
type Image struct {
	Digest            ref.Digest
	MediaType         string
	ArtifactMediaType string // of the config
	ArtifactType      string // what the manifest says it is, or else that of the config: by it referrers are told apart
	Manifest          []byte
	Size              int64
	PushedAt          time.Time
	Subject           ref.Digest   // zero when it refers to none
	Layers            []Descriptor // config first; only those whose bytes the registry must hold
	Children          []ref.Digest // the images an index lists
	Absent            []Descriptor // from PutImage only: foreign layers whose bytes nobody had pushed by then
}

// Descriptor is a reference to a layer inside a manifest.
type Descriptor struct {
	Digest    ref.Digest
	Size      int64
	MediaType string
}

// Tag names an image. CreatedAt is when it was last set.
type Tag struct {
	Name      ref.Tag
	Image     ref.Digest
	CreatedAt time.Time
}
