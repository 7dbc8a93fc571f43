//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"

	"github.com/openecr/openecr/internal/faults"
)

// crashRig is a server that dies again and again, and what its clients know of it.
type crashRig struct {
	*server
	api      *ecrpublic.Client
	registry registryClient
	crane    tool
	stores   []string // environment of the server, without what kills it
	point    string   // where it is to die
	died     map[string]int

	acked, recent *acknowledged // in all, and in the last round
	mu            sync.Mutex
	tried         []string         // tags that the last round has pushed, answered or not
	values        map[string]value // what was set, by where
	gone          []string         // repositories
}

// value is of something that is set again and again.
type value struct{ acked, tried string }

func newCrashRig(t *testing.T) *crashRig {
	s := newServer(t, t.TempDir())
	s.binary = crashing(t)
	r := &crashRig{server: s, stores: s.env, died: make(map[string]int), acked: newAcknowledged(), recent: newAcknowledged(),
		values: make(map[string]value)}
	s.start()
	r.api = newSDK(t, s)
	r.registry = newRegistryClient(t, s, r.api)
	r.crane = newClient(t, "crane")
	r.crane.run(t, "auth", "login", s.host(), "--username", "AWS", "--password", passwordOf(t, r.api))
	for _, name := range []string{"hello", "changing"} {
		_, err := r.api.CreateRepository(t.Context(), &ecrpublic.CreateRepositoryInput{RepositoryName: &name})
		must(t, err)
	}
	s.kill()
	return r
}

func newAcknowledged() *acknowledged { return &acknowledged{manifests: map[string][]byte{}} }

// crashing is the server that can be told where to die. It is built here unless OPENECR_CRASHING names it.
func crashing(t *testing.T) string {
	t.Helper()
	if binary := os.Getenv("OPENECR_CRASHING"); binary != "" {
		return binary
	}
	binary := filepath.Join(t.TempDir(), "openecr-crashing")
	build := exec.Command("go", "build", "-tags", "crash", "-o", binary, "../cmd/openecr")
	build.Stderr, build.Env = os.Stderr, append(os.Environ(), "CGO_ENABLED=0")
	must(t, build.Run())
	return binary
}

// draw is the environment of a server that is to die at some point, once it is told that it may.
func (r *crashRig) draw() []string {
	r.point = faults.Points[rand.IntN(len(faults.Points))]
	return []string{"OPENECR_FAULTS_ARMED=later", fmt.Sprintf("OPENECR_FAULTS=%s=kill@%d", r.point, 1+rand.IntN(30))}
}

func (r *crashRig) start(env ...string) {
	r.env = slices.Concat(r.stores, env)
	r.server.start()
}

// crash has clients work until the server is dead.
func (r *crashRig) crash(t *testing.T, round int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r.recent, r.tried, r.gone = newAcknowledged(), nil, nil
	r.process.signal(t, syscall.SIGUSR2)
	var clients sync.WaitGroup
	for n, work := range []func(context.Context, *testing.T, string) error{r.push, r.push, r.pushByCrane, r.change} {
		clients.Go(func() {
			for i := 0; work(ctx, t, fmt.Sprintf("%d-%d-%d", round, n, i)) == nil; i++ {
			}
		})
	}
	select {
	case <-r.process.exited:
		r.died[r.point]++
	case <-time.After(time.Duration(50+rand.IntN(400)) * time.Millisecond): // any moment will do
		r.kill()
		r.died["any moment"]++
	}
	cancel()
	clients.Wait()
}

// push is pushSmall, and remembers what it has not been told to be there.
func (r *crashRig) push(ctx context.Context, t *testing.T, tag string) error {
	r.try(tag)
	return pushSmall(ctx, t, r.recent, r.api, r.registry, tag)
}

func (r *crashRig) try(tag string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tried = append(r.tried, tag)
}

func (r *crashRig) pushByCrane(ctx context.Context, t *testing.T, tag string) error {
	l := newLayout(t)
	image := l.image("amd64", 2, 32<<10)
	l.tag(tag, image)
	r.try(tag)
	push := exec.CommandContext(ctx, r.crane.argv[0], "push", l.dir, r.server.registry+"/hello:"+tag)
	push.Env = r.crane.env
	if err := push.Run(); err != nil {
		return err
	}
	for _, blob := range l.contents(image) {
		r.recent.layer(blob.Digest)
	}
	r.recent.manifest(tag, l.read(image.Digest))
	return nil
}

// change moves a tag, sets a policy, and makes a repository that it deletes.
func (r *crashRig) change(ctx context.Context, t *testing.T, name string) error {
	config := []byte(name)
	if _, err := r.registry.pushBlob(ctx, "changing", config); err != nil {
		return err
	}
	image := string(toJSON(t, manifest{SchemaVersion: 2, MediaType: ociManifestType,
		Config: &descriptor{MediaType: ociConfigType, Digest: digestOf(config), Size: int64(len(config))}}))
	sid := "x" + strings.ReplaceAll(name, "-", "x")
	policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Sid":%q,"Effect":"Allow","Principal":"*","Action":"ecr-public:PutImage"}]}`, sid)
	doomed := "doomed-" + name
	for _, step := range []func() error{
		func() error {
			return r.set("tag", image, func() error {
				return r.registry.pushManifest(ctx, "changing", "latest", ociManifestType, []byte(image))
			})
		},
		func() error {
			return r.set("policy", sid, func() error {
				_, err := r.api.SetRepositoryPolicy(ctx, &ecrpublic.SetRepositoryPolicyInput{RepositoryName: aws.String("changing"), PolicyText: &policy})
				return err
			})
		},
		func() error {
			_, err := r.api.CreateRepository(ctx, &ecrpublic.CreateRepositoryInput{RepositoryName: &doomed})
			return err
		},
		func() error {
			_, err := r.registry.pushBlob(ctx, doomed, config)
			return err
		},
		func() error {
			_, err := r.api.DeleteRepository(ctx, &ecrpublic.DeleteRepositoryInput{RepositoryName: &doomed, Force: true})
			return err
		},
	} {
		if err := step(); err != nil {
			return err
		}
	}
	r.gone = append(r.gone, doomed)
	return nil
}

// set remembers what may be and what must be.
func (r *crashRig) set(what, to string, do func() error) error {
	v := r.values[what] // by one client, and read when it has ended
	v.tried = to
	r.values[what] = v
	err := do()
	if err == nil {
		v.acked = to
		r.values[what] = v
	}
	return err
}

// verify looks at the last round, or at all of them and every byte.
func (r *crashRig) verify(t *testing.T, all bool) {
	t.Helper()
	r.acked.layers = append(r.acked.layers, r.recent.layers...)
	maps.Copy(r.acked.manifests, r.recent.manifests)
	acked := r.recent
	if all {
		acked = r.acked
		verifyWhole(t, r.server)
	}
	verifyAcknowledged(t, acked, r.api, r.registry)
	r.verifyTried(t)
	r.verifyValues(t)
	for _, name := range r.gone {
		if _, _, err := r.registry.request(t.Context(), http.StatusNotFound, "GET", name+"/tags/list", nil, nil); err != nil {
			t.Errorf("repository %s was deleted: %v", name, err)
		}
	}
}

// verifyTried asks for images of which it is not known whether they are there: they are whole or not there at all.
func (r *crashRig) verifyTried(t *testing.T) {
	t.Helper()
	for _, tag := range r.tried {
		data, err := r.registry.manifest(t.Context(), "hello", tag)
		if err != nil {
			if !strings.Contains(err.Error(), "MANIFEST_UNKNOWN") {
				t.Error(err)
			}
			continue
		}
		var m manifest
		must(t, json.Unmarshal(data, &m))
		for _, blob := range append(m.Layers, *m.Config) {
			r.registry.mustHave(t, blob.Digest)
		}
	}
}

func (r *crashRig) verifyValues(t *testing.T) {
	t.Helper()
	for what, v := range r.values {
		now, err := r.tag(t.Context())
		if what == "policy" {
			now, err = r.sid(t.Context())
		}
		if err != nil && v.acked != "" {
			t.Errorf("%s: %v", what, err)
		}
		if err == nil && now != v.acked && now != v.tried {
			t.Errorf("%s is %s, want %s or %s", what, now, v.acked, v.tried)
		}
		v.acked = now // what was read counts as an answer too
		r.values[what] = v
	}
}

func (r *crashRig) tag(ctx context.Context) (string, error) {
	data, err := r.registry.manifest(ctx, "changing", "latest")
	if err != nil {
		return "", err // data is what the error says
	}
	return string(data), nil
}

func (r *crashRig) sid(ctx context.Context) (string, error) {
	out, err := r.api.GetRepositoryPolicy(ctx, &ecrpublic.GetRepositoryPolicyInput{RepositoryName: aws.String("changing")})
	if err != nil {
		return "", err
	}
	var policy struct{ Statement []struct{ Sid string } }
	if err := json.Unmarshal([]byte(*out.PolicyText), &policy); err != nil || len(policy.Statement) != 1 {
		return "", fmt.Errorf("policy %s: %w", *out.PolicyText, err)
	}
	return policy.Statement[0].Sid, nil
}
