package sqlmeta

func (t *tx) AddTagWords(repository int64, words []string) ([]string, error) {
	counted, err := all(t, scanTagWord,
		`INSERT INTO tag_word (repository_id, word, tags) SELECT CAST($1 AS BIGINT), item, 1 FROM ({{texts}}) AS w WHERE TRUE
		ON CONFLICT (repository_id, word) DO UPDATE SET tags = tag_word.tags + 1 RETURNING word, tags`,
		repository, t.session.dialect.list(words))
	return wordsWith(1, counted), err
}

func (t *tx) RemoveTagWords(repository int64, words []string) ([]string, error) {
	counted, err := all(t, scanTagWord,
		`UPDATE tag_word SET tags = tags - 1 WHERE repository_id = $1 AND word IN ({{texts}}) RETURNING word, tags`,
		repository, t.session.dialect.list(words))
	gone := wordsWith(0, counted)
	if err != nil || len(gone) == 0 {
		return nil, err
	}
	_, err = t.exec(`DELETE FROM tag_word WHERE repository_id = $1 AND word IN ({{texts}}) AND tags <= 0`,
		repository, t.session.dialect.list(gone))
	return gone, err
}

func (t *tx) TagWords(repository int64, limit int) ([]string, error) {
	return all(t, func(r row, word *string) error { return r.Scan(word) },
		`SELECT word FROM tag_word WHERE repository_id = $1 ORDER BY tags DESC, word LIMIT $2`, repository, limit)
}

type tagWord struct {
	word string
	tags int
}

func scanTagWord(r row, w *tagWord) error { return r.Scan(&w.word, &w.tags) }

func wordsWith(tags int, counted []tagWord) []string {
	var words []string
	for _, w := range counted {
		if w.tags == tags {
			words = append(words, w.word)
		}
	}
	return words
}
