package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openecr/openecr/internal/app"
)

// writeData is a data folder as a server leaves it.
func writeData(t *testing.T, secret string) string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "server.json"),
		[]byte(`{"url":"http://127.0.0.1:8080","registry":"127.0.0.1:8080/a1b2c3d4","accountId":"123456789012","alias":"a1b2c3d4"}`), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "credentials"),
		[]byte("[default]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = "+secret+"\n"), 0o600))
	return dir
}

func TestEnvOfNoData(t *testing.T) {
	stdout, stderr, status := run(t, nil, "env")
	want := "openecr: no openecr has run on data folder ./openecr-data: start `openecr serve` first, or name its folder with --data\n"
	if stdout != "" || stderr != want || status != 1 {
		t.Errorf("%d %q %q", status, stdout, stderr)
	}
	broken := writeData(t, "")
	if stdout, stderr, status := run(t, nil, "env", "--data", broken); stdout != "" || status != 1 || strings.Count(stderr, "\n") != 1 {
		t.Errorf("no secret: %d %q %q", status, stdout, stderr)
	}
}

// hostile is a secret, fixed by the environment of the server, that means something in every format.
const hostile = `it's "$HOME" \ $(echo no) & x=y;#`

func TestEnvSurvivesTheShell(t *testing.T) {
	exports, _, _ := run(t, nil, "env", "--data", writeData(t, hostile))
	for _, shell := range []string{"sh", "bash"} {
		cmd := exec.Command(shell, "-euc", `eval "$EXPORTS"; printf '%s|%s|%s' "$AWS_SECRET_ACCESS_KEY" "$AWS_ENDPOINT_URL_STS" "${AWS_PROFILE-none}"`)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "EXPORTS=" + exports, "AWS_PROFILE=mine"}
		out, err := cmd.CombinedOutput()
		if want := hostile + "|http://127.0.0.1:8080|none"; err != nil || string(out) != want {
			t.Errorf("%s: %v\ngot  %s\nwant %s", shell, err, out, want)
		}
	}
}

func TestEnvUnsetGivesBackWhatTheShellHad(t *testing.T) {
	exports, _, _ := run(t, nil, "env", "--data", writeData(t, "a+b/c="))
	unset, stderr, status := run(t, nil, "env", "--unset", "--data", "absent") // it needs no data
	if stderr != "" || status != 0 {
		t.Fatalf("%d %q", status, stderr)
	}
	for _, before := range [][]string{nil, {"AWS_ACCESS_KEY_ID=" + hostile, "AWS_PROFILE=mine", "AWS_SESSION_TOKEN="}} {
		// Twice, as after a restart of the server: what counts is what there was before the first.
		shell := exec.Command("sh", "-euc", `eval "$EXPORTS"; eval "$EXPORTS"; eval "$UNSET"; env | grep '^AWS_\|^OPENECR_' | sort`)
		shell.Env = append([]string{"PATH=" + os.Getenv("PATH"), "EXPORTS=" + exports, "UNSET=" + unset}, before...)
		out, err := shell.CombinedOutput()
		if want := strings.Join(append(before, ""), "\n"); err != nil || string(out) != want {
			t.Errorf("%v\ngot  %q\nwant %q", err, out, want)
		}
	}
}

func TestEnvAsJSON(t *testing.T) {
	stdout, stderr, status := run(t, nil, "env", "--format", "json", "--data", writeData(t, hostile))
	var got map[string]string
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || stderr != "" || status != 0 {
		t.Fatalf("%d %q %v", status, stderr, err)
	}
	want := map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": hostile, "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
		"AWS_ENDPOINT_URL_ECR_PUBLIC": "http://127.0.0.1:8080", "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:8080",
		"OPENECR_REGISTRY": "127.0.0.1:8080/a1b2c3d4",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestEnvAsDotenv(t *testing.T) {
	const head = "AWS_ACCESS_KEY_ID=AKIAEXAMPLE\nAWS_SECRET_ACCESS_KEY="
	for secret, want := range map[string]string{"a+b/c=": "a+b/c=", `$x#"\`: `'$x#"\'`} {
		stdout, stderr, status := run(t, nil, "env", "--format", "dotenv", "--data", writeData(t, secret))
		if !strings.HasPrefix(stdout, head+want+"\n") || stderr != "" || status != 0 {
			t.Errorf("%d %q\n%s", status, stderr, stdout)
		}
	}
	stdout, stderr, status := run(t, nil, "env", "--format", "dotenv", "--data", writeData(t, hostile))
	if want := "openecr: AWS_SECRET_ACCESS_KEY has a quote or a line break in it, which dotenv files cannot hold: use another format\n"; stdout != "" || stderr != want || status != 1 {
		t.Errorf("%d %q %q", status, stdout, stderr)
	}
}

func TestEnvAsCredentialProcess(t *testing.T) {
	stdout, _, status := run(t, nil, "env", "--format", "credential-process", "--data", writeData(t, hostile))
	var got map[string]any
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || status != 0 {
		t.Fatal(status, err)
	}
	if diff := cmp.Diff(map[string]any{"Version": 1.0, "AccessKeyId": "AKIAEXAMPLE", "SecretAccessKey": hostile}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestEnvAsProfile(t *testing.T) {
	env := app.Environment{Info: app.Info{URL: "https://r.example", Certificate: "/d/tls.crt"}}
	got, err := awsProfile(env, "/opt/open ecr/it's", "/data")
	must(t, err)
	want := `[profile openecr]
region = us-east-1
services = openecr
credential_process = '/opt/open ecr/it'\''s' env --format credential-process --data /data
ca_bundle = /d/tls.crt

[services openecr]
ecr_public =
  endpoint_url = https://r.example
sts =
  endpoint_url = https://r.example
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, data := range []string{"/a # b", "/a;b", "/a\nb"} {
		if _, err := awsProfile(env, "/openecr", data); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", data, err)
		}
	}
}
