package registry

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/openecr/openecr/internal/ref"
)

// Kind says what went wrong, once for both wires: ecrapi maps it to an exception, ociapi to an error code of the
// distribution spec. A test in each package holds that its table has every kind.
type Kind uint8

// The kinds. An error without one is internal: its text goes to the log and never to a client.
const (
	Internal Kind = iota
	InvalidParameter
	AccessDenied
	RegistryNotFound
	RepositoryNotFound
	RepositoryAlreadyExists
	RepositoryNotEmpty
	PolicyNotFound
	InvalidResourceTag
	TooManyResourceTags
	LayerNotFound
	LayerAlreadyExists
	InvalidDigest // the digest's algorithm is unknown when an upload is finished with it
	InvalidLayer  // the bytes do not have the digest
	UploadNotFound
	InvalidLayerPart
	LayerPartTooSmall
	EmptyUpload
	InvalidManifest
	ImageNotFound
	ImageAlreadyExists
	ImageDigestDoesNotMatch
	LayersNotFound
	ReferencedImagesNotFound
	Referenced // an image or index needs what should be deleted
	LimitExceeded
	ReadOnly   // for a while, by the operator's wish
	Overloaded // too much of this work runs and waits; package app decides that
	NoRoom     // the disk is nearly full, so nothing is added; package app watches it
	numKinds
)

// Kinds are all but Internal, for the tests of the two error tables.
func Kinds() []Kind {
	all := make([]Kind, 0, numKinds-1)
	for k := Internal + 1; k < numKinds; k++ {
		all = append(all, k)
	}
	return all
}

// Error is a refusal that a client may read. Message is in the words of the real service where these are known.
type Error struct {
	Kind    Kind
	Message string

	// Upload is set for InvalidLayerPart: where the upload stands, so that the client can go on from there.
	Upload *Upload
	// Repository is set for InvalidLayerPart, which repeats it to the client: by account id, however the client named it.
	Repository Path
}

func (e *Error) Error() string { return e.Message }

// KindOf is the kind of err, Internal when it has none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// RetryAfter is how many seconds to wait before asking again; 0 where that would not help.
func (k Kind) RetryAfter() int {
	switch k {
	case ReadOnly, NoRoom:
		return 30 // somebody has to end it
	case Overloaded:
		return 1 // the request has waited for a place already
	default:
		return 0
	}
}

func errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// invalid is the frame in which the service names a parameter that breaks a rule.
func invalid(path, constraint string) *Error {
	return errorf(InvalidParameter, "Invalid parameter at '%s' failed to satisfy constraint: '%s'", path, constraint)
}

// digestList prints digests as the service does: "[a, b]".
func digestList(digests []ref.Digest) string {
	texts := make([]string, len(digests))
	for i, d := range digests {
		texts[i] = d.String()
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

func repositoryNotFound(p Path) *Error {
	return errorf(RepositoryNotFound, "The repository with name '%s' does not exist in the registry with id '%s'", p.Name, p.Registry)
}

func registryNotFound(p Path) *Error {
	return errorf(RegistryNotFound, "The registry with id '%s' does not exist", p.Registry)
}

func uploadNotFound(p Path, id string) *Error {
	return errorf(UploadNotFound, "The upload with id '%s' in the repository with name '%s' in the registry with id '%s' does not exist", id, p.Name, p.Registry)
}

func layerNotFound(p Path, d ref.Digest) *Error {
	return errorf(LayerNotFound, "The layer with digest %s does not exist within the repository with name '%s' in the registry with id '%s'", d, p.Name, p.Registry)
}

// imageNotFound prints the absent half of an image id as the service does, as the word null in quotes.
func imageNotFound(p Path, id ImageID) *Error {
	return errorf(ImageNotFound, "The image with imageId {imageDigest:'%s', imageTag:'%s'} does not exist within the repository with name '%s' in the registry with id '%s'",
		cmp.Or(id.Digest, "null"), cmp.Or(id.Tag, "null"), p.Name, p.Registry)
}
