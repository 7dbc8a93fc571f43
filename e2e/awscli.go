//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// An awsCLI is `aws ecr-public` in a shell that has evaluated `openecr env`.
type awsCLI struct {
	tool
}

// newAWS is Debian's AWS CLI v2. It is older than 2.13, so it has to be told the endpoint.
func newAWS(t *testing.T, s *server) awsCLI {
	t.Helper()
	return awsCLI{newTool(t, "/usr/bin/aws", "--endpoint-url", s.url, "ecr-public").with(s.environment(t)...)}
}

// newAWSv1 is the AWS CLI v1, if this machine has one on its PATH: no package brings it.
func newAWSv1(t *testing.T, s *server) (cli awsCLI, found bool) {
	t.Helper()
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		path := filepath.Join(dir, "aws")
		version, err := exec.Command(path, "--version").CombinedOutput() // on stderr under Python 2
		if err == nil && strings.HasPrefix(string(version), "aws-cli/1.") {
			t.Logf("AWS CLI v1: %s: %s", path, version)
			return awsCLI{newTool(t, path, "ecr-public").with(s.environment(t)...)}, true
		}
	}
	t.Log("AWS CLI v1: not installed here, v2 only")
	return awsCLI{}, false
}

// call runs an operation and decodes what it printed into out, unless that is nil.
func (c awsCLI) call(t *testing.T, out any, args ...string) {
	t.Helper()
	printed := c.run(t, args...)
	if out == nil {
		return
	}
	if err := json.Unmarshal([]byte(printed), out); err != nil {
		t.Fatalf("aws ecr-public %s printed %q: %v", strings.Join(args, " "), printed, err)
	}
}

// createRepository makes a repository, and returns the name that docker and others push to.
func (c awsCLI) createRepository(t *testing.T, s *server, name string) string {
	t.Helper()
	var out struct {
		Repository struct{ RepositoryURI string }
	}
	c.call(t, &out, "create-repository", "--repository-name", name)
	if want := s.registry + "/" + name; out.Repository.RepositoryURI != want {
		t.Errorf("repositoryUri of the new repository = %q, want %q", out.Repository.RepositoryURI, want)
	}
	return s.registry + "/" + name
}

// password is what docker login takes.
func (c awsCLI) password(t *testing.T) string {
	t.Helper()
	return strings.TrimSpace(c.run(t, "get-login-password"))
}
