package sqlmeta

import (
	"errors"
	"fmt"
	"strings"

	"github.com/openecr/openecr/internal/registry"
)

// The full-text index has one entry for each listed repository, in two parts: its name and the rest. Words come split and
// in lower case from package registry, so both databases index exactly the same.

// In SQLite the index is FTS5. It keeps no text, only where words are.
const sqliteSearchIndex = `CREATE VIRTUAL TABLE search USING fts5(name, rest, content = '', contentless_delete = 1,
	detail = column, prefix = '2 3', tokenize = "ascii tokenchars '.'");`

// In PostgreSQL it is a tsvector; weight A marks the name, B the rest. Without fastupdate an insert locks, for the
// purpose of serialisation, only the words that it has.
const postgresSearchIndex = `CREATE TABLE search (repository_id BIGINT PRIMARY KEY, words TSVECTOR NOT NULL);
	CREATE INDEX search_words ON search USING GIN (words) WITH (fastupdate = off);`

func sqliteWords(words []string, _ bool) any { return strings.Join(words, " ") }

// sqliteMatch is in the language of FTS5: name : (("ngin" *) AND ("aplha" * OR "alpha")).
func sqliteMatch(terms []registry.Term, inName bool) string {
	match := eachTerm(terms, " AND ", " OR ", func(word string, prefix bool) string {
		if prefix {
			return `"` + word + `" *`
		}
		return `"` + word + `"`
	})
	if inName {
		return "name : (" + match + ")"
	}
	return match
}

func postgresWords(words []string, inName bool) any {
	var b strings.Builder
	for _, w := range words {
		b.WriteString("'" + w + "':1" + postgresWeight(inName) + " ")
	}
	return b.String()
}

func postgresWeight(inName bool) string {
	if inName {
		return "A"
	}
	return "B"
}

// postgresMatch is in the language of tsquery: ('ngin':*A) & ('aplha':*A | 'alpha':A).
func postgresMatch(terms []registry.Term, inName bool) string {
	return eachTerm(terms, " & ", " | ", func(word string, prefix bool) string {
		label := ""
		if prefix {
			label = "*"
		}
		if inName {
			label += "A"
		}
		if label == "" {
			return "'" + word + "'"
		}
		return "'" + word + "':" + label
	})
}

func eachTerm(terms []registry.Term, and, or string, print func(word string, prefix bool) string) string {
	all := make([]string, len(terms))
	for i, term := range terms {
		var one []string
		if term.Prefix != "" {
			one = append(one, print(term.Prefix, true))
		}
		for _, word := range term.Words {
			one = append(one, print(word, false))
		}
		all[i] = "(" + strings.Join(one, or) + ")"
	}
	return strings.Join(all, and)
}

// PutDocument replaces what is there, as FTS5 has no upsert.
func (t *tx) PutDocument(repository int64, d registry.Document) error {
	before, err := t.documentWords(repository)
	if err != nil {
		return err
	}
	if err := t.deleteDocument(repository); err != nil {
		return err
	}
	rest := append(append([]string(nil), d.Words...), d.Text...)
	write := t.session.dialect.searchWords
	if _, err := t.exec(`INSERT INTO search ({{search id}}, {{document}}`, repository, write(d.Name, true), write(rest, false)); err != nil {
		return err
	}
	after := vocabulary(d.Name, d.Words)
	if _, err := t.exec(`INSERT INTO search_document (repository_id, words) VALUES ($1, $2)`, repository, strings.Join(after, " ")); err != nil {
		return err
	}
	if err := t.learn(without(after, before)); err != nil {
		return err
	}
	return t.forget(without(before, after))
}

// documentWords are those of the vocabulary that the document has, none when there is no document.
func (t *tx) documentWords(repository int64) ([]string, error) {
	words, err := one(t, "document", func(r row, s *string) error { return r.Scan(s) },
		`SELECT words FROM search_document WHERE repository_id = $1`, repository)
	if errors.Is(err, registry.ErrAbsent) {
		err = nil
	}
	return strings.Fields(words), err
}

func (t *tx) deleteDocument(repository int64) error {
	if _, err := t.exec(`DELETE FROM search_document WHERE repository_id = $1`, repository); err != nil {
		return err
	}
	_, err := t.exec(`DELETE FROM search WHERE {{search id}} = $1`, repository)
	return err
}

func (t *tx) FindListed(m registry.Match, o registry.ListingOrder, limit int) ([]int64, error) {
	order, ok := map[registry.ListingOrder]string{
		registry.OrderDownloads: "l.downloads DESC, l.repository_id",
		registry.OrderPushed:    "l.pushed_at DESC, l.repository_id",
		registry.OrderName:      "l.name, l.repository_id",
	}[o]
	if !ok {
		return nil, fmt.Errorf("metadata: order %d of listings is unknown", o)
	}
	q := t.question(m)
	return all(t, func(r row, id *int64) error { return r.Scan(id) },
		`SELECT l.repository_id FROM `+q.from+` ORDER BY `+order+` LIMIT `+q.arg(limit), q.args...)
}

func (t *tx) CountTraits(m registry.Match, limit int) ([]registry.TraitCount, error) {
	q := t.question(m)
	return all(t, func(r row, c *registry.TraitCount) error {
		return r.Scan(&c.Traits.Systems, &c.Traits.Architectures, &c.Traits.Kinds, &c.Verified, &c.Count)
	}, `SELECT systems, architectures, kinds, verified, count(*) FROM (
			SELECT l.systems, l.architectures, l.kinds, l.verified FROM `+q.from+` LIMIT `+q.arg(limit)+`
		) AS f GROUP BY systems, architectures, kinds, verified`, q.args...)
}

// question is a Match as SQL. $1 is what the full-text index is asked, when it is.
type question struct {
	from string
	args []any
}

func (q *question) arg(v any) string {
	q.args = append(q.args, v)
	return fmt.Sprintf("$%d", len(q.args))
}

func (q *question) where(condition string, v any) {
	q.from += " AND " + fmt.Sprintf(condition, q.arg(v))
}

// question has the index come first: CROSS JOIN forbids SQLite to ask it about every listing one by one.
func (t *tx) question(m registry.Match) *question {
	q := &question{from: `listing AS l WHERE TRUE`}
	if len(m.Terms) > 0 {
		q.arg(t.session.dialect.searchMatch(m.Terms, m.InName))
		q.from = `search CROSS JOIN listing AS l WHERE {{found}} AND l.repository_id = search.{{search id}}`
	}
	switch {
	case m.Named != "" && m.Prefix:
		first, after := q.arg(m.Named), q.arg(m.Named+"\U0010FFFF")
		q.from += fmt.Sprintf(" AND l.leaf >= %s AND l.leaf < %s", first, after)
	case m.Named != "":
		q.where("(l.leaf = %[1]s OR l.name = %[1]s)", m.Named)
	}
	if m.Account != "" {
		q.where("l.account_id = %s", m.Account)
	}
	if m.Verified {
		q.from += " AND l.verified"
	}
	for _, set := range []struct {
		column string
		bits   int64
	}{{"systems", m.Traits.Systems}, {"architectures", m.Traits.Architectures}, {"kinds", m.Traits.Kinds}} {
		if set.bits != 0 {
			q.where("(l."+set.column+" & %s) <> 0", set.bits)
		}
	}
	return q
}
