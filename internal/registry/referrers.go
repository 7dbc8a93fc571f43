package registry

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/openecr/openecr/internal/ref"
)

// The most that one answer lists. Annotations may be as long as a manifest, so their bytes are bounded too.
const (
	maxReferrers           = 100
	maxReferrerAnnotations = 1 << 20
)

// Referrer is an image that has another for its subject: a signature, a bill of materials.
type Referrer struct {
	Descriptor
	ArtifactType string // empty for an index that states none
	Annotations  map[string]string
}

// Referrers are images whose subject is the given one, which need not be there, in order of digest keys after the given
// one, and whether there are more. With artifactType only those of that type. Everybody may.
func (r *Registry) Referrers(ctx context.Context, p Path, subject ref.Digest, artifactType *string, after ref.Digest) (list []Referrer, more bool, err error) {
	err = r.meta.View(ctx, func(tx Tx) error {
		repo, err := openPublic(tx, p)
		if err != nil {
			return err
		}
		images, err := tx.Referrers(repo.ID, subject, artifactType, after, maxReferrers+1)
		if err != nil {
			return err
		}
		list, more, err = withAnnotations(tx, repo, images)
		return err
	})
	return list, more, err
}

// withAnnotations reads one manifest at a time, until the answer is full.
func withAnnotations(tx Tx, repo Repository, images []Image) (list []Referrer, more bool, err error) {
	size := 0
	for _, image := range images {
		if len(list) == maxReferrers || size >= maxReferrerAnnotations {
			return list, true, nil
		}
		full, err := tx.Image(repo.ID, image.Digest)
		if err != nil {
			return nil, false, err
		}
		var o object
		if err := json.Unmarshal(full.Manifest, &o); err != nil {
			return nil, false, fmt.Errorf("manifest %s is no longer what was accepted: %w", image.Digest, err)
		}
		referrer := Referrer{
			Descriptor:   Descriptor{Digest: image.Digest, Size: int64(len(full.Manifest)), MediaType: image.MediaType},
			ArtifactType: image.ArtifactType,
		}
		if err := o.read("annotations", &referrer.Annotations); err != nil {
			return nil, false, err
		}
		list = append(list, referrer)
		size += len(o["annotations"])
	}
	return list, false, nil
}
