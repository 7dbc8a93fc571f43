//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// accessKey is what `openecr key` prints as JSON.
type accessKey struct {
	AccessKeyID, SecretAccessKey, ARN string
	Disabled                          bool
}

// administer runs a command of openecr on the data of the server, and decodes its answer into out unless that is nil.
func (s *server) administer(t *testing.T, out any, args ...string) {
	t.Helper()
	printed := s.command(t).run(t, append(args, "--data", s.data, "--output", "json")...)
	if out == nil {
		return
	}
	if err := json.Unmarshal([]byte(printed), out); err != nil {
		t.Fatalf("openecr %s printed %q: %v", strings.Join(args, " "), printed, err)
	}
}

// signingWith is the CLI with another key.
func (c awsCLI) signingWith(k accessKey) awsCLI {
	return awsCLI{c.with("AWS_ACCESS_KEY_ID="+k.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+k.SecretAccessKey)}
}

// robotPolicy is what a CI robot needs to push to one repository, in the README's words.
const robotPolicy = `{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Resource": "*",
     "Action": ["ecr-public:GetAuthorizationToken", "sts:GetServiceBearerToken"]},
    {"Effect": "Allow", "Resource": "arn:aws:ecr-public::*:repository/robot",
     "Action": ["ecr-public:BatchCheckLayerAvailability", "ecr-public:InitiateLayerUpload", "ecr-public:UploadLayerPart",
                "ecr-public:CompleteLayerUpload", "ecr-public:PutImage"]}
  ]
}`

// newRobot makes a key with robotPolicy.
func newRobot(t *testing.T, s *server) accessKey {
	t.Helper()
	file := filepath.Join(t.TempDir(), "robot policy.json")
	must(t, os.WriteFile(file, []byte(robotPolicy), 0o600))
	var key accessKey
	s.administer(t, &key, "key", "create", "--user", "ci-robot", "--policy", "file://"+file)
	return key
}

func TestRobotPushesToOneRepositoryAndNothingElse(t *testing.T) {
	s := startServer(t)
	owner := newAWS(t, s)
	robots, others := owner.createRepository(t, s, "robot"), owner.createRepository(t, s, "other")
	key := newRobot(t, s)
	robot := owner.signingWith(key)
	l := newLayout(t)
	l.tag("one", l.image("amd64", 1, 1<<20))
	skopeo := newSkopeo(t)
	skopeo.runWithInput(t, robot.password(t), "login", "--tls-verify=false", "--username", "AWS", "--password-stdin", s.host())

	skopeo.run(t, "copy", skopeoPlainTo, "oci:"+l.dir+":one", "docker://"+robots+":1")
	if said := skopeo.fails(t, "copy", skopeoPlainTo, "oci:"+l.dir+":one", "docker://"+others+":1"); !strings.Contains(said, "denied") {
		t.Errorf("skopeo said %q of a push to another repository, want denied", said)
	}
	robot.call(t, nil, "batch-check-layer-availability", "--repository-name", "robot", "--layer-digests", digestOf(nil))
	for _, call := range [][]string{
		{"create-repository", "--repository-name", "third"},
		{"delete-repository", "--repository-name", "robot", "--force"},
		{"batch-delete-image", "--repository-name", "robot", "--image-ids", "imageTag=1"},
		{"batch-check-layer-availability", "--repository-name", "other", "--layer-digests", digestOf(nil)},
		{"initiate-layer-upload", "--repository-name", "other"},
		{"get-repository-policy", "--repository-name", "robot"},
	} {
		if said := robot.fails(t, call...); !strings.Contains(said, "(AccessDeniedException)") || !strings.Contains(said, "User: "+key.ARN+" is not authorized") {
			t.Errorf("%s: the CLI said %q, want AccessDeniedException and who was denied", call[0], said)
		}
	}
	if tags := owner.imageTags(t, "robot"); !slices.Equal(tags, []string{"1"}) {
		t.Errorf("the robot's repository has the tags %q", tags)
	}
	if tags := owner.imageTags(t, "other"); tags != nil {
		t.Errorf("the other repository has the tags %q", tags)
	}
}

// The password was given while the key stood; it is worth nothing once the key does not.
func TestDisabledKeyStopsOnBothWires(t *testing.T) {
	s := startServer(t)
	owner := newAWS(t, s)
	image := owner.createRepository(t, s, "robot") + ":1"
	key := newRobot(t, s)
	robot := owner.signingWith(key)
	l := newLayout(t)
	l.tag("one", l.image("amd64", 1, 1<<10))
	skopeo := newSkopeo(t)
	skopeo.runWithInput(t, robot.password(t), "login", "--tls-verify=false", "--username", "AWS", "--password-stdin", s.host())
	push := []string{"copy", skopeoPlainTo, "oci:" + l.dir + ":one", "docker://" + image}
	skopeo.run(t, push...)

	s.administer(t, nil, "key", "disable", key.AccessKeyID)
	if said := robot.fails(t, "get-login-password"); !strings.Contains(said, "UnrecognizedClientException") {
		t.Errorf("with a disabled key the CLI said %q, want UnrecognizedClientException", said)
	}
	skopeo.fails(t, push...)
	s.administer(t, nil, "key", "enable", key.AccessKeyID)
	skopeo.run(t, push...)

	var rotated accessKey
	s.administer(t, &rotated, "key", "rotate", key.AccessKeyID)
	robot.fails(t, "get-login-password")
	owner.signingWith(rotated).password(t)
}

func TestCommandsWorkWhetherTheServerRunsOrNot(t *testing.T) {
	s := startServer(t)
	var running, stopped, again struct{ AccountID string }
	s.administer(t, &running, "account", "create", "--alias", "made-running")
	s.stop()
	s.administer(t, &stopped, "account", "create", "--alias", "made-stopped")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { s.administer(t, nil, "key", "create", "--account", stopped.AccountID) })
	}
	wg.Wait()
	s.start()
	s.administer(t, &again, "account", "create", "--alias", "made-again")

	var accounts []struct{ AccountID string }
	s.administer(t, &accounts, "account", "list")
	for _, want := range []string{running.AccountID, stopped.AccountID, again.AccountID} {
		if !slices.ContainsFunc(accounts, func(a struct{ AccountID string }) bool { return a.AccountID == want }) {
			t.Errorf("account %s is not in %v", want, accounts)
		}
	}
	var keys []accessKey
	s.administer(t, &keys, "key", "list", "--account", stopped.AccountID)
	if len(keys) != 4 {
		t.Errorf("4 keys were made at once, %d are there", len(keys))
	}
	said := s.command(t).fails(t, "account", "delete", "--data", s.data, s.accountID(t))
	if strings.Count(said, "\n") != 1 || !strings.Contains(said, "was made with this registry and stays") {
		t.Errorf("deleting the first account: %q, want one sentence with the reason", said)
	}
}

// accountID of the account that the server was made with.
func (s *server) accountID(t *testing.T) string {
	t.Helper()
	var info struct{ AccountID string }
	must(t, json.Unmarshal([]byte(s.file("server.json")), &info))
	return info.AccountID
}

func TestAnotherAccountHasARegistryOfItsOwn(t *testing.T) {
	s := startServer(t)
	var account struct{ AccountID string }
	s.administer(t, &account, "account", "create", "--alias", "team")
	var key accessKey
	s.administer(t, &key, "key", "create", "--account", account.AccountID)
	theirs := newAWS(t, s).signingWith(key)
	var made struct {
		Repository struct{ RepositoryURI, RepositoryARN string }
	}
	theirs.call(t, &made, "create-repository", "--repository-name", "hello")
	if want := s.host() + "/team/hello"; made.Repository.RepositoryURI != want {
		t.Errorf("repository %s, want %s", made.Repository.RepositoryURI, want)
	}
	s.administer(t, nil, "alias", "add", "tools", "--account", account.AccountID)
	s.administer(t, nil, "alias", "primary", "tools")
	s.administer(t, nil, "alias", "verify", "tools")
	var registries struct {
		Registries []struct {
			RegistryURI string
			Verified    bool
		}
	}
	theirs.call(t, &registries, "describe-registries")
	if r := registries.Registries[0]; r.RegistryURI != s.host()+"/tools" || !r.Verified {
		t.Errorf("describe-registries answered %+v, want the primary alias tools, verified", r)
	}
}

// The environment of `openecr env` names an endpoint for STS too.
func TestGetCallerIdentity(t *testing.T) {
	s := startServer(t)
	want := "arn:aws:iam::" + s.accountID(t) + ":root"
	t.Run("aws", func(t *testing.T) {
		cli := newTool(t, "/usr/bin/aws", "--endpoint-url", s.url, "sts").with(s.environment(t)...)
		var out struct{ ARN string }
		must(t, json.Unmarshal([]byte(cli.run(t, "get-caller-identity")), &out))
		if out.ARN != want {
			t.Errorf("caller %s, want %s", out.ARN, want)
		}
	})
	t.Run("boto3, which hears of other services that they are not here", func(t *testing.T) {
		var out map[string]string
		must(t, json.Unmarshal([]byte(newBoto3(t, s, "services.py").run(t)), &out))
		if out["sts"] != want {
			t.Errorf("caller %s, want %s", out["sts"], want)
		}
		delete(out, "sts")
		if len(out) == 0 {
			t.Error("the script asked no other service")
		}
		for service, said := range out {
			if !strings.Contains(said, "This is openecr") {
				t.Errorf("%s: boto3 said %q, want the name of openecr", service, said)
			}
		}
	})
	t.Run("Go SDK", func(t *testing.T) {
		newSDK(t, s)
		cfg, err := config.LoadDefaultConfig(t.Context())
		must(t, err)
		out, err := sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		must(t, err)
		if *out.Arn != want {
			t.Errorf("caller %s, want %s", *out.Arn, want)
		}
	})
}

// With a profile no key stands in a file of the user's and none in the environment.
func TestProfileRunsOpenecrForItsKey(t *testing.T) {
	s := newServer(t, filepath.Join(t.TempDir(), "it's data"))
	s.start()
	file := filepath.Join(t.TempDir(), "config")
	must(t, os.WriteFile(file, []byte(s.command(t).run(t, "env", "--format", "profile", "--data", s.data)), 0o600))

	cli := awsCLI{newTool(t, "/usr/bin/aws", "--endpoint-url", s.url, "--profile", "openecr", "ecr-public").with("AWS_CONFIG_FILE=" + file)}
	cli.createRepository(t, s, "hello")

	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_ECR_PUBLIC"} {
		t.Setenv(name, "")
		must(t, os.Unsetenv(name))
	}
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithSharedConfigProfile("openecr"), config.WithSharedConfigFiles([]string{file}))
	must(t, err)
	out, err := ecrpublic.NewFromConfig(cfg).DescribeRepositories(t.Context(), &ecrpublic.DescribeRepositoriesInput{})
	must(t, err)
	if len(out.Repositories) != 1 {
		t.Errorf("the Go SDK sees %d repositories, want 1", len(out.Repositories))
	}
}
