package registry

import (
	"strings"
	"testing"
)

func TestConfigOfWrongTypesIsRefused(t *testing.T) {
	for _, content := range []string{
		``, `[]`, `"x"`, `{"config":[]}`, `{"config":{"Env":"A=b"}}`, `{"config":{"Labels":{"a":1}}}`, `{"history":{}}`,
		`{"history":[1]}`, `{"history":[{"empty_layer":"yes"}]}`, `{"config":{"ExposedPorts":["80"]}}`,
	} {
		if c, err := parseConfig([]byte(content)); err == nil {
			t.Errorf("%s was read as %+v", content, c)
		}
	}
}

func TestConfigLeavesOutWhatIsNoPlatform(t *testing.T) {
	c, err := parseConfig([]byte(`{"os":"<script>alert(1)\n</script>","architecture":"` + strings.Repeat("a", 1000) + `","variant":7,"created":""}`))
	if err != nil || c.Platform != (Platform{}) || !c.Created.IsZero() {
		t.Errorf("%+v, error %v", c, err)
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(`{"os":"linux","architecture":"arm64","variant":"v8","config":{"Entrypoint":["/a"],"Env":["A=b"],"ExposedPorts":{"80/tcp":{}},"Labels":{"a":"b"}},"history":[{"created":"2026-01-02T03:04:05Z","created_by":"RUN","empty_layer":true}]}`))
	f.Add([]byte(`{"config":null,"history":null,"os":null}`))
	f.Add([]byte(`{"OS":"linux","Config":{}}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		c, err := parseConfig(content)
		if err != nil {
			return
		}
		if n := len(c.commands(3)); n != 3 {
			t.Errorf("%d commands for 3 layers", n)
		}
		if len(c.History) > maxHistory || len(c.Platform.OS) > 64 {
			t.Errorf("unbounded: %+v", c)
		}
	})
}

func TestWords(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "",
		"Team/NGINX-Proxy_x":            "team nginx proxy x",
		"nginx:1.27.3-Alpine3.19":       "nginx 1.27 alpine3.19",
		"a.b. 1. .2 3.x":                "a b 1 2 3 x",
		"größe, größe":                  "größe",
		"\xff\xfe日本語":                   "日本語",
		strings.Repeat("x", 100) + " y": strings.Repeat("x", longestWord) + " y",
	} {
		if got := strings.Join(wordsOf(text), " "); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for tag, want := range map[string]string{
		"1.27.3-alpine": "1.27 alpine", "latest": "latest", "9f8e7d6c5b": "", "deadbeef": "deadbeef", "20261122": "", "2026": "2026", "build-12345": "build", "v1": "v1",
	} {
		if got := strings.Join(tagWords(tag), " "); got != want {
			t.Errorf("tag %q: %q, want %q", tag, got, want)
		}
	}
}

func FuzzWords(f *testing.F) {
	f.Add("nginx:1.27.3-Alpine, größe \xff 1..2")
	f.Fuzz(func(t *testing.T, text string) {
		for _, w := range wordsOf(text) {
			if w == "" || strings.ContainsAny(w, " \"'\\:*()&|!") {
				t.Errorf("word %q", w)
			}
			if again := wordsOf(w); len(again) != 1 || again[0] != w {
				t.Errorf("%q is split again into %q", w, again)
			}
		}
	})
}
