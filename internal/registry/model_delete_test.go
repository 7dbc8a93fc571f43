package registry_test

import (
	"cmp"
	"slices"

	"pgregory.net/rapid"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// deleteImage with its tags. Layers that no image has any more are kept for two leases.
func (m *model) deleteImage(repo *modelRepository, d ref.Digest) {
	held := repo.images[d].held
	delete(repo.images, d)
	for _, t := range repo.tagsOf(d) {
		delete(repo.tags, t)
	}
	for _, l := range held {
		if !repo.references(l) {
			m.keep(repo, l)
		}
	}
}

// DeleteTag leaves the image.
func (m *machine) DeleteTag(t *rapid.T) {
	c, p := m.call(t)
	tag := ref.Tag(pick(t, "tag", imageTags...))
	gotErr := m.registry.DeleteTag(t.Context(), c, p, tag)
	repo, wantErr := m.model.open(c, "BatchDeleteImage", p)
	if wantErr == nil {
		if _, ok := repo.tags[tag]; !ok {
			wantErr = refusal(registry.ImageNotFound)
		}
		delete(repo.tags, tag)
	}
	agree(t, "DeleteTag", 0, gotErr, 0, wantErr)
}

// DeleteImage is the registry wire's.
func (m *machine) DeleteImage(t *rapid.T) {
	c, p := m.call(t)
	d := m.image(t, c, p)
	gotErr := m.registry.DeleteImage(t.Context(), c, p, d)
	repo, wantErr := m.model.open(c, "BatchDeleteImage", p)
	switch {
	case wantErr != nil:
	case repo.images[d] == nil:
		wantErr = refusal(registry.ImageNotFound)
	case len(repo.listedBy(d)) > 0:
		wantErr = refusal(registry.Referenced)
	default:
		m.model.deleteImage(repo, d)
	}
	agree(t, "DeleteImage", 0, gotErr, 0, wantErr)
}

// deletePlan is what a batch means in a repository as it was before.
type deletePlan struct {
	repo     *modelRepository
	tags     map[ref.Tag]bool
	images   map[ref.Digest]bool               // that go whole
	ids      map[ref.Digest][]registry.ImageID // by the image they name
	failures []registry.ImageFailure
}

func (p *deletePlan) fail(id registry.ImageID, code string) {
	p.failures = append(p.failures, registry.ImageFailure{ID: id, Code: code})
}

func (p *deletePlan) add(id registry.ImageID) {
	tag, tagged := p.repo.tags[ref.Tag(id.Tag)]
	image, err := p.repo.image(id)
	switch {
	case id == registry.ImageID{}:
		p.fail(id, registry.FailureMissingID)
	case id.Digest == "none":
		p.fail(id, registry.FailureInvalidDigest)
	case id.Tag != "" && tagged && id.Digest != "" && tag.Image.String() != id.Digest:
		p.fail(id, registry.FailureTagDoesNotMatch)
	case err != nil:
		p.fail(id, registry.FailureNotFound)
	default:
		p.ids[image.digest] = append(p.ids[image.digest], id)
		if id.Tag == "" {
			p.images[image.digest] = true
		} else {
			p.tags[tag.Name] = true
		}
	}
}

// completeTags: with its last tag an image goes, and with an image all its tags.
func (p *deletePlan) completeTags() {
	for d := range p.ids {
		left := slices.DeleteFunc(p.repo.tagsOf(d), func(t ref.Tag) bool { return p.tags[t] })
		p.images[d] = p.images[d] || len(left) == 0
	}
}

// keepListed takes back what an index lists that stays, until nothing is left to take back.
func (p *deletePlan) keepListed() {
	for again := true; again; {
		again = false
		for d := range p.ids {
			stays := slices.ContainsFunc(p.repo.listedBy(d), func(parent ref.Digest) bool { return !p.images[parent] })
			if !p.images[d] || !stays {
				continue
			}
			again = true
			for _, id := range p.ids[d] {
				p.fail(id, registry.FailureReferencedByIndex)
			}
			for _, t := range p.repo.tagsOf(d) {
				delete(p.tags, t)
			}
			delete(p.images, d)
			delete(p.ids, d)
		}
	}
}

func (m *model) deleteImages(c registry.Caller, p registry.Path, ids []registry.ImageID) ([]registry.ImageID, []registry.ImageFailure, error) {
	repo, err := m.open(c, "BatchDeleteImage", p)
	if err != nil {
		return nil, nil, err
	}
	plan := deletePlan{repo: repo, tags: make(map[ref.Tag]bool), images: make(map[ref.Digest]bool), ids: make(map[ref.Digest][]registry.ImageID)}
	for i, id := range ids {
		if !slices.Contains(ids[:i], id) {
			plan.add(id)
		}
	}
	plan.completeTags()
	plan.keepListed()
	var deleted []registry.ImageID
	for d := range plan.ids {
		whole := plan.images[d]
		tags := slices.DeleteFunc(repo.tagsOf(d), func(t ref.Tag) bool { return !whole && !plan.tags[t] })
		for _, t := range tags {
			deleted = append(deleted, registry.ImageID{Digest: d.String(), Tag: string(t)})
			delete(repo.tags, t)
		}
		if len(tags) == 0 {
			deleted = append(deleted, registry.ImageID{Digest: d.String()})
		}
	}
	for d, whole := range plan.images {
		if whole {
			m.deleteImage(repo, d)
		}
	}
	return deleted, plan.failures, nil
}

// DeleteImages names images and tags, often several times and in several ways.
func (m *machine) DeleteImages(t *rapid.T) {
	c, p := m.call(t)
	ids := m.imageIDs(t, c, p, 5)
	deleted, failures, gotErr := m.registry.DeleteImages(t.Context(), c, p, ids)
	wantDeleted, wantFailures, wantErr := m.model.deleteImages(c, p, ids)
	for i := range failures {
		failures[i].Reason = ""
	}
	agree(t, "DeleteImages", sortedIDs(deleted), gotErr, sortedIDs(wantDeleted), wantErr)
	agree(t, "failures of DeleteImages", sortedFailures(failures), gotErr, sortedFailures(wantFailures), wantErr)
}

func compareIDs(a, b registry.ImageID) int {
	return cmp.Or(cmp.Compare(a.Digest, b.Digest), cmp.Compare(a.Tag, b.Tag))
}

func sortedIDs(ids []registry.ImageID) []registry.ImageID {
	slices.SortFunc(ids, compareIDs)
	return ids
}

func sortedFailures(failures []registry.ImageFailure) []registry.ImageFailure {
	slices.SortFunc(failures, func(a, b registry.ImageFailure) int { return compareIDs(a.ID, b.ID) })
	return failures
}
