package app

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFirstStartMakesAnAccountAndTheNextOnesKeepIt(t *testing.T) {
	c := newConfig(t)
	a := open(t, c)
	first := a.Info()
	for what, shape := range map[string]string{
		first.AccountID: `^[1-9][0-9]{11}$`,
		first.Alias:     `^([a-z][0-9]){4}$`,
		first.URL:       `^http://127\.0\.0\.1:[0-9]+$`,
	} {
		if !regexp.MustCompile(shape).MatchString(what) {
			t.Errorf("%q does not look like %s", what, shape)
		}
	}
	if want := strings.TrimPrefix(first.URL, "http://") + "/" + first.Alias; first.Registry != want {
		t.Errorf("registry %s instead of %s", first.Registry, want)
	}
	env := readEnvironment(t, c)
	if diff := cmp.Diff(first, env.Info); diff != "" {
		t.Errorf("what `openecr env` reads (-info +env):\n%s", diff)
	}
	if !regexp.MustCompile(`^AKIA[A-Z2-7]{16}$`).MatchString(env.AccessKeyID) || len(env.SecretAccessKey) != 40 {
		t.Errorf("access key %q with a secret of %d characters", env.AccessKeyID, len(env.SecretAccessKey))
	}
	must(t, a.Close())

	c.PublicURL = "https://registry.example"
	second := openClose(t, c)
	want := Info{URL: "https://registry.example", Registry: "registry.example/" + first.Alias, AccountID: first.AccountID, Alias: first.Alias}
	if diff := cmp.Diff(want, second); diff != "" {
		t.Errorf("second start (-want +got):\n%s", diff)
	}
	again := readEnvironment(t, c)
	if again.AccessKeyID != env.AccessKeyID || again.SecretAccessKey != env.SecretAccessKey {
		t.Error("the second start has another root key")
	}
}

func TestDataIsItsOwnersAlone(t *testing.T) {
	c := newConfig(t)
	open(t, c)
	info, err := os.Stat(c.Data)
	must(t, err)
	if info.Mode().Perm() != 0o700 {
		t.Errorf("the data folder has mode %s", info.Mode())
	}
	for _, name := range []string{CredentialsFile, infoFile, masterKeyFile} {
		info, err := os.Stat(c.file(name))
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %s", name, info.Mode())
		}
	}
}

func TestEnvironmentFixesTheRoot(t *testing.T) {
	c := newConfig(t)
	c.AccountID, c.Alias, c.AccessKeyID, c.SecretAccessKey = "123456789012", "acme", "CIKEY", "ci+secret/="
	info := openClose(t, c)
	if info.AccountID != c.AccountID || info.Alias != c.Alias {
		t.Errorf("%+v", info)
	}
	checkKey(t, c, "CIKEY", "ci+secret/=")

	c.AccountID, c.Alias, c.AccessKeyID, c.SecretAccessKey = "", "", "", ""
	if later := openClose(t, c); later.AccountID != info.AccountID || later.Alias != info.Alias {
		t.Errorf("without the environment: %+v", later)
	}
	checkKey(t, c, "CIKEY", "ci+secret/=")

	c.AccessKeyID, c.SecretAccessKey = "NEWKEY", someSecret // added beside the first
	openClose(t, c)
	checkKey(t, c, "NEWKEY", someSecret)
	c.AccessKeyID, c.SecretAccessKey = "CIKEY", "ci+secret/="
	openClose(t, c)
	checkKey(t, c, "CIKEY", "ci+secret/=")
}

// What is refused must leave the data as it was, the credentials file with it.
func TestEnvironmentThatContradictsTheDataIsRefused(t *testing.T) {
	c := newConfig(t)
	c.AccountID, c.Alias, c.AccessKeyID, c.SecretAccessKey = "123456789012", "acme", "CIKEY", someSecret
	openClose(t, c)
	before := readFiles(t, c)
	for _, m := range []struct {
		name    string
		mistake func(*Config)
		want    string
	}{
		{"account", func(c *Config) { c.AccountID = "210987654321" },
			"this data belongs to account 123456789012, not 210987654321: start with that account id or on other data"},
		{"account, with another key", func(c *Config) { c.AccountID, c.AccessKeyID, c.SecretAccessKey = "210987654321", "NEWKEY", "new" },
			"this data belongs to account 123456789012, not 210987654321: start with that account id or on other data"},
		{"alias, with another key", func(c *Config) { c.Alias, c.AccessKeyID, c.SecretAccessKey = "other", "NEWKEY", "new" },
			"account 123456789012 has the default alias acme, not other: start with that alias or on other data"},
		{"secret", func(c *Config) { c.SecretAccessKey = "new" },
			"access key CIKEY is here with another secret: set OPENECR_SECRET_ACCESS_KEY to that one or choose another OPENECR_ACCESS_KEY_ID"},
	} {
		t.Run(m.name, func(t *testing.T) {
			wrong := c
			m.mistake(&wrong)
			if got := refusal(t, wrong); got != m.want {
				t.Errorf("\ngot  %s\nwant %s", got, m.want)
			}
			if diff := cmp.Diff(before, readFiles(t, c)); diff != "" {
				t.Errorf("files changed (-before +after):\n%s", diff)
			}
		})
	}
	openClose(t, c)
}

func TestCrashBetweenCredentialsAndStore(t *testing.T) {
	first := newConfig(t)
	openClose(t, first)
	credentials, err := os.ReadFile(first.file(CredentialsFile))
	must(t, err)

	c := newConfig(t)
	must(t, os.MkdirAll(c.Data, 0o700))
	must(t, os.WriteFile(c.file(CredentialsFile), credentials, 0o600))
	r := serve(t, c)
	env, before := readEnvironment(t, c), readEnvironment(t, first)
	if env.AccessKeyID != before.AccessKeyID || env.SecretAccessKey != before.SecretAccessKey {
		t.Error("the key of the file is not used")
	}
	describeRegistries(t, r, env)
}

func TestBrokenCredentialsFileOfAnInterruptedStart(t *testing.T) {
	c := newConfig(t)
	must(t, os.MkdirAll(c.Data, 0o700))
	must(t, os.WriteFile(c.file(CredentialsFile), []byte("[default]\naws_access_key_id = AKIA\n"), 0o600))
	want := "credentials file " + c.file(CredentialsFile) + " has no aws_access_key_id with aws_secret_access_key: remove it, or put it back as it was"
	if got := refusal(t, c); got != want {
		t.Errorf("\ngot  %s\nwant %s", got, want)
	}
}

func TestMasterKey(t *testing.T) {
	c := newConfig(t)
	openClose(t, c)
	file := c.file(masterKeyFile)
	key, err := os.ReadFile(file)
	must(t, err)
	other := strings.Repeat("ab", 32)

	wrong := c
	wrong.MasterKey = other
	const doesNotOpen = "the master key does not open this data: set OPENECR_MASTER_KEY, or put the file master.key back, as it was when the data was made"
	if got := refusal(t, wrong); got != doesNotOpen {
		t.Errorf("another key in the environment: %s", got)
	}
	must(t, os.WriteFile(file, []byte(other), 0o600))
	if got := refusal(t, c); got != doesNotOpen {
		t.Errorf("another key in the file: %s", got)
	}
	must(t, os.Remove(file))
	want := "the secrets in this data are sealed and " + file + " is missing: put it back or set OPENECR_MASTER_KEY"
	if got := refusal(t, c); got != want {
		t.Errorf("no key: %s", got)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("a new master key was made for old data")
	}
	right := c
	right.MasterKey = strings.TrimSpace(string(key))
	openClose(t, right)
	must(t, os.WriteFile(file, key, 0o644))
	if got := refusal(t, c); !strings.Contains(got, "mode 0644") {
		t.Errorf("a key that others may read: %s", got)
	}
}

func TestMasterKeyOfTheEnvironmentStaysThere(t *testing.T) {
	c := newConfig(t)
	c.MasterKey = strings.Repeat("ab", 32)
	openClose(t, c)
	if _, err := os.Stat(c.file(masterKeyFile)); err == nil {
		t.Error("it was written to a file")
	}
}

func TestDataFolderHasOneServer(t *testing.T) {
	c := newConfig(t)
	open(t, c)
	want := "data folder " + c.Data + " is in use by another openecr (process " + strconv.Itoa(os.Getpid()) + "): stop that one or choose another folder with --data"
	if got := refusal(t, c); got != want {
		t.Errorf("\ngot  %s\nwant %s", got, want)
	}
}

func TestEnvironmentOfDataThatNobodyServed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "absent")
	_, err := ReadEnvironment(dir)
	if want := "no openecr has run on data folder " + dir + ": start `openecr serve` first, or name its folder with --data"; err == nil || err.Error() != want {
		t.Errorf("\ngot  %v\nwant %s", err, want)
	}
}

func TestLeftoverSpoolFilesAreRemoved(t *testing.T) {
	c := newConfig(t)
	must(t, os.MkdirAll(c.file(spoolFolder), 0o700))
	must(t, os.WriteFile(filepath.Join(c.file(spoolFolder), "part-1"), []byte("x"), 0o600))
	open(t, c)
	left, err := os.ReadDir(c.file(spoolFolder))
	if err != nil || len(left) != 0 {
		t.Errorf("%v, %v", left, err)
	}
}

func TestFailedStartLeavesNothingOpen(t *testing.T) {
	c := newConfig(t)
	wrong := c
	wrong.AdminAddr = "nonsense"
	refusal(t, wrong)
	openClose(t, c) // the lock and the port are free again
}

func readEnvironment(t testing.TB, c Config) Environment {
	t.Helper()
	env, err := ReadEnvironment(c.Data)
	must(t, err)
	return env
}

func checkKey(t *testing.T, c Config, id, secret string) {
	t.Helper()
	if env := readEnvironment(t, c); env.AccessKeyID != id || env.SecretAccessKey != secret {
		t.Errorf("root key %s %s instead of %s %s", env.AccessKeyID, env.SecretAccessKey, id, secret)
	}
}

// readFiles are the small files in the data folder.
func readFiles(t *testing.T, c Config) map[string]string {
	t.Helper()
	files := make(map[string]string)
	for _, name := range []string{CredentialsFile, infoFile, masterKeyFile} {
		content, err := os.ReadFile(c.file(name))
		must(t, err)
		files[name] = string(content)
	}
	return files
}
