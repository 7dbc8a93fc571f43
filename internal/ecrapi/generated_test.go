package ecrapi

import (
	"encoding/base64"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openecr/openecr/ecrpublic"
)

// generateFor is for long runs: go test ./internal/ecrapi -run GeneratedRequests -generate 10m -timeout 0
var generateFor = flag.Duration("generate", 2*time.Second, "how long to send generated requests")

// TestGeneratedRequestsAreNeverOurFault sends requests made of the table of package ecrpublic with chance values in every
// member: right ones, almost right ones, nonsense, and what earlier answers told. Whatever comes, the answer is JSON and
// no failure of the server.
func TestGeneratedRequestsAreNeverOurFault(t *testing.T) {
	r := newRig(t)
	r.Observe = nil // it would keep every request
	r.Server = New(r.Options)
	seed := rand.Uint64()
	g := generator{Rand: rand.New(rand.NewPCG(seed, 0)), heard: make(map[string][]any)}
	statuses, succeeded := make(map[int]int), make(map[string]int)
	operations := ecrpublic.Operations()
	for end := time.Now().Add(*generateFor); time.Now().Before(end); {
		op := operations[g.IntN(len(operations))]
		if op.Name == "DeleteRepository" && !g.chance(2) {
			continue // or nothing has the time to grow
		}
		body, err := json.Marshal(g.value(op.Input.Name, op.Input))
		must(t, err)
		key := "OWNER"
		if g.chance(10) {
			key = "STRANGER"
		}
		w := do(r, signedBy(key, op.Name, string(body)))
		statuses[w.Code]++
		var answer map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code >= http.StatusInternalServerError {
			t.Fatalf("seed %d: %s %.2000s\nanswer: %d %s", seed, op.Name, body, w.Code, w.Body)
		}
		if w.Code == http.StatusOK {
			g.hear("", answer)
			succeeded[op.Name]++
		}
	}
	t.Logf("seed %d: answers by status: %v; successes: %v", seed, statuses, succeeded)
	if statuses[http.StatusOK] == 0 || statuses[http.StatusBadRequest] == 0 {
		t.Error("the requests are all right or all wrong")
	}
	r.noSpools(t)
}

// generator draws values. It remembers what answers told, by the name of the member, and uses it again.
type generator struct {
	*rand.Rand
	heard map[string][]any
}

// chance is true in so many of a hundred cases.
func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

func (g *generator) hear(name string, v any) {
	const most = 4 // of one member: what was told of late still stands
	switch v := v.(type) {
	case map[string]any:
		for member, value := range v {
			g.hear(member, value)
		}
	case []any:
		for _, item := range v {
			g.hear(strings.TrimSuffix(name, "s"), item)
		}
	default:
		if len(g.heard[name]) < most {
			g.heard[name] = append(g.heard[name], v)
		} else {
			g.heard[name][g.IntN(most)] = v
		}
	}
}

// likely are values of members that lead somewhere.
var likely = map[string][]any{
	"registryId":     {account, account, account, stranger, "a1b2c3d4"},
	"repositoryName": {"hello", "hello", "hello", "team/app"},
	"repositoryNames": {
		"hello", "team/app",
	},
	"imageTag":      {"latest", "1.0"},
	"imageManifest": {imageManifest, indexManifest},
	"layerDigests":  {"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},
	"layerPartBlob": {"YWJj", "e30="},
	"partFirstByte": {0, 0, 3},
	"partLastByte":  {1, 2},
	"resourceArn":   {"arn:aws:ecr-public::" + account + ":repository/hello", "arn:aws:ecr-public::" + account + ":registry/" + account},
	"policyText":    {`{"Statement":{"Effect":"Allow","Principal":"*","Action":"*"}}`, `{"Statement":{"Effect":"Deny","Principal":{"AWS":"` + stranger + `"},"Action":"ecr-public:*"}}`},
	"logoImageBlob": {base64.StdEncoding.EncodeToString(logo(60, 60)), base64.StdEncoding.EncodeToString(logo(59, 60))},
	"maxResults":    {1, 2, 1000},
	"Key":           {"team", "aws:x"},
	"tagKeys":       {"team", "stage"},
}

// value of a member. Most are likely, because a request is refused for the first that is not.
func (g *generator) value(name string, s *ecrpublic.Shape) any {
	switch {
	case g.chance(1):
		return g.nonsense(3)
	case s.Kind == ecrpublic.KindStructure:
		object := make(map[string]any)
		for _, m := range s.Members {
			if m.Required && !g.chance(1) || !m.Required && g.chance(30) {
				object[m.Name] = g.value(m.Name, m.Shape)
			}
		}
		return object
	case s.Kind == ecrpublic.KindList:
		list := make([]any, g.IntN(4))
		for i := range list {
			list[i] = g.value(name, s.Item)
		}
		return list
	}
	known := append(append([]any{}, likely[name]...), append(g.heard[name], g.heard[strings.TrimSuffix(name, "s")]...)...)
	if len(known) > 0 && !g.chance(5) {
		return known[g.IntN(len(known))]
	}
	switch s.Kind {
	case ecrpublic.KindLong, ecrpublic.KindInteger:
		return g.Int64N(1<<uint(1+g.IntN(62))) - 2
	case ecrpublic.KindBoolean:
		return g.chance(50)
	case ecrpublic.KindBlob:
		return base64.StdEncoding.EncodeToString([]byte(g.text()))
	}
	return g.text()
}

// text is a string of characters that have hurt somebody before.
func (g *generator) text() string {
	alphabet := []string{"a", "0", "/", "..", ":", "@", "é", "\x00", "\n", "%", "'", `"`, "\\", "{", "}", "<", "\u2028", "😀", " ", "_", "-", "sha256:", "*"}
	var b strings.Builder
	for range g.IntN(1 << g.IntN(10)) {
		b.WriteString(alphabet[g.IntN(len(alphabet))])
	}
	return b.String()
}

func (g *generator) nonsense(depth int) any {
	switch n := g.IntN(8); {
	case n == 0 && depth > 0:
		return []any{g.nonsense(depth - 1), g.nonsense(depth - 1)}
	case n == 1 && depth > 0:
		return map[string]any{g.text(): g.nonsense(depth - 1)}
	case n == 2:
		return nil
	case n == 3:
		return g.chance(50)
	case n == 4:
		return g.NormFloat64() * 1e20
	case n == 5:
		return g.Int64()
	}
	return g.text()
}
