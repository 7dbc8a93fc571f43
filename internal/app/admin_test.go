package app

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"
	"github.com/aws/smithy-go"
)

// do runs a command that must succeed.
func do[Out any](t *testing.T, s Stores, c Command[Out]) Out {
	t.Helper()
	out, err := Administer(t.Context(), s, c)
	must(t, err)
	return out
}

// says is the error of a command that must fail.
func says[Out any](t *testing.T, s Stores, c Command[Out], want string) {
	t.Helper()
	if _, err := Administer(t.Context(), s, c); err == nil || err.Error() != want {
		t.Errorf("%T:\ngot  %v\nwant %s", c, err, want)
	}
}

// Every command answers alike with and without a server, and what one does the other sees.
func TestCommandsWithAndWithoutAServer(t *testing.T) {
	c := newConfig(t)
	c.AccountID, c.Alias = testAccount, "first"
	openClose(t, c)
	s := c.Stores
	for name, id := range map[string]string{"without": "111111111111", "with": "222222222222"} {
		t.Run(name, func(t *testing.T) {
			if name == "with" {
				serve(t, c)
			}
			if a := do(t, s, CreateAccount{ID: id, Alias: name}); a.ID != id || len(a.Aliases) != 1 || a.Aliases[0] != (AliasInfo{name, true, true}) {
				t.Errorf("made %+v", a)
			}
			says(t, s, CreateAccount{ID: id}, "account "+id+" is there already: choose another id")
			if a := do(t, s, AddAlias{Alias: name + "2", Account: id}); len(a.Aliases) != 2 {
				t.Errorf("with one more alias: %+v", a)
			}
			if a := do(t, s, SetPrimaryAlias{Alias: name + "2"}); a.Aliases[0].Name != name+"2" {
				t.Errorf("with another primary alias: %+v", a)
			}
			says(t, s, RemoveAlias{Alias: name}, "alias "+name+" is the default alias of account "+id+" and stays as long as the account")
			if a := do(t, s, VerifyAlias{Alias: name}); !a.Verified {
				t.Errorf("verified: %+v", a)
			}
			if a := do(t, s, VerifyAlias{Alias: name, Revoke: true}); a.Verified {
				t.Errorf("no longer verified: %+v", a)
			}
			if a := do(t, s, DisableAccount{ID: id}); !a.Disabled {
				t.Errorf("disabled: %+v", a)
			}
			if a := do(t, s, DisableAccount{ID: id, Enable: true}); a.Disabled {
				t.Errorf("enabled: %+v", a)
			}
			testKeyCommands(t, s, id)
			if n := len(do(t, s, ListAccounts{})); n != 2 {
				t.Errorf("%d accounts", n)
			}
			do(t, s, DeleteAccount{ID: id})
			says(t, s, DeleteAccount{ID: id}, "there is no account "+id+": see `openecr account list`")
		})
	}
}

func testKeyCommands(t *testing.T, s Stores, account string) {
	t.Helper()
	key := do(t, s, CreateKey{Account: account, User: "ci", Policy: `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`})
	if len(key.Secret) != 40 || key.ARN != "arn:aws:iam::"+account+":user/ci" || key.Policy == nil {
		t.Errorf("made %+v", key)
	}
	if k := do(t, s, DisableKey{ID: key.ID}); !k.Disabled || k.Secret != "" {
		t.Errorf("disabled: %+v", k)
	}
	if k := do(t, s, DisableKey{ID: key.ID, Enable: true}); k.Disabled {
		t.Errorf("enabled: %+v", k)
	}
	if k := do(t, s, SetKeyPolicy{ID: key.ID, Policy: `{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`}); !strings.Contains(string(k.Policy), "Deny") {
		t.Errorf("with another policy: %s", k.Policy)
	}
	next := do(t, s, RotateKey{ID: key.ID})
	if next.ID == key.ID || len(next.Secret) != 40 || next.Secret == key.Secret || next.User != "ci" || !strings.Contains(string(next.Policy), "Deny") {
		t.Errorf("rotated: %+v", next)
	}
	for _, k := range do(t, s, ListKeys{Account: account}) {
		if k.Secret != "" || k.Disabled != (k.ID == key.ID) {
			t.Errorf("listed: %+v", k)
		}
	}
	do(t, s, DeleteKey{ID: key.ID})
	if keys := do(t, s, ListKeys{Account: account}); len(keys) != 1 || keys[0].ID != next.ID {
		t.Errorf("left: %+v", keys)
	}
	if keys := do(t, s, ListKeys{}); len(keys) != 2 { // with that of the root account
		t.Errorf("of all accounts: %+v", keys)
	}
	says(t, s, ListKeys{Account: "12"}, `account id "12" is malformed: it has exactly 12 digits`)
	says(t, s, CreateKey{Account: account, Policy: "{}"}, "a key with a policy belongs to a user: the root user of an account may do everything in it")
}

// What a command changes holds when it returns: the server knows no key from before.
func TestChangesOfKeysHoldAtOnce(t *testing.T) {
	c := newConfig(t)
	r := serve(t, c)
	env := readEnvironment(t, c)
	key := do(t, c.Stores, CreateKey{User: "ci"})
	env.AccessKeyID, env.SecretAccessKey = key.ID, key.Secret
	client := newClient(t, r, env)
	check := func(what, code string) {
		t.Helper()
		_, err := client.DescribeRepositories(t.Context(), &ecrpublic.DescribeRepositoriesInput{})
		var refused smithy.APIError
		if errors.As(err, &refused) && refused.ErrorCode() == code || err == nil && code == "" {
			return
		}
		t.Errorf("%s: %v, want %q", what, err, code)
	}
	check("new", "")
	do(t, c.Stores, DisableKey{ID: key.ID})
	check("disabled", "UnrecognizedClientException")
	do(t, c.Stores, DisableKey{ID: key.ID, Enable: true})
	check("enabled", "")
	do(t, c.Stores, DisableAccount{ID: env.AccountID})
	check("of a disabled account", "UnrecognizedClientException")
	do(t, c.Stores, DisableAccount{ID: env.AccountID, Enable: true})
	check("of an enabled account", "")
	do(t, c.Stores, SetKeyPolicy{ID: key.ID, Policy: `{"Statement":{"Effect":"Allow","Action":"ecr-public:Put*","Resource":"*"}}`})
	check("for something else", "AccessDeniedException")
	do(t, c.Stores, DeleteKey{ID: key.ID})
	check("deleted", "UnrecognizedClientException")
	for _, secret := range []string{key.Secret, env.SecretAccessKey} {
		if strings.Contains(r.log.String(), secret) {
			t.Error("a secret is in the log")
		}
	}
	if !strings.Contains(r.log.String(), `"operation":"DisableKey"`) {
		t.Error("the log does not tell of commands")
	}
}

func TestAliasesAndVerificationShowInTheAPI(t *testing.T) {
	c := newConfig(t)
	r := serve(t, c)
	do(t, c.Stores, AddAlias{Alias: "tools"})
	do(t, c.Stores, SetPrimaryAlias{Alias: "tools"})
	do(t, c.Stores, VerifyAlias{Alias: "tools"})
	out, err := newClient(t, r, readEnvironment(t, c)).DescribeRegistries(t.Context(), &ecrpublic.DescribeRegistriesInput{})
	must(t, err)
	got := out.Registries[0]
	if len(got.Aliases) != 2 || aws.ToString(got.Aliases[0].Name) != "tools" || got.Aliases[0].Status != "ACTIVE" || !got.Aliases[0].PrimaryRegistryAlias || !aws.ToBool(got.Verified) {
		t.Errorf("%+v", got)
	}
	if want := strings.TrimPrefix(r.Info().URL, "http://") + "/tools"; aws.ToString(got.RegistryUri) != want {
		t.Errorf("registry %s instead of %s", *got.RegistryUri, want)
	}
}

func TestRotatedRootKeyIsInTheCredentialsFile(t *testing.T) {
	c := newConfig(t)
	openClose(t, c)
	before := readEnvironment(t, c)
	next := do(t, c.Stores, RotateKey{ID: before.AccessKeyID})
	checkKey(t, c, next.ID, next.Secret)
	other := do(t, c.Stores, CreateKey{})
	do(t, c.Stores, RotateKey{ID: other.ID})
	checkKey(t, c, next.ID, next.Secret)
	r := serve(t, c)
	describeRegistries(t, r, readEnvironment(t, c))
}

func TestManyCommandsAtOnce(t *testing.T) {
	for name, running := range map[string]bool{"without a server": false, "with one": true} {
		t.Run(name, func(t *testing.T) {
			c := newConfig(t)
			openClose(t, c)
			if running {
				serve(t, c)
			}
			const n = 8
			var wg sync.WaitGroup
			for range n {
				wg.Go(func() {
					if _, err := Administer(t.Context(), c.Stores, CreateKey{}); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if keys := do(t, c.Stores, ListKeys{}); len(keys) != n+1 {
				t.Errorf("%d keys", len(keys))
			}
		})
	}
}

// Between the lock and the first answer a server is there and not there.
func TestCommandWaitsForAServerThatStarts(t *testing.T) {
	c := newConfig(t)
	openClose(t, c)
	lock := new(App)
	must(t, lock.lockData(c.Stores))
	done := make(chan error, 1)
	go func() {
		_, err := Administer(context.Background(), c.Stores, CreateKey{})
		done <- err
	}()
	must(t, lock.Close())
	r := serve(t, c)
	if err := <-done; err != nil {
		t.Error(err)
	}
	r.stop()
	must(t, r.wait())
	if keys := do(t, c.Stores, ListKeys{}); len(keys) != 2 {
		t.Errorf("%d keys", len(keys))
	}
}

func TestCommandOnDataThatNobodyServed(t *testing.T) {
	s := Stores{Data: filepath.Join(t.TempDir(), "absent")}
	says(t, s, ListAccounts{}, "no openecr has run on data folder "+s.Data+": start `openecr serve` first, or name its folder with --data")
	if _, err := os.Stat(s.Data); !os.IsNotExist(err) {
		t.Error("the folder was made")
	}
}

func TestSocketIsItsOwnersAlone(t *testing.T) {
	c := newConfig(t)
	openClose(t, c)
	socket := c.file(socketFile)
	if _, err := os.Stat(socket); !os.IsNotExist(err) {
		t.Errorf("after the end: %v", err)
	}
	stale, err := net.Listen("unix", socket) // as a crash leaves it
	must(t, err)
	stale.(*net.UnixListener).SetUnlinkOnClose(false)
	must(t, stale.Close())
	do(t, c.Stores, CreateKey{}) // nobody listens on it
	serve(t, c)
	info, err := os.Stat(socket)
	must(t, err)
	if info.Mode().Perm() != 0o600 || info.Mode().Type() != os.ModeSocket {
		t.Errorf("mode %s", info.Mode())
	}
	do(t, c.Stores, CreateKey{})
}

// Socket addresses end at some hundred bytes, folders do not.
func TestDataFolderWithALongPath(t *testing.T) {
	c := newConfig(t)
	c.Data = filepath.Join(t.TempDir(), strings.Repeat("long/", 40), "data")
	r := serve(t, c)
	do(t, c.Stores, CreateKey{})
	if !strings.Contains(r.log.String(), `"operation":"CreateKey"`) {
		t.Error("the command did not go through the server")
	}
}

func TestCommandsOfAnotherVersion(t *testing.T) {
	c := newConfig(t)
	serve(t, c)
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return c.dialSocket(ctx) },
	}}
	for path, want := range map[string]string{
		"/ListAccounts": "400 the server runs another version of openecr and does not understand this command: json: unknown field \"colour\"",
		"/Fly":          "404 404 page not found\n",
	} {
		res, err := client.Post("http://openecr"+path, "", strings.NewReader(`{"colour":"red"}`))
		must(t, err)
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		must(t, err)
		if got := res.Status[:4] + string(body); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", path, got, want)
		}
	}
}
