package sqlmeta

import (
	"encoding/json"
	"fmt"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

const (
	// repositoryColumns of a repository r. repositoryFields has the same order.
	repositoryColumns = columnsBeforeCatalog + `r.catalog` + columnsAfterCatalog
	// columnsWithoutCatalog leave it empty: it may have long texts and pictures.
	columnsWithoutCatalog = columnsBeforeCatalog + `'{}'` + columnsAfterCatalog

	columnsBeforeCatalog = `r.id, r.account_id, r.name, r.created_at, `
	columnsAfterCatalog  = `, r.policy, r.tags,
		coalesce((SELECT a.name FROM alias AS a WHERE a.account_id = r.account_id AND a.is_primary), '')`

	// accountOfRegistry is the account id for $1, which is one or an alias. No string can be both: an account id is
	// digits, an alias starts with a letter.
	accountOfRegistry = `coalesce((SELECT account_id FROM alias WHERE name = $1), $1)`
)

// repositoryFields are where repositoryColumns go.
func repositoryFields(p *registry.Repository) []any {
	return []any{
		&p.ID, &p.Account, &p.Name, timeColumn{&p.CreatedAt}, jsonColumn{&p.Catalog}, &p.Policy, jsonColumn{&p.Tags}, &p.Alias,
	}
}

func scanRepository(r row, p *registry.Repository) error {
	return r.Scan(repositoryFields(p)...)
}

func (t *tx) Repository(reg string, name ref.RepositoryName) (registry.Repository, error) {
	return one(t, "repository "+reg+"/"+string(name), scanRepository,
		`SELECT `+repositoryColumns+` FROM repository AS r WHERE r.account_id = `+accountOfRegistry+` AND r.name = $2`,
		reg, name)
}

func (t *tx) Repositories(id ref.AccountID, after ref.RepositoryName, limit int) ([]registry.Repository, error) {
	return all(t, scanRepository,
		`SELECT `+repositoryColumns+` FROM repository AS r WHERE r.account_id = $1 AND r.name > $2 ORDER BY r.name LIMIT $3`,
		id, after, limit)
}

func (t *tx) InsertRepository(p registry.Repository) (int64, error) {
	catalog, tags, err := documents(p)
	if err != nil {
		return 0, t.fail(err)
	}
	ids, err := all(t, func(r row, id *int64) error { return r.Scan(id) },
		`INSERT INTO repository (account_id, name, created_at, catalog, policy, tags) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT DO NOTHING RETURNING id`,
		p.Account, p.Name, p.CreatedAt.UnixMilli(), catalog, p.Policy, tags)
	if err != nil {
		return 0, err
	}
	if len(ids) == 0 {
		return 0, fmt.Errorf("repository %s/%s: %w", p.Account, p.Name, registry.ErrConflict)
	}
	return ids[0], nil
}

// documents are the two columns that hold JSON.
func documents(p registry.Repository) (catalog, tags string, err error) {
	c, err := json.Marshal(p.Catalog)
	if err != nil {
		return "", "", err
	}
	t, err := json.Marshal(p.Tags)
	return string(c), string(t), err
}

func (t *tx) UpdateRepository(p registry.Repository) error {
	catalog, tags, err := documents(p)
	if err != nil {
		return t.fail(err)
	}
	return t.change(fmt.Sprintf("repository %d", p.ID), registry.ErrAbsent,
		`UPDATE repository SET catalog = $2, policy = $3, tags = $4 WHERE id = $1`, p.ID, catalog, p.Policy, tags)
}

func (t *tx) CountRepositories(id ref.AccountID, limit int) (int, error) {
	return t.count(`SELECT count(*) FROM (SELECT 1 FROM repository WHERE account_id = $1 LIMIT $2) AS r`, id, limit)
}

func (t *tx) DeleteRepository(id int64) error {
	if err := t.DeleteListing(id); err != nil {
		return err
	}
	for _, contents := range []string{
		`DELETE FROM download_day WHERE repository_id = $1`,
		`DELETE FROM download_total WHERE repository_id = $1`,
		`DELETE FROM image_face WHERE repository_id = $1`,
		`DELETE FROM tag WHERE repository_id = $1`,
		`DELETE FROM image_child WHERE repository_id = $1`,
		`DELETE FROM image_layer WHERE repository_id = $1`,
		`DELETE FROM image_absent WHERE repository_id = $1`,
		`DELETE FROM image WHERE repository_id = $1`,
		`DELETE FROM image_count WHERE repository_id = $1`,
		`INSERT INTO unused_blob (digest) SELECT digest FROM layer WHERE repository_id = $1 ON CONFLICT DO NOTHING`,
		`DELETE FROM layer WHERE repository_id = $1`,
		`DELETE FROM upload WHERE repository_id = $1`,
		`DELETE FROM logo WHERE repository_id = $1`,
	} {
		if _, err := t.exec(contents, id); err != nil {
			return err
		}
	}
	return t.change(fmt.Sprintf("repository %d", id), registry.ErrAbsent, `DELETE FROM repository WHERE id = $1`, id)
}
