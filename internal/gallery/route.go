package gallery

import (
	"strings"

	"github.com/openecr/openecr/internal/ref"
)

// place is which page an address leads to.
type place string

// The places. Their names are those of the pages in the log.
const (
	nowhere      place = "GalleryNotFound"
	atHome       place = "GalleryHome"       // /
	atSearch     place = "GallerySearch"     // /search
	atPublisher  place = "GalleryPublisher"  // /ALIAS
	atRepository place = "GalleryRepository" // /ALIAS/NAME, where NAME may have slashes
	atImage      place = "GalleryImage"      // /ALIAS/NAME:TAG and /ALIAS/NAME@DIGEST
	atAsset      place = "GalleryAsset"      // /-/assets/FILE
	atSitemap    place = "GallerySitemap"    // /sitemap.xml
	atRobots     place = "GalleryRobots"     // /robots.txt
	atSignIn     place = "GallerySignIn"     // /-/sign-in
	atSignOut    place = "GallerySignOut"    // /-/sign-out
	atOwn        place = "GalleryOwn"        // /-/repositories
	atManage     place = "GalleryManage"     // /-/repositories/NAME
	atActivity   place = "GalleryActivity"   // /-/activity
	atRegistry   place = "GalleryRegistry"   // /-/registry
)

const (
	assetPath    = "/-/assets/"
	searchPath   = "/search"
	signInPath   = "/-/sign-in"
	signOutPath  = "/-/sign-out"
	ownPath      = "/-/repositories"
	activityPath = "/-/activity"
	registryPath = "/-/registry"
)

// fixed are the addresses that are always the same.
var fixed = map[string]place{
	"/": atHome, searchPath: atSearch, "/sitemap.xml": atSitemap, "/robots.txt": atRobots,
	signInPath: atSignIn, signOutPath: atSignOut, ownPath: atOwn, activityPath: atActivity, registryPath: atRegistry,
}

// forOwners says whether a page is about what the visitor owns.
func (p place) forOwners() bool {
	return p == atOwn || p == atManage || p == atActivity || p == atRegistry
}

// takesForms says whether a page is sent forms.
func (p place) takesForms() bool { return p.forOwners() || p == atSignIn || p == atSignOut }

// route is an address, parsed. Members that its place does not have are zero; of Tag and Digest an image has one.
type route struct {
	Place  place
	Alias  ref.Alias
	Name   ref.RepositoryName
	Tag    ref.Tag
	Digest ref.Digest
	Asset  string
}

// parseRoute reads the path of a URL. What is no address of ours is nowhere.
func parseRoute(path string) route {
	if p, ok := fixed[path]; ok {
		return route{Place: p}
	}
	if name, ok := strings.CutPrefix(path, ownPath+"/"); ok {
		if name, err := ref.ParseRepositoryName(name); err == nil {
			return route{Place: atManage, Name: name}
		}
		return route{Place: nowhere}
	}
	if file, ok := strings.CutPrefix(path, assetPath); ok {
		return route{Place: atAsset, Asset: file}
	}
	first, rest, more := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	alias, err := ref.ParseAlias(first)
	if err != nil || !strings.HasPrefix(path, "/") {
		return route{Place: nowhere}
	}
	if !more {
		return route{Place: atPublisher, Alias: alias}
	}
	return parseRepository(alias, rest)
}

// parseRepository reads what follows the alias. A digest has a colon too, so it is looked for first.
func parseRepository(alias ref.Alias, rest string) route {
	q := route{Place: atRepository, Alias: alias}
	var err error
	if name, digest, ok := strings.Cut(rest, "@"); ok {
		q.Place, rest = atImage, name
		q.Digest, err = ref.ParseDigest(digest)
	} else if name, tag, ok := strings.Cut(rest, ":"); ok {
		q.Place, rest = atImage, name
		q.Tag, err = ref.ParseTag(tag)
	}
	if err != nil {
		return route{Place: nowhere}
	}
	if q.Name, err = ref.ParseRepositoryName(rest); err != nil {
		return route{Place: nowhere}
	}
	return q
}

// String is the path that parses to q. Every part of it is safe in a URL as it is.
func (q route) String() string {
	switch q.Place {
	case atManage:
		return managePath(q.Name)
	case atAsset:
		return assetPath + q.Asset
	case atPublisher:
		return "/" + string(q.Alias)
	case atRepository, atImage:
		path := "/" + string(q.Alias) + "/" + string(q.Name)
		if q.Tag != "" {
			return path + ":" + string(q.Tag)
		}
		if !q.Digest.IsZero() {
			return path + "@" + q.Digest.String()
		}
		return path
	default:
		for path, p := range fixed {
			if p == q.Place {
				return path
			}
		}
		return ""
	}
}

// The addresses that templates write.

func managePath(name ref.RepositoryName) string { return ownPath + "/" + string(name) }

func publisherPath(alias ref.Alias) string { return route{Place: atPublisher, Alias: alias}.String() }

func repositoryPath(alias ref.Alias, name ref.RepositoryName) string {
	return route{Place: atRepository, Alias: alias, Name: name}.String()
}

func tagPath(alias ref.Alias, name ref.RepositoryName, tag ref.Tag) string {
	return route{Place: atImage, Alias: alias, Name: name, Tag: tag}.String()
}

func digestPath(alias ref.Alias, name ref.RepositoryName, d ref.Digest) string {
	return route{Place: atImage, Alias: alias, Name: name, Digest: d}.String()
}
