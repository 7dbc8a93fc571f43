package sqlmeta

import (
	"slices"
	"unicode"

	"github.com/openecr/openecr/internal/registry"
)

// The vocabulary finds words in spite of a slip. It needs no extension of any database: each word stands in it under
// every variant that lacks one of its letters, and a word with a slip has one of these variants in common with it.

const (
	minSimilar = 5  // runes of a word that is found in spite of a slip
	maxSimilar = 24 // longer ones are names of things, which nobody types
)

// vocabulary is which of the words are found in spite of a slip, each once.
func vocabulary(lists ...[]string) []string {
	var words []string
	for _, w := range slices.Concat(lists...) {
		runes, other := 0, 0
		for _, c := range w {
			runes++
			if !unicode.IsLetter(c) {
				other++
			}
		}
		if runes >= minSimilar && runes <= maxSimilar && other <= 2 && !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	return words
}

// variants of a word are the word and what is left of it without one of its letters, each once.
func variants(word string) []string {
	runes := []rune(word)
	list := []string{word}
	for i := range runes {
		list = append(list, string(slices.Delete(slices.Clone(runes), i, i+1)))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// oneSlip says whether a becomes b by one letter too few, too many or another one, or by two swapped.
func oneSlip(a, b string) bool {
	x, y := []rune(a), []rune(b)
	if len(x) > len(y) {
		x, y = y, x
	}
	if a == b || len(y)-len(x) > 1 {
		return false
	}
	i := 0
	for i < len(x) && x[i] == y[i] {
		i++
	}
	if len(x) < len(y) {
		return slices.Equal(x[i:], y[i+1:])
	}
	if slices.Equal(x[i+1:], y[i+1:]) {
		return true
	}
	return i+1 < len(x) && x[i] == y[i+1] && x[i+1] == y[i] && slices.Equal(x[i+2:], y[i+2:])
}

// without is what of a is not in b.
func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(w string) bool { return slices.Contains(b, w) })
}

func (t *tx) learn(words []string) error {
	slices.Sort(words) // so that updates that run at once meet in one order
	for _, w := range words {
		_, err := t.exec(
			`INSERT INTO search_variant (word, variant) SELECT CAST($1 AS TEXT), item FROM ({{texts}}) AS v WHERE TRUE ON CONFLICT DO NOTHING`,
			w, t.session.dialect.list(variants(w)))
		if err != nil {
			return err
		}
	}
	return nil
}

// forget drops words that no document has any more.
func (t *tx) forget(words []string) error {
	for _, w := range words {
		found, err := t.count(`SELECT count(*) FROM (SELECT 1 FROM search WHERE {{found}} LIMIT 1) AS f`,
			t.session.dialect.searchMatch([]registry.Term{{Words: []string{w}}}, false))
		if err != nil {
			return err
		}
		if found > 0 {
			continue
		}
		_, err = t.exec(`DELETE FROM search_variant WHERE word = $1 AND variant IN ({{texts}})`, w, t.session.dialect.list(variants(w)))
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) SimilarWords(word string) ([]string, error) {
	if n := len([]rune(word)); n < minSimilar-1 || n > maxSimilar+1 {
		return nil, nil
	}
	words, err := all(t, func(r row, w *string) error { return r.Scan(w) },
		`SELECT DISTINCT word FROM search_variant WHERE word <> $1 AND variant IN ({{texts}}) ORDER BY word`,
		word, t.session.dialect.list(variants(word)))
	return slices.DeleteFunc(words, func(w string) bool { return !oneSlip(word, w) }), err
}

var _ registry.SearchTx = (*tx)(nil)
