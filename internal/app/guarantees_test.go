package app

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	testFunction = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	namedTest    = regexp.MustCompile("`((?:Test|Fuzz)\\w+)`")
)

// Each promise of docs/guarantees.md names tests, and these exist.
func TestGuaranteesHaveTheirTests(t *testing.T) {
	there := make(map[string]bool)
	must(t, filepath.WalkDir("../..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		content, err := os.ReadFile(path)
		for _, found := range testFunction.FindAllSubmatch(content, -1) {
			there[string(found[1])] = true
		}
		return err
	}))
	doc, err := os.ReadFile("../../docs/guarantees.md")
	must(t, err)
	promises := 0
	for line := range strings.Lines(string(doc)) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| promise") || strings.HasPrefix(line, "| ---") {
			continue
		}
		promises++
		tests := namedTest.FindAllStringSubmatch(line, -1)
		if len(tests) == 0 {
			t.Errorf("no test tries to break it: %s", line)
		}
		for _, name := range tests {
			if !there[name[1]] {
				t.Errorf("there is no test %s, which is to try: %s", name[1], line)
			}
		}
	}
	if promises < 40 {
		t.Errorf("docs/guarantees.md has %d promises", promises)
	}
}
