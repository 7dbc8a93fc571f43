package registry

import (
	"context"
	"errors"
	"strings"

	"github.com/openecr/openecr/internal/ref"
)

// How listings and the words they are found by follow what they are derived from: every verb that changes that calls one
// of these functions in its own transaction. A push that brings nothing new to look for costs two statements more.

// listPushed has the listing show a push: what an image is, and tags that the repository did not have.
func (r *Registry) listPushed(tx Tx, repo Repository, t Traits, fresh []ref.Tag) error {
	newWords := false
	for _, tag := range fresh {
		words := tagWords(string(tag))
		if len(words) == 0 {
			continue
		}
		added, err := tx.AddTagWords(repo.ID, words)
		if err != nil {
			return err
		}
		newWords = newWords || len(added) > 0
	}
	err := tx.MarkPushed(repo.ID, r.now(), t)
	if errors.Is(err, ErrAbsent) {
		return list(tx, repo)
	}
	if err == nil && newWords {
		return document(tx, repo)
	}
	return err
}

// listDeleted has the listing follow the loss of tags and images.
func listDeleted(tx Tx, repo Repository, gone []ref.Tag) error {
	for _, tag := range gone {
		words := tagWords(string(tag))
		if len(words) == 0 {
			continue
		}
		if _, err := tx.RemoveTagWords(repo.ID, words); err != nil {
			return err
		}
	}
	return list(tx, repo)
}

// list makes the listing of a repository anew, with its document, or takes it away when no image is left. Tag words must
// be right already.
func list(tx Tx, repo Repository) error {
	n, err := tx.CountImages(repo.ID)
	if err != nil {
		return err
	}
	if n == 0 {
		return tx.DeleteListing(repo.ID)
	}
	row, err := tx.ListingRow(repo.ID)
	fresh := errors.Is(err, ErrAbsent)
	if err != nil && !fresh {
		return err
	}
	traits, newest, err := tx.RepositoryTraits(repo.ID)
	if err != nil {
		return err
	}
	if fresh {
		row = ListingRow{Repository: repo.ID, Account: repo.Account, Name: repo.Name, PushedAt: newest}
		if row.Downloads, err = tx.DownloadTotal(repo.ID); err != nil {
			return err
		}
	}
	account, err := tx.Account(repo.Account)
	if err != nil {
		return err
	}
	row.Verified, row.Traits = account.Verified, traits.and(catalogTraits(repo.Catalog))
	if err := tx.PutListing(row); err != nil {
		return err
	}
	return document(tx, repo)
}

// document writes the words by which a listed repository is found.
func document(tx Tx, repo Repository) error {
	profile, err := tx.Profile(repo.Account)
	if err != nil {
		return err
	}
	aliases, err := tx.Aliases(repo.Account)
	if err != nil {
		return err
	}
	tags, err := tx.TagWords(repo.ID, maxTagWords)
	if err != nil {
		return err
	}
	said := []string{string(repo.Account)}
	for _, a := range aliases {
		said = append(said, string(a.Name))
	}
	for _, s := range []*string{profile.DisplayName, repo.Catalog.Description} {
		if s != nil {
			said = append(said, *s)
		}
	}
	for _, t := range repo.Tags {
		said = append(said, t.Key, t.Value)
	}
	d := Document{Name: wordsOf(string(repo.Name)), Words: append(wordsOf(strings.Join(said, " ")), tags...)}
	for _, s := range []*string{repo.Catalog.About, repo.Catalog.Usage} {
		if s != nil {
			d.Text = append(d.Text, wordsOf(*s)...)
		}
	}
	return tx.PutDocument(repo.ID, d)
}

// relistAll renews the documents of all listed repositories of an account, when the name of their publisher changed.
func relistAll(tx Tx, account ref.AccountID) error {
	ids, err := tx.ListedOf(account)
	if err != nil {
		return err
	}
	listed, err := tx.Listings(ids)
	if err != nil {
		return err
	}
	for _, l := range listed {
		repo, err := tx.Repository(string(account), l.Name)
		if err != nil {
			return err
		}
		if err := document(tx, repo); err != nil {
			return err
		}
	}
	return nil
}

// unlistedAtOnce bounds how long other updates wait for IndexUnlisted.
const unlistedAtOnce = 20

// IndexUnlisted lists repositories whose listings are missing: after a restore or a move, which leave out what is
// derived. It is done when a registry starts, beside its other work; there is nearly always nothing to do.
func (r *Registry) IndexUnlisted(ctx context.Context) error {
	for after := int64(0); ; {
		var unlisted []Repository
		// Asked outside of the update, which would wait for others: nearly always there is nothing.
		err := r.meta.View(ctx, func(tx Tx) (err error) {
			unlisted, err = tx.Unlisted(after, unlistedAtOnce)
			return err
		})
		if err != nil || len(unlisted) == 0 {
			return err
		}
		after = unlisted[len(unlisted)-1].ID
		if err := r.meta.Meta.Update(ctx, func(tx Tx) error { return relistAmong(tx, unlisted) }); err != nil {
			return err
		}
	}
}

// relistAmong leaves out those that were deleted or listed since.
func relistAmong(tx Tx, repos []Repository) error {
	still, err := tx.Unlisted(repos[0].ID-1, len(repos))
	if err != nil {
		return err
	}
	for _, repo := range still {
		if repo.ID > repos[len(repos)-1].ID {
			break
		}
		if err := relist(tx, repo); err != nil {
			return err
		}
	}
	return nil
}

// relist is list that counts tag words anew.
func relist(tx Tx, repo Repository) error {
	if err := tx.DeleteListing(repo.ID); err != nil {
		return err
	}
	tags, err := tx.Tags(repo.ID, "", 0)
	if err != nil {
		return err
	}
	for _, tag := range tags {
		if words := tagWords(string(tag.Name)); len(words) > 0 {
			if _, err := tx.AddTagWords(repo.ID, words); err != nil {
				return err
			}
		}
	}
	return list(tx, repo)
}

// relistID is relist for those who know a repository by its id only, if it is listed at all.
func relistID(tx Tx, id int64) error {
	listed, err := tx.Listings([]int64{id})
	if err != nil || len(listed) == 0 {
		return err
	}
	repo, err := tx.Repository(string(listed[0].Account), listed[0].Name)
	if err != nil {
		return err
	}
	return relist(tx, repo)
}
