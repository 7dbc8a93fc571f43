package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// writeConfig makes a configuration file.
func writeConfig(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "openecr.yaml")
	must(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// refusedProxy is what serve says of --trusted-proxies of that value: by it tests tell which value came through.
func refusedProxy(value string) string {
	return "openecr: --trusted-proxies: \"" + value + "\" is neither an IP address nor a network like 10.0.0.0/8\n"
}

func TestFlagsBeforeEnvironmentBeforeFile(t *testing.T) {
	file := writeConfig(t, "# what the file says\ntrusted-proxies: [file]\naddr: 127.0.0.1:0\nmax-images: 7\nstrict-region: true\nshutdown-delay: 5s\n")
	for name, c := range map[string]struct{ env, args, want string }{
		"file":        {"", "", refusedProxy("file")},
		"environment": {"OPENECR_TRUSTED_PROXIES=environment", "", refusedProxy("environment")},
		"flag":        {"OPENECR_TRUSTED_PROXIES=environment", "--trusted-proxies=flag", refusedProxy("flag")},
	} {
		for _, way := range []struct{ env, arg string }{{"A=b", "--config=" + file}, {"OPENECR_CONFIG=" + file, "--log-level=info"}} {
			args := []string{"serve", way.arg, "--log-format=json"}
			if c.args != "" {
				args = append(args, c.args)
			}
			env := []string{way.env}
			if c.env != "" {
				env = append(env, c.env)
			}
			if _, stderr, status := run(t, env, args...); stderr != c.want || status != 1 {
				t.Errorf("%s: %d %s", name, status, stderr)
			}
		}
	}
}

func TestFileIsForCommandsOnTheStoresToo(t *testing.T) {
	data := filepath.Join(t.TempDir(), "elsewhere")
	file := writeConfig(t, "data: "+data+"\naddr: 127.0.0.1:0\n") // account has no --addr, and does not mind
	_, stderr, status := run(t, nil, "account", "list", "--config", file)
	want := "openecr: no openecr has run on data folder " + data + ": start"
	if status != 1 || !strings.HasPrefix(stderr, want) {
		t.Errorf("account: %d %s", status, stderr)
	}
	if _, stderr, status = run(t, []string{"OPENECR_CONFIG=" + file}, "env"); status != 1 || !strings.HasPrefix(stderr, want) {
		t.Errorf("env: %d %s", status, stderr)
	}
}

func TestMistakesInTheFile(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"unknown option":     {"addr: x\n\nlisten: y\n", `line 3: openecr serve has no option "listen"`},
		"option by variable": {"OPENECR_ADDR: x\n", `line 1: openecr serve has no option "OPENECR_ADDR"`},
		"file in the file":   {"config: x\n", `line 1: openecr serve has no option "config"`},
		"twice":              {"addr: x\naddr: y\n", "line 2: option addr is set twice"},
		"no number":          {"addr: x\nmax-images: many\n", `line 2: option max-images: expected a valid 64 bit int but got "many"`},
		"no truth":           {"strict-region: perhaps\n", `line 1: option strict-region: bool value must be true, 1, yes, false, 0 or no but got "perhaps"`},
		"list for one":       {"addr: [x, y]\n", "line 1: option addr: it takes one value, not 2"},
		"no value":           {"addr:\n", "line 1: option addr: it needs a value or a list of values"},
		"nested":             {"addr: {port: 1}\n", "line 1: option addr: it needs a value or a list of values"},
		"nested list":        {"trusted-proxies: [[x]]\n", "line 1: option trusted-proxies: its list must have plain values"},
		"no options":         {"- addr\n", "line 1: write one option: value a line"},
		"no YAML":            {"addr: 'x\n", "yaml: "},
	} {
		file := writeConfig(t, c.text)
		_, stderr, status := run(t, nil, "serve", "--config", file)
		if status == 0 || !strings.Contains(stderr, "config file "+file+": "+c.want) || strings.Count(stderr, "\n") > 2 {
			t.Errorf("%s: %d %s", name, status, stderr)
		}
	}
	_, stderr, status := run(t, nil, "serve", "--config", "absent.yaml")
	if status == 0 || !strings.Contains(stderr, "config file absent.yaml: no such file or directory") {
		t.Errorf("absent: %d %s", status, stderr)
	}
}

func TestFileOfCommentsSetsNothing(t *testing.T) {
	file := writeConfig(t, "# addr: x\n")
	if _, stderr, _ := run(t, nil, "serve", "--config", file, "--trusted-proxies=x"); stderr != refusedProxy("x") {
		t.Error(stderr)
	}
}

func FuzzConfigFile(f *testing.F) {
	for _, text := range []string{"", "addr: x", "a: &a [*a]", "trusted-proxies: [a, b]", "addr: *x", "? [a]: b", "addr: !!binary x", "---\n---\n"} {
		f.Add(text)
	}
	flags := serveFlags(f)
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "c.yaml")
		must(t, os.WriteFile(path, []byte(text), 0o600))
		values, err := readConfigFile(path, flags)
		if err == nil {
			for name := range values {
				if findFlag(flags, name) == nil {
					t.Errorf("%q is no option", name)
				}
			}
		}
	})
}
