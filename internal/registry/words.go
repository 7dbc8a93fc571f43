package registry

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// longestWord is where longer ones are cut, in runes.
	longestWord = 40
	// The most words that are kept of one text and of the tags of one repository.
	maxTextWords = 2000
	maxTagWords  = 200
)

// wordsOf splits text into lower-case words, each once. What is written and what is asked for both come through here, so
// they meet. A '.' between digits belongs to the word, and of a version only two numbers count: "nginx:1.27.3-Alpine" is
// nginx, 1.27 and alpine.
func wordsOf(text string) []string {
	var words []string
	seen := make(map[string]bool)
	for _, w := range splitWords(strings.ToLower(text)) {
		w = cutWord(w)
		if w != "" && !seen[w] && len(words) < maxTextWords {
			seen[w] = true
			words = append(words, w)
		}
	}
	return words
}

func splitWords(text string) []string {
	return strings.FieldsFunc(dotted(text), func(c rune) bool {
		return c != '.' && !unicode.IsLetter(c) && !unicode.IsNumber(c) && !unicode.IsMark(c)
	})
}

// dotted leaves only those dots that stand between two ASCII digits.
func dotted(text string) string {
	b := []byte(text)
	for i, c := range b {
		if c == '.' && (i == 0 || i == len(b)-1 || !isDigit(b[i-1]) || !isDigit(b[i+1])) {
			b[i] = ' '
		}
	}
	return string(b)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// cutWord shortens versions and what is too long.
func cutWord(w string) string {
	if major, rest, ok := strings.Cut(w, "."); ok {
		minor, _, _ := strings.Cut(rest, ".")
		w = major + "." + minor
	}
	if utf8.RuneCountInString(w) > longestWord {
		w = string([]rune(w)[:longestWord])
	}
	return w
}

// tagWords are the words of an image tag by which its repository is found: no hashes, dates or build numbers, of which
// every push brings a new one.
func tagWords(tag string) []string {
	var words []string
	for _, w := range wordsOf(tag) {
		digits := strings.IndexFunc(w, unicode.IsDigit) >= 0
		number := strings.Trim(w, "0123456789") == ""
		switch {
		case number && len(w) > 4, digits && len(w) >= 7 && strings.Trim(w, "0123456789abcdef") == "":
		default:
			words = append(words, w)
		}
	}
	return words
}
