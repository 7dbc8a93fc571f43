package registry

import (
	"time"

	"github.com/openecr/openecr/internal/ref"
)

// GalleryTx reads what only visitors ask for.
type GalleryTx interface {
	// FindTags of a repository whose name has text in it in any case, in an order, at most limit after the first offset.
	// Tags that begin with "sha256-" and a whole digest are left out: they stand for other images.
	FindTags(repository int64, text string, sort TagSort, offset, limit int) ([]Tag, error)
	// CountTags that FindTags has with that text.
	CountTags(repository int64, text string) (int, error)
	// TagsNamed are those among names that the repository has, in any order.
	TagsNamed(repository int64, names []ref.Tag) ([]Tag, error)
	// ReferrersOf are the images that have one of the given ones for their subject, in any order, at most limit.
	ReferrersOf(repository int64, subjects []ref.Digest, limit int) ([]Image, error)
	// ImagesWithLayer of a repository, by digest, at most limit.
	ImagesWithLayer(repository int64, layer ref.Digest, limit int) ([]ref.Digest, error)
	// CountImagesWithLayer may stop counting at limit.
	CountImagesWithLayer(repository int64, layer ref.Digest, limit int) (int, error)
}

// DownloadTx counts pulls.
type DownloadTx interface {
	// AddDownloads to a day of a tag and to the total of the repository, as its listing has it. Repositories that are
	// gone are left out.
	AddDownloads([]Download) error
	// DownloadsByDay of a repository from the given day on, by day.
	DownloadsByDay(repository int64, from time.Time) ([]DownloadDay, error)
	// DownloadsOf the given tags since days were kept; the empty tag is what was pulled by digest alone.
	DownloadsOf(repository int64, tags []ref.Tag) (int64, error)
	// DownloadTotal of a repository since it was made.
	DownloadTotal(repository int64) (int64, error)
	// DeleteDownloadDays before the given one, at most limit rows, and says how many. Totals stay.
	DeleteDownloadDays(before time.Time, limit int) (int, error)
}

// Download is how often a tag was pulled on a day.
type Download struct {
	Repository int64
	Tag        ref.Tag   // empty for a pull by digest
	Day        time.Time // its beginning, UTC
	Count      int64
}
