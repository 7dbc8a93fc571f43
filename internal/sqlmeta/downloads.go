package sqlmeta

import (
	"time"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

var _ registry.DownloadTx = (*tx)(nil)

func (t *tx) AddDownloads(downloads []registry.Download) error {
	for _, d := range downloads {
		n, err := t.exec(
			`INSERT INTO download_day (repository_id, day, tag, downloads)
			SELECT id, CAST($2 AS BIGINT), CAST($3 AS TEXT), CAST($4 AS BIGINT) FROM repository WHERE id = $1
			ON CONFLICT (repository_id, day, tag) DO UPDATE SET downloads = download_day.downloads + excluded.downloads`,
			d.Repository, d.Day.UnixMilli(), d.Tag, d.Count)
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		_, err = t.exec(
			`INSERT INTO download_total (repository_id, downloads) VALUES ($1, $2)
			ON CONFLICT (repository_id) DO UPDATE SET downloads = download_total.downloads + excluded.downloads`, d.Repository, d.Count)
		if err != nil {
			return err
		}
		if _, err := t.exec(`UPDATE listing SET downloads = downloads + $2 WHERE repository_id = $1`, d.Repository, d.Count); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) DownloadsByDay(repository int64, from time.Time) ([]registry.DownloadDay, error) {
	return all(t, func(r row, d *registry.DownloadDay) error { return r.Scan(timeColumn{&d.Day}, &d.Count) },
		`SELECT day, CAST(sum(downloads) AS BIGINT) FROM download_day WHERE repository_id = $1 AND day >= $2 GROUP BY day ORDER BY day`,
		repository, from.UnixMilli())
}

func (t *tx) DownloadsOf(repository int64, tags []ref.Tag) (int64, error) {
	n, err := t.count(`SELECT CAST(coalesce(sum(downloads), 0) AS BIGINT) FROM download_day WHERE repository_id = $1 AND tag IN ({{texts}})`,
		repository, t.session.dialect.list(texts(tags)))
	return int64(n), err
}

// texts are strings without their type, as lists take them.
func texts[T ~string](list []T) []string {
	plain := make([]string, len(list))
	for i, s := range list {
		plain[i] = string(s)
	}
	return plain
}

func (t *tx) DownloadTotal(repository int64) (int64, error) {
	n, err := t.count(`SELECT coalesce((SELECT downloads FROM download_total WHERE repository_id = $1), 0)`, repository)
	return int64(n), err
}

func (t *tx) DeleteDownloadDays(before time.Time, limit int) (int, error) {
	n, err := t.exec(
		`DELETE FROM download_day WHERE (repository_id, day, tag) IN (SELECT repository_id, day, tag FROM download_day WHERE day < $1 LIMIT $2)`,
		before.UnixMilli(), limit)
	return int(n), err
}
