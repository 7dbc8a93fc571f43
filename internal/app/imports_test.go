package app

import (
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/openecr/openecr/"

// rooms says which other rooms each may import. A room is a package with those below it; one that is not here may not be.
var rooms = map[string][]string{
	"cmd/openecr":           {"ecrpublic", "internal/awscli", "internal/push", "internal/ref", "internal/progress", "internal/app"},
	"internal/app":          {"ecrpublic", "internal/ecrapi", "internal/ociapi", "internal/gallery", "internal/stsapi", "internal/policy", "internal/telemetry", "internal/admission", "internal/audit", "internal/webhook", "internal/auth", "internal/sqlmeta", "internal/transfer", "internal/blobfs", "internal/blobs3", "internal/durable", "internal/registry", "internal/ref"},
	"internal/ecrapi":       {"ecrpublic", "internal/registry", "internal/ref"},
	"internal/ociapi":       {"internal/registry", "internal/ref"},
	"internal/gallery":      {"internal/registry", "internal/ref"},
	"internal/stsapi":       {"internal/registry"},
	"internal/auth":         {"internal/durable", "internal/registry", "internal/ref"},
	"internal/sqlmeta":      {"internal/durable", "internal/registry", "internal/ref"},
	"internal/blobfs":       {"internal/durable", "internal/registry", "internal/ref"},
	"internal/blobs3":       {"internal/registry", "internal/ref"},
	"internal/telemetry":    {"internal/registry", "internal/ref"},
	"internal/admission":    {},
	"internal/awscli":       {"ecrpublic"},
	"internal/push":         {"ecrpublic", "internal/progress", "internal/ref"},
	"internal/audit":        {"internal/durable"},
	"internal/webhook":      {"internal/registry"},
	"internal/policy":       {},
	"internal/registry":     {"internal/policy", "internal/ref"},
	"internal/ref":          {},
	"internal/transfer":     {"internal/durable", "internal/registry", "internal/ref"},
	"internal/progress":     {},
	"internal/durable":      {},
	"internal/registrytest": {"internal/registry", "internal/ref"}, // and no package but tests imports it
	"internal/enginetest":   {},                                    // likewise
	"internal/powercut":     {},                                    // likewise
	"internal/faults":       {"internal/registry"},                 // likewise, and binaries that are built for such tests
	"ecrpublic":             {},
	"e2e":                   {},
	"bench":                 {"internal/sqlmeta", "internal/registry", "internal/ref"},
}

// roomOf is the room that a package of this module belongs to, "" when there is none.
func roomOf(name string) string {
	for name != "." {
		if _, ok := rooms[name]; ok {
			return name
		}
		name = path.Dir(name)
	}
	return ""
}

// unknownTo says what packages must not reach, by whatever path. A word that ends in "/" is all that begins with it.
var unknownTo = map[string][]string{
	"internal/registry":  {"net/http", "database/sql", "log", "log/slog", "github.com/aws/", "go.opentelemetry.io/"},
	"internal/ref":       {"net/http", "database/sql", "log", "log/slog", "github.com/aws/"},
	"internal/transfer":  {"net/http", "database/sql", "log", "log/slog", "github.com/aws/"},
	"internal/sqlmeta":   {"net/http", "github.com/aws/"},
	"internal/blobfs":    {"net/http", "database/sql", "github.com/aws/"},
	"internal/blobs3":    {"database/sql"},
	"internal/ociapi":    {"database/sql", "log/slog", "github.com/aws/"},
	"internal/gallery":   {"database/sql", "log/slog", "github.com/aws/"},
	"internal/telemetry": {"github.com/aws/"},
	"internal/auth":      {"database/sql", "log/slog", "github.com/aws/"},
}

func TestImportsGoOneWay(t *testing.T) {
	imports := importGraph(t)
	for name, direct := range imports {
		name, ours := strings.CutPrefix(name, module)
		if !ours {
			continue
		}
		room := roomOf(name)
		if room == "" {
			t.Errorf("package %s has no row in the table of rooms", name)
		}
		for _, imported := range direct {
			imported, ours := strings.CutPrefix(imported, module)
			if ours && roomOf(imported) != room && !slices.Contains(rooms[room], roomOf(imported)) {
				t.Errorf("%s must not import %s", name, imported)
			}
		}
	}
}

func TestNobodyKnowsMoreThanItMay(t *testing.T) {
	imports := importGraph(t)
	for name, forbidden := range unknownTo {
		for _, word := range forbidden {
			if path := findImport(imports, module+name, word); path != nil {
				t.Errorf("%s must not know %s: %s", name, word, strings.Join(path, " imports "))
			}
		}
	}
	// ecrpublic has a client on the AWS SDK. The API surface uses only its values.
	for _, imported := range imports[module+"internal/ecrapi"] {
		if strings.HasPrefix(imported, "github.com/aws/") {
			t.Errorf("internal/ecrapi must not import %s", imported)
		}
	}
}

func TestFindImportPrintsThePath(t *testing.T) {
	graph := map[string][]string{"a": {"b", "c"}, "b": {"a"}, "c": {"d/e"}}
	if path := findImport(graph, "a", "d/"); strings.Join(path, " ") != "a c d/e" {
		t.Errorf("got %v", path)
	}
	if path := findImport(graph, "b", "d"); path != nil {
		t.Errorf("got %v", path)
	}
}

// What reads requests opens no file by a name, so no words of a client become a path (SECURITY.md, F1). Files are the
// stores' business, which take locators; the API has a spool, whose files have no names.
func TestWhatReadsRequestsOpensNoFiles(t *testing.T) {
	imports := importGraph(t)
	for _, name := range []string{"internal/ecrapi", "internal/ociapi", "internal/gallery", "internal/stsapi", "internal/registry", "internal/policy", "internal/ref"} {
		for _, word := range []string{"os", "path/filepath", "io/ioutil", "syscall", "golang.org/x/sys/unix"} {
			if isSpool := name == "internal/ecrapi" && word == "os"; !isSpool && slices.Contains(imports[module+name], word) {
				t.Errorf("%s must not import %s", name, word)
			}
		}
	}
}

// importGraph is what every package of the module and below it imports, tests left out.
func importGraph(t *testing.T) map[string][]string {
	t.Helper()
	list := exec.Command("go", "list", "-deps", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...")
	list.Dir, list.Stderr = "../..", os.Stderr
	out, err := list.Output()
	if err != nil {
		t.Fatalf("%s: %v", list, err)
	}
	graph := make(map[string][]string)
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		graph[words[0]] = words[1:]
	}
	return graph
}

// findImport is a shortest path of imports from a package to a word of unknownTo, nil when there is none.
func findImport(graph map[string][]string, from, word string) []string {
	paths := [][]string{{from}}
	seen := map[string]bool{from: true}
	for len(paths) > 0 {
		path := paths[0]
		paths = paths[1:]
		last := path[len(path)-1]
		if last == word || strings.HasSuffix(word, "/") && strings.HasPrefix(last, word) {
			return path
		}
		for _, next := range graph[last] {
			if !seen[next] {
				seen[next] = true
				paths = append(paths, append(slices.Clone(path), next))
			}
		}
	}
	return nil
}
