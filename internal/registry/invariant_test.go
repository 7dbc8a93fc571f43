package registry_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// checkInvariants reads the whole registry: every tag has its image, every image its layers and children, every layer
// its blob and bytes with that digest, and exactly the layers without an image are open to collection.
func (f *fixture) checkInvariants() {
	f.Helper()
	err := f.meta.View(context.Background(), func(tx registry.Tx) error {
		for _, account := range []ref.AccountID{owner.Account, stranger.Account} {
			repos, err := tx.Repositories(account, "", 1000)
			if err != nil {
				return err
			}
			for _, repo := range repos {
				if err := f.checkRepository(tx, repo); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		f.Error(err)
	}
}

func (f *fixture) checkRepository(tx registry.Tx, repo registry.Repository) error {
	images, err := tx.Images(repo.ID, ref.Digest{}, 10_000)
	if err != nil {
		return err
	}
	present := make(map[ref.Digest]bool, len(images))
	for _, i := range images {
		present[i.Digest] = true
	}
	tags, err := tx.Tags(repo.ID, "", 0)
	if err != nil {
		return err
	}
	for _, t := range tags {
		if !present[t.Image] {
			f.Errorf("%s: tag %s has no image %s", repo.Name, t.Name, t.Image)
		}
	}
	referenced := make(map[ref.Digest]bool)
	for d := range present {
		if err := f.checkImage(tx, repo, d, present, referenced); err != nil {
			return err
		}
	}
	for d := range f.known {
		if err := f.checkLayer(tx, repo, d, referenced[d]); err != nil {
			return err
		}
	}
	return nil
}

// checkImage adds the layers that the image must have to referenced.
func (f *fixture) checkImage(tx registry.Tx, repo registry.Repository, d ref.Digest, present, referenced map[ref.Digest]bool) error {
	image, err := tx.Image(repo.ID, d)
	if err != nil {
		return err
	}
	if got := ref.DigestBytes(d.Algorithm(), image.Manifest); got != d {
		f.Errorf("%s: manifest of image %s has the digest %s", repo.Name, d, got)
	}
	for _, child := range named(image.Manifest, "manifests") {
		if !present[child] {
			f.Errorf("%s: index %s lists image %s, which is not there", repo.Name, d, child)
		}
	}
	for _, layer := range append(named(image.Manifest, "layers"), named(image.Manifest, "config")...) {
		referenced[layer] = true
		if _, err := tx.Layer(repo.ID, layer); err != nil {
			f.Errorf("%s: image %s has no layer %s: %v", repo.Name, d, layer, err)
		}
	}
	return nil
}

// named are the digests in a member of a manifest, without those of foreign layers. It does not share code with what it
// checks.
func named(manifest []byte, member string) []ref.Digest {
	type content struct{ Digest, MediaType string }
	var members map[string]json.RawMessage
	_ = json.Unmarshal(manifest, &members)
	var many []content
	if json.Unmarshal(members[member], &many) != nil {
		many = make([]content, 1)
		_ = json.Unmarshal(members[member], &many[0])
	}
	var digests []ref.Digest
	for _, c := range many {
		if d, err := ref.ParseDigest(c.Digest); err == nil && !strings.Contains(c.MediaType, "foreign") {
			digests = append(digests, d)
		}
	}
	return digests
}

func (f *fixture) checkLayer(tx registry.Tx, repo registry.Repository, d ref.Digest, referenced bool) error {
	layer, err := tx.Layer(repo.ID, d)
	if errors.Is(err, registry.ErrAbsent) {
		return nil
	}
	if err != nil {
		return err
	}
	if layer.KeepUntil.IsZero() != referenced {
		f.Errorf("%s: layer %s is referenced: %v, but kept until %v", repo.Name, d, referenced, layer.KeepUntil)
	}
	blob, err := tx.Blob(d)
	if err != nil {
		return err
	}
	r, err := f.store.Open(context.Background(), blob.Locator)
	if err != nil {
		f.Errorf("%s: layer %s has no bytes: %v", repo.Name, d, err)
		return nil
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if got := ref.DigestBytes(d.Algorithm(), content); got != d || layer.Size != int64(len(content)) {
		f.Errorf("%s: layer %s of %d bytes has %d bytes with the digest %s", repo.Name, d, layer.Size, len(content), got)
	}
	return nil
}
