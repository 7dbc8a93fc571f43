package gallery

import (
	"net/url"
	"strings"
	"testing"

	"github.com/openecr/openecr/internal/registry"
)

func TestSizes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 9949: "9.9 kB", 9950: "10 kB", 31_400_000: "31 MB", 999_499_999: "999 MB", 999_500_000: "1.0 GB", 1 << 62: "4611686 TB"} {
		if got := formatBytes(n); got != want {
			t.Errorf("%d bytes are %q instead of %q", n, got, want)
		}
	}
}

func TestCounts(t *testing.T) {
	for n, want := range map[int64][2]string{
		0: {"0", "0"}, 999: {"999", "999"}, 1000: {"1,000", "1k"}, 1250: {"1,250", "1.2k"}, 12_345: {"12,345", "12k"}, 999_499: {"999,499", "999k"},
		999_500: {"999,500", "1M"}, 3_449_999: {"3,449,999", "3.4M"}, 2_000_000_000: {"2,000,000,000", "2B"}, -1234: {"-1,234", "-1234"},
	} {
		if exact, rounded := formatCount(n), roundCount(n); exact != want[0] || rounded != want[1] {
			t.Errorf("%d is %q and %q instead of %q", n, exact, rounded, want)
		}
	}
}

func TestClip(t *testing.T) {
	for _, c := range []struct {
		most       int
		text, want string
	}{
		{3, "", ""}, {3, "abc", "abc"}, {3, "abcd", "abc… (1 more characters)"}, {2, "äöü", "äö… (1 more characters)"}, {0, "ab", "… (2 more characters)"},
	} {
		if got := clip(c.most, c.text); got != c.want {
			t.Errorf("%q cut after %d is %q", c.text, c.most, got)
		}
	}
}

func TestLettersInPlaceOfLogos(t *testing.T) {
	for name, want := range map[string]string{"nginx": "N", "team/app": "A", "9lives": "9", "": "?", "-x": "X", "été": "É"} {
		if got := firstLetter(name); got != want {
			t.Errorf("%q has %q", name, got)
		}
	}
}

func TestPullCommands(t *testing.T) {
	const digest = "sha256:12"
	for name, c := range map[string]struct {
		url      string
		kind     registry.ArtifactKind
		uri, tag string
		want     []string
	}{
		"with TLS": {"https://r.test", registry.KindImage, "r.test/a1/team/my_app.x", "1", []string{
			"docker pull r.test/a1/team/my_app.x:1", "podman pull r.test/a1/team/my_app.x:1", "ctr images pull r.test/a1/team/my_app.x:1",
			"apiVersion: v1\nkind: Pod\nmetadata:\n  name: my-app-x\nspec:\n  containers:\n    - name: my-app-x\n      image: r.test/a1/team/my_app.x:1\n",
		}},
		"on this machine": {"http://127.0.0.1:8080", registry.KindImage, "127.0.0.1:8080/a1/app", "", []string{
			"docker pull 127.0.0.1:8080/a1/app@" + digest, "podman pull --tls-verify=false 127.0.0.1:8080/a1/app@" + digest, "ctr images pull --plain-http 127.0.0.1:8080/a1/app@" + digest,
			"apiVersion: v1\nkind: Pod\nmetadata:\n  name: app\nspec:\n  containers:\n    - name: app\n      image: 127.0.0.1:8080/a1/app@" + digest + "\n",
		}},
		"a chart":           {"https://r.test", registry.KindChart, "r.test/a1/web", "1.0.0_b1", []string{"helm pull oci://r.test/a1/web --version 1.0.0+b1"}},
		"a chart by digest": {"http://r.test", registry.KindChart, "r.test/a1/web", "", []string{"helm pull --plain-http oci://r.test/a1/web@" + digest}},
		"anything else":     {"https://r.test", registry.KindSBOM, "r.test/a1/x1", "t", []string{"oras pull r.test/a1/x1:t"}},
		"a number is no name in YAML": {"https://r.test", registry.KindImage, "r.test/a1/1e5", "t", []string{
			"docker pull r.test/a1/1e5:t", "podman pull r.test/a1/1e5:t", "ctr images pull r.test/a1/1e5:t",
			"apiVersion: v1\nkind: Pod\nmetadata:\n  name: \"1e5\"\nspec:\n  containers:\n    - name: \"1e5\"\n      image: r.test/a1/1e5:t\n",
		}},
	} {
		u, err := url.Parse(c.url)
		if err != nil {
			t.Fatal(err)
		}
		p := newPulls(u, c.kind, c.uri, c.tag, digest)
		for i, want := range c.want {
			if p.Ways[i].Text != want {
				t.Errorf("%s: %q instead of %q", name, p.Ways[i].Text, want)
			}
		}
	}
}

func TestPlainHTTPIsExplained(t *testing.T) {
	for address, want := range map[string]bool{"https://r.test": false, "http://r.test": true, "http://127.0.0.1:1": false, "http://localhost:1": false, "http://[::1]:1": false, "http://10.0.0.1": true} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := newPulls(u, registry.KindImage, u.Host+"/a1/app", "1", "").Note != ""; got != want {
			t.Errorf("%s: note %v", address, got)
		}
	}
}

func TestPagers(t *testing.T) {
	q := url.Values{"tab": {"tags"}}
	for name, c := range map[string]struct {
		page, total    int
		previous, next string
		last           int
	}{
		"nothing":          {1, 0, "", "", 1},
		"one page":         {1, 10, "", "", 1},
		"the first":        {1, 11, "", "/x?page=2&tab=tags", 2},
		"one between":      {3, 45, "/x?page=2&tab=tags", "/x?page=4&tab=tags", 5},
		"back to first":    {2, 11, "/x?tab=tags", "", 2},
		"beyond the end":   {9, 11, "/x?page=2&tab=tags", "", 2},
		"beyond an absent": {9, 0, "/x?tab=tags", "", 1},
	} {
		p := newPager("/x", q, c.page, 10, c.total)
		if p.Previous != c.previous || p.Next != c.next || p.Last != c.last {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

func TestChartSaysWhatItShows(t *testing.T) {
	var days []registry.DownloadDay
	for i := range 10 {
		days = append(days, registry.DownloadDay{Day: sampleTime.AddDate(0, 0, i), Count: int64(i % 9)})
	}
	c := newChart(days)
	if want := "Downloads per day in the last 10 days: 36 in all, most on 28 Nov 2026 with 8"; c.Summary != want {
		t.Errorf("summary %q", c.Summary)
	}
	if len(c.Bars) != 10 || c.Bars[8].Height != "100.0" || c.Bars[0].Height != "0.0" || c.Bars[8].Label != "28 Nov 2026: 8" {
		t.Errorf("bars %+v", c.Bars)
	}
	if len(c.Weeks) != 2 || c.Weeks[0].Count != 33 || c.Weeks[1].Count != 3 {
		t.Errorf("weeks %+v", c.Weeks)
	}
	if empty := newChart(nil); empty.Total != 0 || strings.Contains(empty.Summary, "most") {
		t.Errorf("%+v", empty)
	}
}
