package sqlmeta

import (
	"fmt"
	"strings"
	"time"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

var _ registry.ListingTx = (*tx)(nil)

func (t *tx) PutListing(l registry.ListingRow) error {
	_, err := t.exec(
		`INSERT INTO listing (repository_id, account_id, name, leaf, systems, architectures, kinds, verified, pushed_at, downloads)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (repository_id) DO UPDATE SET systems = excluded.systems, architectures = excluded.architectures,
			kinds = excluded.kinds, verified = excluded.verified, pushed_at = excluded.pushed_at, downloads = excluded.downloads`,
		l.Repository, l.Account, l.Name, leaf(l.Name), l.Traits.Systems, l.Traits.Architectures, l.Traits.Kinds,
		l.Verified, l.PushedAt.UnixMilli(), l.Downloads)
	return err
}

func leaf(name ref.RepositoryName) string {
	return string(name[strings.LastIndexByte(string(name), '/')+1:])
}

// listingColumns of a listing l. listingFields has the same order.
const listingColumns = `l.repository_id, l.account_id, l.name, l.systems, l.architectures, l.kinds, l.verified, l.pushed_at, l.downloads`

func listingFields(l *registry.ListingRow) []any {
	return []any{
		&l.Repository, &l.Account, &l.Name, &l.Traits.Systems, &l.Traits.Architectures, &l.Traits.Kinds,
		&l.Verified, timeColumn{&l.PushedAt}, &l.Downloads,
	}
}

func (t *tx) ListingRow(repository int64) (registry.ListingRow, error) {
	return one(t, fmt.Sprintf("listing of repository %d", repository), func(r row, l *registry.ListingRow) error {
		return r.Scan(listingFields(l)...)
	}, `SELECT `+listingColumns+` FROM listing AS l WHERE l.repository_id = $1`, repository)
}

func (t *tx) MarkPushed(repository int64, at time.Time, traits registry.Traits) error {
	return t.change(fmt.Sprintf("listing of repository %d", repository), registry.ErrAbsent,
		`UPDATE listing SET pushed_at = $2, systems = systems | $3, architectures = architectures | $4, kinds = kinds | $5
		WHERE repository_id = $1`,
		repository, at.UnixMilli(), traits.Systems, traits.Architectures, traits.Kinds)
}

func (t *tx) MarkVerified(id ref.AccountID, verified bool) error {
	_, err := t.exec(`UPDATE listing SET verified = $2 WHERE account_id = $1`, id, verified)
	return err
}

func (t *tx) DeleteListing(repository int64) error {
	words, err := t.documentWords(repository)
	if err != nil {
		return err
	}
	if err := t.deleteDocument(repository); err != nil {
		return err
	}
	for _, table := range []string{"listing", "tag_word"} {
		if _, err := t.exec(`DELETE FROM `+table+` WHERE repository_id = $1`, repository); err != nil {
			return err
		}
	}
	return t.forget(words)
}

// publisherColumns of an account a. publisherFields has the same order.
const publisherColumns = `a.id, coalesce((SELECT name FROM alias WHERE account_id = a.id AND is_primary), ''),
	coalesce((SELECT display_name FROM registry_profile WHERE account_id = a.id), ''), a.verified`

func publisherFields(p *registry.Publisher) []any {
	return []any{&p.Account, &p.Alias, &p.DisplayName, &p.Verified}
}

func (t *tx) Listings(repositories []int64) ([]registry.Listed, error) {
	return all(t, func(r row, l *registry.Listed) error {
		fields := append(publisherFields(&l.Publisher), listingFields(&l.ListingRow)...)
		return r.Scan(append(fields, jsonColumn{&l.Catalog})...)
	}, `SELECT `+publisherColumns+`, `+listingColumns+`, r.catalog
		FROM listing AS l JOIN repository AS r ON r.id = l.repository_id JOIN account AS a ON a.id = l.account_id
		WHERE l.repository_id IN ({{numbers}})`, t.session.dialect.list(repositories))
}

func (t *tx) ListedAfter(repository int64, limit int) ([]registry.ListedRepository, error) {
	return all(t, func(r row, l *registry.ListedRepository) error {
		return r.Scan(&l.ID, &l.Alias, &l.Name, timeColumn{&l.PushedAt})
	}, `SELECT l.repository_id, a.name, l.name, l.pushed_at FROM listing AS l
		JOIN alias AS a ON a.account_id = l.account_id AND a.is_primary
		WHERE l.repository_id > $1 ORDER BY l.repository_id LIMIT $2`, repository, limit)
}

func (t *tx) ListedOf(id ref.AccountID) ([]int64, error) {
	return all(t, func(r row, id *int64) error { return r.Scan(id) },
		`SELECT repository_id FROM listing WHERE account_id = $1 ORDER BY name`, id)
}

func (t *tx) CountListed(id ref.AccountID) (int, int64, error) {
	type tally struct {
		repositories int
		downloads    int64
	}
	n, err := one(t, "count", func(r row, n *tally) error { return r.Scan(&n.repositories, &n.downloads) },
		`SELECT count(*), CAST(coalesce(sum(downloads), 0) AS BIGINT) FROM listing WHERE account_id = $1`, id)
	return n.repositories, n.downloads, err
}

func (t *tx) Unlisted(after int64, limit int) ([]registry.Repository, error) {
	return all(t, scanRepository,
		`SELECT `+repositoryColumns+` FROM image_count AS c JOIN repository AS r ON r.id = c.repository_id
		WHERE c.repository_id > $1 AND c.images > 0 AND NOT EXISTS (SELECT 1 FROM listing WHERE repository_id = c.repository_id)
		ORDER BY c.repository_id LIMIT $2`, after, limit)
}

func (t *tx) Publishers(verified bool, limit int) ([]registry.Publisher, error) {
	return all(t, func(r row, p *registry.Publisher) error { return r.Scan(publisherFields(p)...) },
		`SELECT `+publisherColumns+` FROM account AS a
		WHERE a.verified = $1 AND EXISTS (SELECT 1 FROM listing WHERE account_id = a.id) ORDER BY a.id LIMIT $2`, verified, limit)
}
