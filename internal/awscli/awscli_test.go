package awscli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/awscli/document"
)

// run runs the command line against a service that is a function.
func run(t *testing.T, answer http.HandlerFunc, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	service := httptest.NewServer(answer)
	t.Cleanup(service.Close)
	return runAt(t.Context(), t, service.URL, args...)
}

func runAt(ctx context.Context, t *testing.T, url string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return runWithInput(ctx, t, "", url, args...)
}

func runWithInput(ctx context.Context, t *testing.T, stdin, url string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	home := t.TempDir()
	for name, value := range map[string]string{"HOME": home, "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret",
		"AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1"} {
		t.Setenv(name, value)
	}
	var out, errors bytes.Buffer
	cli := CLI{Version: "1.2.3", Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errors}
	code = cli.Run(ctx, append([]string{"--endpoint-url", url}, args...))
	return code, out.String(), errors.String()
}

func answers(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }
}

func TestInputFromStandardInput(t *testing.T) {
	for option, input := range map[string]string{
		"--cli-input-json": `{"repositoryName": "hello", "force": true}`,
		"--cli-input-yaml": "repositoryName: hello\nforce: true\n",
	} {
		var got string
		service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			got = string(body)
			_, _ = io.WriteString(w, "{}")
		}))
		t.Cleanup(service.Close)
		code, _, stderr := runWithInput(t.Context(), t, input, service.URL, "delete-repository", option, "-", "--no-force")
		if want := `{"force":false,"repositoryName":"hello"}`; code != 0 || got != want {
			t.Errorf("%s -: exit code %d, sent %s, want %s; stderr: %s", option, code, got, want, stderr)
		}
	}
}

func TestExitCodes(t *testing.T) {
	refuses := func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type":"aws.example#RepositoryNotFoundException","message":"no such thing"}`)
	}
	tests := []struct {
		name   string
		answer http.HandlerFunc
		args   string
		code   int
		stderr string
	}{
		{"success", answers(`{}`), "describe-repositories", 0, ""},
		{"service error", refuses, "describe-repositories", 254,
			"\nAn error occurred (RepositoryNotFoundException) when calling the DescribeRepositories operation (reached max retries: 0): no such thing\n"},
		{"wrong parameter", nil, "describe-repositories --max-results 0", 252,
			"\nParameter validation failed:\nInvalid value for parameter maxResults, value: 0, valid min value: 1\n"},
		{"unknown option", nil, "describe-repositories --nope", 252, "\n" + usage + "\nUnknown options: --nope\n\n"},
		{"unknown profile", nil, "describe-repositories --profile nope", 255, "\nThe config profile (nope) could not be found\n"},
		{"unknown format", answers(`{}`), "describe-repositories --output off", 0, ""},
		{"prompt", nil, "describe-repositories --cli-auto-prompt", 252, "\nopenecr has no interactive prompt: leave out --cli-auto-prompt\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			answer := test.answer
			if answer == nil {
				answer = func(http.ResponseWriter, *http.Request) { t.Error("something was sent") }
			}
			code, _, stderr := run(t, answer, strings.Fields(test.args)...)
			if code != test.code || stderr != test.stderr {
				t.Errorf("exit code %d, stderr %q; want %d, %q", code, stderr, test.code, test.stderr)
			}
		})
	}
}

func TestAnInterruptedCallEndsWith130(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan struct{})
	service := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then is it noticed that the client has gone
		cancel()
		<-r.Context().Done()
		close(gone)
	}))
	defer service.Close()
	code, stdout, stderr := runAt(ctx, t, service.URL, "describe-registries")
	<-gone
	if code != 130 || stdout != "\n" || stderr != "" {
		t.Errorf("exit code %d, stdout %q, stderr %q; want 130, a line end and nothing", code, stdout, stderr)
	}
}

func TestUnsignedRequestsHaveNoSignature(t *testing.T) {
	var header http.Header
	record := func(w http.ResponseWriter, r *http.Request) { header = r.Header; _, _ = io.WriteString(w, `{}`) }
	if code, _, stderr := run(t, record, "describe-registries", "--no-sign-request"); code != 0 || header.Get("Authorization") != "" {
		t.Errorf("exit code %d (%s), Authorization %q", code, stderr, header.Get("Authorization"))
	}
	if code, _, stderr := run(t, record, "describe-registries"); code != 0 || header.Get("Authorization") == "" {
		t.Errorf("exit code %d (%s), Authorization %q", code, stderr, header.Get("Authorization"))
	}
	if got := header.Get("User-Agent"); got != "openecr/1.2.3" {
		t.Errorf("User-Agent %q", got)
	}
}

func TestTheLocalServerIsUsedOnlyIfNothingElseIsMeant(t *testing.T) {
	local := httptest.NewServer(answers(`{"registries":[]}`))
	defer local.Close()
	asked := 0
	cli := CLI{Stdout: io.Discard, Stderr: io.Discard, Local: func() (Server, bool) {
		asked++
		return Server{local.URL, "AKIA", "secret"}, true
	}}
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "") // so that it is put back
			must(t, os.Unsetenv(name))
		}
	}
	if code := cli.Run(t.Context(), []string{"describe-registries"}); code != 0 || asked != 1 {
		t.Errorf("with nothing set: exit code %d, asked for the local server %d times; want 0 and once", code, asked)
	}
	asked = 0
	cli.Run(t.Context(), []string{"describe-registries", "--profile", "nope"})
	cli.Run(t.Context(), []string{"describe-registries", "--endpoint-url", "http:"})
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	cli.Run(t.Context(), []string{"describe-registries"})
	if asked != 0 {
		t.Errorf("with a profile, an endpoint or a variable the local server was asked for %d times, want never", asked)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestLoginPassword(t *testing.T) {
	code, stdout, stderr := run(t, answers(`{"authorizationData":{"authorizationToken":"QVdTOnBhc3M="}}`), "get-login-password", "--output", "text")
	if code != 0 || stdout != "pass\n" {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
	if code, _, _ := run(t, answers(`{}`), "get-login-password"); code != 255 {
		t.Errorf("without a token: exit code %d, want 255", code)
	}
}

// Every operation, structure and member has its text, and no text is left over.
func TestTextsAreComplete(t *testing.T) {
	used := map[string]bool{}
	var walk func(path string, s *ecrpublic.Shape)
	walk = func(path string, s *ecrpublic.Shape) {
		switch s.Kind {
		case ecrpublic.KindList:
			walk(path, s.Item)
		case ecrpublic.KindStructure:
			if path != "" && structureTexts[s.Name] == "" {
				t.Errorf("structureTexts has nothing for %s (%s)", s.Name, path)
			}
			used[s.Name] = true
			for _, m := range s.Members {
				if describe(s, m) == "" {
					t.Errorf("memberTexts has nothing for %s.%s", s.Name, m.Name)
				}
				used[m.Name], used[s.Name+"."+m.Name] = true, true
				walk(path+"."+m.Name, m.Shape)
			}
		}
	}
	for _, op := range ecrpublic.Operations() {
		used[kebab(op.Name)] = true
		if operationTexts[kebab(op.Name)].summary == "" {
			t.Errorf("operationTexts has nothing for %s", kebab(op.Name))
		}
		walk("", op.Input)
		walk("", op.Output)
	}
	used[loginCommand] = true
	for name := range memberTexts {
		if !used[name] {
			t.Errorf("memberTexts[%q] is of no member", name)
		}
	}
	for name := range structureTexts {
		if !used[name] {
			t.Errorf("structureTexts[%q] is of no structure", name)
		}
	}
	for name := range operationTexts {
		if !used[name] {
			t.Errorf("operationTexts[%q] is of no operation", name)
		}
	}
}

// The options and the output of this operation as the documentation of the AWS CLI lists them.
func TestHelpHasEveryOptionAndFieldWithItsType(t *testing.T) {
	code, text, stderr := run(t, answers(``), "batch-check-layer-availability", "help")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	rest := text
	for _, want := range []string{
		"openecr ecr-public batch-check-layer-availability", "DESCRIPTION", "NOTE", "SYNOPSIS", "batch-check-layer-availability",
		"[--registry-id <value>]", "--repository-name <value>", "--layer-digests <value>", "[--cli-input-json | --cli-input-yaml]",
		"[--generate-cli-skeleton <value>]", "OPTIONS", "--registry-id (string)", "--repository-name (string)", "--layer-digests (list)",
		"(string)", "Syntax:", `"string" "string" ...`, "--cli-input-json | --cli-input-yaml (string)", "--generate-cli-skeleton (string)",
		"OUTPUT", "layers -> (list)", "(structure)", "layerDigest -> (string)", "layerAvailability -> (string)", "layerSize -> (long)",
		"mediaType -> (string)", "failures -> (list)", "(structure)", "layerDigest -> (string)", "failureCode -> (string)", "failureReason -> (string)",
	} {
		_, after, found := strings.Cut(rest, want)
		if !found {
			t.Fatalf("the help does not have %q after what comes before it:\n%s", want, text)
		}
		rest = after
	}
}

func TestEveryCommandHasHelpManPageAndCompletion(t *testing.T) {
	pages := ManPages()
	for _, shell := range []string{"bash", "zsh", "fish"} {
		script, err := Completion(shell, []Word{{"serve", "Run it"}})
		must(t, err)
		for _, name := range append(commandNames(), "serve", "--output", "--layer-digests", "yaml-stream") {
			if name = strings.TrimPrefix(name, "--"); !strings.Contains(script, name) {
				t.Errorf("the completion of %s does not have %s", shell, name)
			}
		}
	}
	for _, name := range commandNames() {
		if p, ok := commandPage(name); !ok || !strings.Contains(p.text(), "OUTPUT") {
			t.Errorf("%s has no help", name)
		}
		if !strings.Contains(pages["openecr-ecr-public-"+name], ".SH NAME\n") {
			t.Errorf("%s has no man page", name)
		}
	}
	if _, err := Completion("tcsh", nil); err == nil {
		t.Error("a completion for tcsh, want an error")
	}
	if code, stdout, _ := run(t, answers(``), "put-image", "--help"); code != 0 || !strings.HasPrefix(stdout, "openecr ecr-public put-image\n") {
		t.Errorf("put-image --help: exit code %d, %q", code, stdout)
	}
	if code, stdout, _ := run(t, answers(``), "nope", "--help"); code != 0 || !strings.Contains(stdout, "EXIT CODES") {
		t.Errorf("nope --help: exit code %d, %q", code, stdout)
	}
}

func TestPagesAreCutAndResumed(t *testing.T) {
	names := []string{"a", "b", "c", "d", "e"}
	service := func(parameters *document.Object) (*document.Object, error) { // pages of two; the token is the index
		start := 0
		if token, ok := parameters.Get("nextToken"); ok {
			_, err := fmt.Sscan(document.Text(token), &start)
			must(t, err)
		}
		page, list := document.NewObject(), document.NewList()
		for _, name := range names[start:min(start+2, len(names))] {
			list.Items = append(list.Items, name)
		}
		page.Set("repositories", list)
		if start+2 < len(names) {
			page.Set("nextToken", fmt.Sprint(start+2))
		}
		return page, nil
	}
	op, _ := ecrpublic.OperationByName("DescribeRepositories")
	for most := int64(1); most <= 6; most++ {
		var got []string
		var token *string
		for calls := 0; ; calls++ {
			it := &pageIterator{op: op, parameters: document.NewObject(), paging: paging{on: true, start: token, maxItems: &most}, fetch: service}
			n := 0
			must(t, it.each(func(page *document.Object) error {
				for _, item := range it.items(page) {
					got = append(got, item.(string))
					n++
				}
				return nil
			}))
			if n > int(most) {
				t.Errorf("%d items, want at most %d", n, most)
			}
			if token = it.resume; token == nil || calls > len(names) {
				break
			}
		}
		if !slices.Equal(got, names) {
			t.Errorf("by %d: %q, want %q", most, got, names)
		}
	}
}

func TestDecodeBase64(t *testing.T) {
	for in, want := range map[string]string{"": "", "aGk=": "hi", "aGk=====": "hi", "a G\nk =": "hi", "aGk=aGk=": "hi", "%%": "", "aGVsbG8h": "hello!"} {
		if got, err := decodeBase64(in); err != nil || string(got) != want {
			t.Errorf("decodeBase64(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"a", "aGk", "aG", "é"} {
		if got, err := decodeBase64(in); err == nil {
			t.Errorf("decodeBase64(%q) = %q, want an error", in, got)
		}
	}
}

func TestSettingsAreThoseOfTheProfile(t *testing.T) {
	dir := t.TempDir()
	config, keys := filepath.Join(dir, "config"), filepath.Join(dir, "credentials")
	must(t, os.WriteFile(config, []byte("[default]\noutput=text\n# c\n[profile x]\nOutput = yaml\ns3 =\n  output = no\n[other]\noutput=no\n"), 0o600))
	must(t, os.WriteFile(keys, []byte("[x]\ncli_pager = cat\n"), 0o600))
	t.Setenv("AWS_CONFIG_FILE", config)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", keys)
	t.Setenv("AWS_PROFILE", "")
	if diff := cmp.Diff(settings{"output": "text"}, profileSettings("")); diff != "" {
		t.Errorf("default (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(settings{"output": "yaml", "s3": "", "cli_pager": "cat"}, profileSettings("x")); diff != "" {
		t.Errorf("x (-want +got):\n%s", diff)
	}
}

func TestSplitWords(t *testing.T) {
	got := splitWords(` less -R  "a b"'c' \  "\"" '' `)
	if diff := cmp.Diff([]string{"less", "-R", "a bc", " ", `"`, ""}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// No text of YAML makes the reader fail otherwise than with an error.
func FuzzParseYAML(f *testing.F) {
	for _, seed := range []string{"a: b", "[1, ~, 2020-01-01, 0x1F]", "&a [*a]", "a: &x {b: *x}", "!!binary aGk=", "--- 1\n--- 2", "? {a: b}\n: c", "- -0b1\n- .nan"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if v, err := parseYAML(text); err == nil {
			_ = document.Repr(v)
		}
	})
}
