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
	if n, err := tx.CountImages(repo.ID); err != nil || n != len(images) {
		f.Errorf("%s: %d images are counted as %d: %v", repo.Name, len(images), n, err)
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
	held := make(map[ref.Digest]bool)
	for d := range present {
		if err := f.checkImage(tx, repo, d, present, held); err != nil {
			return err
		}
	}
	for d := range f.known {
		if err := f.checkLayer(tx, repo, d, held); err != nil {
			return err
		}
	}
	return nil
}

// checkImage adds the layers of the image to held: those that it must have, and the foreign ones, which it has when they
// are there.
func (f *fixture) checkImage(tx registry.Tx, repo registry.Repository, d ref.Digest, present, held map[ref.Digest]bool) error {
	image, err := tx.Image(repo.ID, d)
	if err != nil {
		return err
	}
	if got := ref.DigestBytes(d.Algorithm(), image.Manifest); got != d {
		f.Errorf("%s: manifest of image %s has the digest %s", repo.Name, d, got)
	}
	children, _ := named(image.Manifest, "manifests")
	for _, child := range children {
		if !present[child] {
			f.Errorf("%s: index %s lists image %s, which is not there", repo.Name, d, child)
		}
	}
	layers, foreign := named(image.Manifest, "layers")
	for _, layer := range foreign {
		held[layer] = true
	}
	config, _ := named(image.Manifest, "config")
	for _, layer := range append(layers, config...) {
		held[layer] = true
		if _, err := tx.Layer(repo.ID, layer); err != nil {
			f.Errorf("%s: image %s has no layer %s: %v", repo.Name, d, layer, err)
		}
	}
	return nil
}

// named are the digests in a member of a manifest, those of foreign layers apart. It does not share code with what it
// checks.
func named(manifest []byte, member string) (digests, foreign []ref.Digest) {
	type content struct{ Digest, MediaType string }
	var members map[string]json.RawMessage
	_ = json.Unmarshal(manifest, &members)
	var many []content
	if json.Unmarshal(members[member], &many) != nil {
		many = make([]content, 1)
		_ = json.Unmarshal(members[member], &many[0])
	}
	for _, c := range many {
		d, err := ref.ParseDigest(c.Digest)
		switch {
		case err != nil:
		case strings.Contains(c.MediaType, "foreign"):
			foreign = append(foreign, d)
		default:
			digests = append(digests, d)
		}
	}
	return digests, foreign
}

func (f *fixture) checkLayer(tx registry.Tx, repo registry.Repository, d ref.Digest, held map[ref.Digest]bool) error {
	layer, err := tx.Layer(repo.ID, d)
	if errors.Is(err, registry.ErrAbsent) {
		return nil
	}
	if err != nil {
		return err
	}
	if referenced := layer.KeepUntil.IsZero(); referenced != held[d] {
		f.Errorf("%s: layer %s must be held: %v, but is kept until %v", repo.Name, d, held[d], layer.KeepUntil)
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
