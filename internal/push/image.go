package push

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/openecr/openecr/internal/ref"
)

// The manifests that are understood (OCI image spec 1.1; docker image manifest version 2, schema 2).
const (
	mediaTypeOCIManifest    = "application/vnd.oci.image.manifest.v1+json"
	mediaTypeOCIIndex       = "application/vnd.oci.image.index.v1+json"
	mediaTypeDockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	mediaTypeDockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
)

// An Image is what a push of one image, or of one index with all its images, consists of.
type Image struct {
	blobs     []Blob     // layers and configurations, each digest once
	manifests []manifest // each after those it names; the last is the image itself
	source    source
}

type manifest struct {
	Blob
	mediaType string
}

// OpenImage reads what an image consists of from an OCI image layout (a directory, or a tar file of it) or from a tar
// file of docker save. Contents stay in the file, which stays open until Close. Where the file has several images, name
// chooses one: by a name that the file gives it or by its digest; otherwise name may be empty.
//
// Manifests are compared with their digests here, other blobs with their sizes; their digests are compared when they
// are sent.
func OpenImage(ctx context.Context, file, name string) (*Image, error) {
	s, err := openSource(file)
	if err != nil {
		return nil, err
	}
	image, err := readImage(ctx, s, name)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", file, err), s.Close())
	}
	return image, nil
}

func readImage(ctx context.Context, s source, name string) (*Image, error) {
	index, err := readDocument(s, "index.json")
	if err == nil {
		return readLayout(s, index, name)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	list, err := readDocument(s, "manifest.json")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("it has neither an index.json nor a manifest.json, so it is neither an OCI image layout nor an archive of docker save")
	}
	if err != nil {
		return nil, err
	}
	return readArchive(ctx, s, list, name)
}

// Digest is that of the manifest or index.
func (i *Image) Digest() ref.Digest { return i.manifests[len(i.manifests)-1].Digest }

// Close lets go of the file.
func (i *Image) Close() error { return i.source.Close() }

// choose finds the one image that is meant among the n of a file. names(i) are what the file calls the i-th; same tells
// whether two are the same image.
func choose(n int, name string, names func(int) []string, same func(i, j int) bool) (int, error) {
	found, several := -1, false
	var all []string
	for i := range n {
		all = append(all, names(i)...)
		if name != "" && !isOneOf(name, names(i)) {
			continue
		}
		several = several || found >= 0 && !same(found, i)
		found = i
	}
	switch {
	case n == 0:
		return 0, errors.New("it has no image")
	case several:
		return 0, fmt.Errorf("it has several images that this could be: choose one by its name or digest (%s)", list(all))
	case found < 0:
		return 0, fmt.Errorf("it has no image %q: there are %s", name, list(all))
	}
	return found, nil
}

// isOneOf also takes the short form of a name that docker completes: "hello:1" for "docker.io/library/hello:1".
func isOneOf(name string, names []string) bool {
	for _, n := range names {
		if n == name || strings.TrimPrefix(strings.TrimPrefix(n, "docker.io/"), "library/") == name {
			return true
		}
	}
	return false
}

// list prints names, but not more of them than a person reads.
func list(names []string) string {
	const most = 10
	if len(names) > most {
		names = append(names[:most:most], "…")
	}
	return strings.Join(names, ", ")
}
