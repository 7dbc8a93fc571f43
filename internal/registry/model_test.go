package registry_test

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// The tests of files model_*_test.go run random verbs in random order, and after each demand the answer that a model
// gives: the registry in plain Go maps. The model is written from what the verbs promise, without looking at how they
// keep it. Names, bytes and manifests are few, so that sequences meet: uploads of equal bytes, tags that move, indexes
// whose images go.
//
// To add a verb, write its rule as a method of model, and beside it an exported method of machine that draws the
// arguments, asks both and calls agree.
//
// A sequence that fails comes back short, with the seed that repeats it. A long run:
//
//	go test ./internal/registry -run Model -rapid.checks=5000 -rapid.steps=50

func TestAnswersAreThoseOfTheModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := newMachine(sequence{t, rt}, pick(rt, "limits", registry.Limits{}, smallLimits))
		m.fill(rt)
		rt.Repeat(rapid.StateMachineActions(m))
		m.compareLayers()
		m.checkInvariants()
		m.collectAll()
		m.compareLayers()
		m.checkInvariants()
	})
}

// smallLimits are met within a sequence.
var smallLimits = registry.Limits{Repositories: 2, ImagesPerRepository: 3, TagsPerImage: 2, LayerParts: 2, LayerBytes: 3, ResourceTags: 2}

// machine is a registry and the model of it.
type machine struct {
	*fixture
	limits  registry.Limits
	model   *model
	ups     []startedUpload
	tokens  []pageToken
	checked layerCheck // the last one
}

func newMachine(t testing.TB, limits registry.Limits) *machine {
	m := &machine{fixture: openFixture(t), limits: limits}
	m.limit(limits)
	m.model = newModel(m.now, limits)
	return m
}

// fill gives a sequence something to begin with.
func (m *machine) fill(t *rapid.T) {
	for range rapid.IntRange(0, 3).Draw(t, "images at first") {
		m.pushImage(t, owner, app, anyManifest(t), tagsToPut(t))
	}
}

// Check implements rapid.StateMachine. The answers themselves are checked in each action.
func (m *machine) Check(*rapid.T) {}

// Reopen is a restart: nothing is left in memory.
func (m *machine) Reopen(t *rapid.T) {
	m.must(m.meta.Close())
	m.meta.Meta = m.openMeta()
	m.limit(m.limits)
}

// Wait lets time pass. Leases end, and what is remembered grows old.
func (m *machine) Wait(t *rapid.T) {
	m.advance(pick(t, "duration", time.Millisecond, 30*time.Second, time.Hour, registry.Lease-20*time.Second, registry.Lease, 30*time.Hour, 3*registry.Lease))
}

// refusal is an error of which only the kind is foretold.
type refusal registry.Kind

func (r refusal) Error() string { return fmt.Sprintf("an error of kind %d", r) }

// agree demands the answer that the model gives. Values count only without an error.
func agree[T any](t *rapid.T, what string, got T, gotErr error, want T, wantErr error) {
	t.Helper()
	if wantErr != nil {
		if gotErr == nil || !errors.Is(wantErr, refusal(registry.KindOf(gotErr))) {
			t.Fatalf("%s: the error is %v (kind %d), and the model wants %v", what, gotErr, registry.KindOf(gotErr), wantErr)
		}
		return
	}
	if gotErr != nil {
		t.Fatalf("%s: the error is %v (kind %d), and the model wants none", what, gotErr, registry.KindOf(gotErr))
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmp.Comparer(func(a, b ref.Digest) bool { return a == b })); diff != "" {
		t.Fatalf("%s differs (-model +registry):\n%s", what, diff)
	}
}

// sequence lets a fixture live as long as one sequence and fail that, so that rapid can make it shorter.
type sequence struct {
	testing.TB
	rapid *rapid.T
}

func (s sequence) Cleanup(fn func())                 { s.rapid.Cleanup(fn) }
func (s sequence) Error(args ...any)                 { s.rapid.Error(args...) }
func (s sequence) Errorf(format string, args ...any) { s.rapid.Errorf(format, args...) }
func (s sequence) Fatal(args ...any)                 { s.rapid.Fatal(args...) }
func (s sequence) Fatalf(format string, args ...any) { s.rapid.Fatalf(format, args...) }

func (s sequence) TempDir() string {
	dir, err := os.MkdirTemp("", "registry-model-")
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			s.Error(err)
		}
	})
	return dir
}
