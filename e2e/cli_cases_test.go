//go:build e2e

package e2e

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A cliCase is a command line that the AWS CLI and openecr get, with what is set in the environment beside the test's.
type cliCase struct {
	line string
	env  []string
	args []string
	// onlyStdout says that the texts on standard error are those of another TLS or HTTP library.
	onlyStdout bool
}

// readCases reads a file of cases: a command line each, as in a shell, with settings before it; # begins a comment, and
// ~ before a line says that its errors are not compared.
func readCases(t *testing.T, path string) []cliCase {
	t.Helper()
	f, err := os.Open(path)
	must(t, err)
	defer f.Close()
	var cases []cliCase
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		c := cliCase{line: line}
		line, c.onlyStdout = strings.CutPrefix(line, "~ ")
		words := shellWords(t, line)
		for len(words) > 0 && isSetting(words[0]) {
			c.env, words = append(c.env, words[0]), words[1:]
		}
		c.args = words
		cases = append(cases, c)
	}
	must(t, lines.Err())
	if len(cases) == 0 {
		t.Fatalf("%s has no cases", filepath.Base(path))
	}
	return cases
}

func isSetting(word string) bool {
	name, _, ok := strings.Cut(word, "=")
	return ok && name == strings.ToUpper(name) && !strings.HasPrefix(name, "-") && name != ""
}

// shellWords splits a line at white space, with what is in quotes kept together. $'…' has the escapes \n, \t, \\ and \'.
func shellWords(t *testing.T, line string) []string {
	t.Helper()
	var words []string
	var word strings.Builder
	inWord := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == ' ' || c == '\t':
			if inWord {
				words = append(words, word.String())
			}
			word.Reset()
			inWord = false
			continue
		case c == '\'' || c == '"':
			end := strings.IndexByte(line[i+1:], c)
			if end < 0 {
				t.Fatalf("a quote is not closed: %s", line)
			}
			word.WriteString(line[i+1 : i+1+end])
			i += end + 1
		case c == '$' && strings.HasPrefix(line[i:], "$'"):
			for i += 2; i < len(line) && line[i] != '\''; i++ {
				if line[i] == '\\' && i+1 < len(line) {
					i++
					word.WriteString(strings.NewReplacer("n", "\n", "t", "\t").Replace(line[i : i+1]))
				} else {
					word.WriteByte(line[i])
				}
			}
		default:
			word.WriteByte(c)
		}
		inWord = true
	}
	if inWord {
		words = append(words, word.String())
	}
	return words
}
