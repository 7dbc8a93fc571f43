package registry

import (
	"time"

	"github.com/openecr/openecr/internal/ref"
)

// What visitors read. These verbs ask for no caller, because pulls are open to everybody; a private server lets nobody
// come this far without signing in. As in the real gallery, a repository without an image is not listed: it is found
// under its own address only.
//
// gallery_search.go finds repositories, gallery_home.go and gallery_repository.go are about lists and one repository,
// gallery_image.go about one image, gallery_compare.go about two, downloads.go counts pulls.

// ArtifactKind is what an image is for, as far as its media types say.
type ArtifactKind string

// The kinds of artifacts, in the order in which they are shown.
const (
	KindImage       ArtifactKind = "image"
	KindChart       ArtifactKind = "chart"
	KindSignature   ArtifactKind = "signature"
	KindSBOM        ArtifactKind = "sbom"
	KindAttestation ArtifactKind = "attestation"
	KindOther       ArtifactKind = "other"
)

// Publisher is a registry as visitors see it.
type Publisher struct {
	Account     ref.AccountID
	Alias       ref.Alias // the primary one
	DisplayName string    // what its owner calls it; the alias when that was never said
	Verified    bool
}

// Listing is a repository in a list.
type Listing struct {
	Publisher   Publisher
	Name        ref.RepositoryName
	Description string
	Logo        string // the address of a PNG image; empty when there is none
	// OperatingSystems ("Linux") and Architectures ("x86-64") are those of its images and those its owner named, in the
	// words of the API.
	OperatingSystems []string
	Architectures    []string
	Kinds            []ArtifactKind
	PushedAt         time.Time // of the newest image; zero when there is none
	Downloads        int64     // since it was made
}

// Home is what the first page shows.
type Home struct {
	Featured   []Listing // of verified publishers, most downloaded first; of all when nobody is verified
	Recent     []Listing // newest push first
	Publishers []Publisher
}

// PublisherPage is one page of a registry's listed repositories, by name.
type PublisherPage struct {
	Publisher Publisher
	Listings  []Listing
	Total     int
	Downloads int64 // of all its repositories
}

// RepositoryPage is a repository with everything that is said about it.
type RepositoryPage struct {
	Listing
	ID        int64
	URI       string // "127.0.0.1:8080/a1b2c3d4/team/app"
	CreatedAt time.Time
	About     string // Markdown, as its owner wrote it
	Usage     string // Markdown
	Images    int
	Tags      int
	Newest    *TagDetail    // the tag set last, of those that are no mere attachments; nil when there is none
	Daily     []DownloadDay // the last ChartDays days, oldest first, without gaps
}

// ChartDays is how many days of downloads a repository page shows.
const ChartDays = 90

// DownloadDay is the downloads of one day.
type DownloadDay struct {
	Day   time.Time // its beginning, UTC
	Count int64
}

// TagSort is an order of tags.
type TagSort string

// The orders of tags. The zero value is TagsByDate.
const (
	TagsByDate TagSort = "date" // set last first
	TagsByName TagSort = "name"
	TagsBySize TagSort = "size" // largest first
)

// TagQuery asks for one page of the tags of a repository.
type TagQuery struct {
	Text string // what names must contain, in any case; empty for all
	Sort TagSort
	Page int // the first is 1
	Size int // tags on a page, at least 1
}

// TagPage is one page of tags. Signatures and attestations that stand beside their image are not among the tags: they
// are folded into the image's row.
type TagPage struct {
	Tags  []TagRow
	Total int // tags on all pages
}

// TagRow is a tag as a visitor sees it.
type TagRow struct {
	TagDetail
	Kind      ArtifactKind
	Platforms []Platform   // of the image, or of those an index lists
	Attached  []Attachment // its signatures, bills of materials and attestations
}

// Platform is where an image runs, in the words of the OCI image spec: "linux", "arm64", "v8".
type Platform struct {
	OS           string
	OSVersion    string
	Architecture string
	Variant      string
}

// String is "linux/arm64/v8".
func (p Platform) String() string {
	s := p.OS + "/" + p.Architecture
	if p.Variant != "" {
		s += "/" + p.Variant
	}
	return s
}

// Attachment is an image that says something about another: as its referrer, or by a tag made of its digest as cosign
// does it ("sha256-….sig").
type Attachment struct {
	Kind         ArtifactKind
	Digest       ref.Digest
	Tag          ref.Tag // empty for a referrer without one
	MediaType    string
	ArtifactType string
	Size         int64
	PushedAt     time.Time
	Annotations  map[string]string
	// PredicateTypes are what its in-toto statements claim, as far as its layers' annotations say.
	PredicateTypes []string
}

// ImagePage is an image with all that can be read of it.
type ImagePage struct {
	Repository  Listing
	URI         string // of the repository
	Image       Image  // with its Manifest
	Kind        ArtifactKind
	Tags        []ref.Tag
	Annotations map[string]string
	Config      *ImageConfig   // nil for an index, and when the config is no image config
	Layers      []ImageLayer   // in the order in which they are applied; without the config
	Platforms   []PlatformItem // of an index, in its order
	Parents     []ref.Digest   // the indexes that list it
	Attached    []Attachment
	Downloads   int64 // by its tags, in the last DownloadDays days
}

// PlatformItem is one image that an index lists.
type PlatformItem struct {
	Platform  Platform // zero when the index does not say
	Digest    ref.Digest
	MediaType string
	Kind      ArtifactKind // an attestation that docker buildx lists beside its images is KindAttestation
	Size      int64
}

// ImageLayer is a layer of an image.
type ImageLayer struct {
	Descriptor
	Command string // that made it, by the config's history; empty when that does not say
	// Shared are other images of the repository that have the layer, at most MaxShared, and how many there are.
	Shared      []SharedImage
	SharedTotal int
}

// MaxShared is how many images that share a layer are named.
const MaxShared = 20

// SharedImage is an image that has a layer too.
type SharedImage struct {
	Digest ref.Digest
	Tags   []ref.Tag
}

// ImageConfig is how an image runs (OCI image spec, "OCI Image Configuration").
type ImageConfig struct {
	Platform     Platform
	Created      time.Time // zero when it does not say
	Author       string
	User         string
	WorkingDir   string
	StopSignal   string
	Entrypoint   []string
	Cmd          []string
	Env          []string // "NAME=value"
	ExposedPorts []string // "80/tcp", sorted
	Volumes      []string // sorted
	Labels       map[string]string
	History      []HistoryEntry
}

// HistoryEntry is one step of how an image was made.
type HistoryEntry struct {
	Created    time.Time
	CreatedBy  string // the command
	Comment    string
	EmptyLayer bool // it changed no file, so it has no layer
}

// Comparison is what changes from one image to another.
type Comparison struct {
	From, To ImagePage
	Added    []ImageLayer // in To only, in its order
	Removed  []ImageLayer // in From only
	Shared   []ImageLayer // in both, in the order of To
	// Fetch is how many bytes somebody who has From must pull to have To: layers and config.
	Fetch int64
}

// NewTag is a tag in a feed.
type NewTag struct {
	Registry ref.Alias
	Name     ref.RepositoryName
	Tag
	Size int64
}

// ListedRepository is an address of the sitemap.
type ListedRepository struct {
	ID       int64 // ascending; the next call goes on after it
	Alias    ref.Alias
	Name     ref.RepositoryName
	PushedAt time.Time
}
