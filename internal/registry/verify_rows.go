package registry

import (
	"context"
	"errors"
	"fmt"

	"github.com/openecr/openecr/internal/ref"
)

func (v *verification) repositories(ctx context.Context) error {
	var accounts []Account
	err := v.meta.View(ctx, func(tx Tx) (err error) {
		accounts, err = tx.Accounts()
		return err
	})
	if err != nil {
		return err
	}
	for _, account := range accounts {
		var after ref.RepositoryName
		for n := verifyPage; n == verifyPage; {
			var repos []Repository
			err := v.meta.View(ctx, func(tx Tx) (err error) {
				repos, err = tx.Repositories(account.ID, after, verifyPage)
				return err
			})
			if err != nil {
				return err
			}
			for _, repo := range repos {
				after = repo.Name
				if err := v.repository(ctx, repo); err != nil {
					return err
				}
			}
			n = len(repos)
		}
	}
	return nil
}

func (v *verification) repository(ctx context.Context, repo Repository) error {
	v.names[repo.ID] = string(repo.Account) + "/" + string(repo.Name)
	v.done.Repositories++
	for _, look := range []func(context.Context, Repository) error{v.tags, v.images, v.layers} {
		if err := look(ctx, repo); err != nil {
			return err
		}
	}
	return nil
}

func (v *verification) tags(ctx context.Context, repo Repository) error {
	var after ref.Tag
	var broken []Tag
	err := v.inPages(ctx, func(tx Tx) (int, func(), error) {
		tags, err := tx.Tags(repo.ID, after, verifyPage)
		if err != nil {
			return 0, nil, err
		}
		var without []Tag
		for _, t := range tags {
			if there, err := hasImage(tx, repo.ID, t.Image); err != nil {
				return 0, nil, err
			} else if !there {
				without = append(without, t)
			}
		}
		return len(tags), func() {
			for _, t := range tags {
				after = t.Name
				v.done.Tags++
			}
			broken = append(broken, without...)
		}, nil
	})
	for _, t := range broken {
		if err != nil {
			break
		}
		f := Fault{Kind: "tag", Repository: v.names[repo.ID], Tag: t.Name, Digest: t.Image.String(), Problem: "its image is not there"}
		err = v.fault(ctx, f, func(ctx context.Context, f Fault) (bool, error) { return v.quarantineTag(ctx, repo.ID, t, f.Problem) })
	}
	return err
}

func hasImage(tx Tx, repository int64, d ref.Digest) (bool, error) {
	found, err := tx.ImagesByDigest(repository, []ref.Digest{d})
	return len(found) > 0, err
}

func (v *verification) images(ctx context.Context, repo Repository) error {
	var after ref.Digest
	for n := verifyPage; n == verifyPage; {
		var page []Image
		err := v.meta.View(ctx, func(tx Tx) (err error) {
			page, err = tx.Images(repo.ID, after, verifyPage)
			return err
		})
		if err != nil {
			return err
		}
		for _, i := range page {
			after = i.Digest
			v.done.Images++
			if err := v.image(ctx, repo, i.Digest); err != nil {
				return err
			}
		}
		n = len(page)
		v.rules.Progress(v.done)
	}
	return nil
}

func (v *verification) image(ctx context.Context, repo Repository, d ref.Digest) error {
	var problems []string
	var damaged bool // the manifest itself
	err := v.meta.View(ctx, func(tx Tx) error {
		problems, damaged = nil, false
		image, err := tx.Image(repo.ID, d)
		if errors.Is(err, ErrAbsent) {
			return nil // deleted since the page was read
		}
		if err != nil {
			return err
		}
		if damaged = ref.DigestBytes(d.Algorithm(), image.Manifest) != d; damaged {
			problems = []string{"its manifest does not have its digest"}
			return nil
		}
		problems, err = imageProblems(tx, repo.ID, image)
		return err
	})
	for _, problem := range problems {
		if err != nil {
			break
		}
		var repair func(context.Context, Fault) (bool, error)
		if damaged {
			repair = func(ctx context.Context, f Fault) (bool, error) { return v.quarantineImage(ctx, repo.ID, d, f.Problem) }
		}
		err = v.fault(ctx, Fault{Kind: "image", Repository: v.names[repo.ID], Digest: d.String(), Problem: problem}, repair)
	}
	return err
}

// imageProblems compares what the manifest names with what the repository has. Pushing the image again mends them all.
func imageProblems(tx Tx, repository int64, image Image) ([]string, error) {
	m, err := parseManifest(image.Manifest, image.MediaType)
	if err != nil {
		return []string{fmt.Sprintf("its manifest is not understood: %v", err)}, nil //nolint:nilerr // it is the problem
	}
	named := make([]ref.Digest, len(m.layers))
	for i, l := range m.layers {
		named[i] = l.Digest
	}
	layers, err := tx.Layers(repository, named)
	if err != nil {
		return nil, err
	}
	there := make(map[ref.Digest]Layer, len(layers))
	for _, l := range layers {
		there[l.Digest] = l
	}
	var problems []string
	for _, d := range named {
		if l, ok := there[d]; !ok {
			problems = append(problems, fmt.Sprintf("layer %s is not there: push it again", d))
		} else if !l.KeepUntil.IsZero() {
			problems = append(problems, fmt.Sprintf("layer %s is open to collection: push the image again under a new tag", d))
		}
	}
	for _, d := range m.children {
		if ok, err := hasImage(tx, repository, d); err != nil {
			return nil, err
		} else if !ok {
			problems = append(problems, fmt.Sprintf("image %s, which it lists, is not there: push it again", d))
		}
	}
	return problems, nil
}

func (v *verification) layers(ctx context.Context, repo Repository) error {
	type badLayer struct {
		Layer
		problem string
	}
	var after ref.Digest
	var bad []badLayer
	err := v.inPages(ctx, func(tx Tx) (int, func(), error) {
		page, err := tx.LayersAfter(repo.ID, after, verifyPage)
		if err != nil {
			return 0, nil, err
		}
		var found []badLayer
		for _, l := range page {
			if problem, err := layerProblem(tx, l); err != nil {
				return 0, nil, err
			} else if problem != "" {
				found = append(found, badLayer{l, problem})
			}
		}
		return len(page), func() {
			for _, l := range page {
				after = l.Digest
				v.done.Layers++
			}
			bad = append(bad, found...)
		}, nil
	})
	for _, l := range bad {
		if err != nil {
			break
		}
		f := Fault{Kind: "layer", Repository: v.names[repo.ID], Digest: l.Digest.String(), Problem: l.problem}
		err = v.fault(ctx, f, func(ctx context.Context, f Fault) (bool, error) {
			return v.quarantineLayer(ctx, repo.ID, l.Layer, f.Problem)
		})
	}
	return err
}

// layerProblem is empty for a layer whose blob is as it says.
func layerProblem(tx Tx, l Layer) (string, error) {
	blob, err := tx.Blob(l.Digest)
	switch {
	case errors.Is(err, ErrAbsent):
		return "nothing says where its bytes are", nil
	case err != nil:
		return "", err
	case blob.Size != l.Size:
		return fmt.Sprintf("it has %d bytes, and its blob %d", l.Size, blob.Size), nil
	}
	return "", nil
}
