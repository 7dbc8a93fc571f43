package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic/types"

	"github.com/openecr/openecr/internal/registry"
)

// eventually asks until the answer is yes.
func eventually(t *testing.T, what string, ask func() bool) {
	t.Helper()
	for giveUp := time.Now().Add(20 * time.Second); !ask(); {
		if time.Now().After(giveUp) {
			t.Fatalf("never: %s", what)
		}
		must(t, pause(t.Context()))
	}
}

func collect(t *testing.T, s Stores, c Collect) Collected {
	t.Helper()
	done, err := Do(t.Context(), s, c, func(Collected) {})
	must(t, err)
	return done
}

// verify returns what people read of the faults.
func verify(t *testing.T, s Stores, v Verify) (faults []string, done Verified) {
	t.Helper()
	done, err := Do(t.Context(), s, v, func(e VerifyEvent) {
		if e.Fault != nil {
			faults = append(faults, e.Fault.String())
		}
	})
	must(t, err)
	return faults, done
}

// damageBlobs writes over all stored layers.
func damageBlobs(t *testing.T, s Stores) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.file("blobs"), "*", "*"))
	must(t, err)
	for _, file := range files {
		must(t, os.Chmod(file, 0o600))
		must(t, os.WriteFile(file, []byte("damage"), 0o600))
	}
}

func TestCollectAndVerifyWithAndWithoutAServer(t *testing.T) {
	c := newConfig(t)
	c.Lease = time.Millisecond
	r := serve(t, c)
	s, client := c.Stores, newClient(t, r, readEnvironment(t, c))
	makeRepository(t, client)
	for _, name := range []string{"with", "without"} {
		t.Run(name, func(t *testing.T) {
			if name == "with" {
				push(t, client, []byte("layer"))
			} else {
				r.stop()
				must(t, r.wait())
			}
			want := registry.Tally{Count: 1, Bytes: 5}
			eventually(t, "the lease ends", func() bool { return collect(t, s, Collect{DryRun: true}).Layers == want })
			if faults, done := verify(t, s, Verify{Whole: true}); faults != nil || done.Read != want {
				t.Errorf("verified %+v with %q", done, faults)
			}
			if done := collect(t, s, Collect{Bytes: true}); done.Layers != want || done.Blobs != want || Freed(done) != 5 {
				t.Errorf("collected %+v", done)
			}
			if name == "with" {
				push(t, client, []byte("layer"))
			}
		})
	}
}

func TestRepairWithAServer(t *testing.T) {
	c := newConfig(t)
	r := serve(t, c)
	client := newClient(t, r, readEnvironment(t, c))
	makeRepository(t, client)
	push(t, client, []byte("layer"))
	available := func() bool {
		out, err := client.BatchCheckLayerAvailability(t.Context(), &ecrpublic.BatchCheckLayerAvailabilityInput{
			RepositoryName: aws.String("hello"), LayerDigests: []string{digest([]byte("layer"))}})
		must(t, err)
		return out.Layers[0].LayerAvailability == types.LayerAvailabilityAvailable
	}
	damageBlobs(t, c.Stores)
	faults, done := verify(t, c.Stores, Verify{Repair: true})
	if len(faults) != 1 || !strings.Contains(faults[0], "6 bytes are stored instead of 5; needed by ") || done.Repaired != 1 {
		t.Errorf("repaired %+v with %q", done, faults)
	}
	if available() {
		t.Error("the damaged layer is available")
	}
	push(t, client, []byte("layer"))
	if faults, _ := verify(t, c.Stores, Verify{Whole: true}); faults != nil || !available() {
		t.Errorf("pushed again: %q", faults)
	}
}

func TestServersCollectByThemselves(t *testing.T) {
	c := newConfig(t)
	c.Lease, c.GCGrace = time.Millisecond, time.Hour
	c.GCInterval, c.GCBytesInterval = time.Millisecond, time.Hour
	r := serve(t, c)
	client := newClient(t, r, readEnvironment(t, c))
	makeRepository(t, client)
	push(t, client, []byte("layer"))
	eventually(t, "a collection in the log", func() bool {
		return strings.Contains(r.log.String(), `"msg":"collected","layers":1,"blobs":1,"uploads":0,"strays":0`)
	})
	if files, _ := filepath.Glob(filepath.Join(c.file("blobs"), "*", "*")); files != nil {
		t.Errorf("left: %q", files)
	}
}

// A verification of a layer takes for ever at this rate.
var endless = Verify{Whole: true, Rate: 1.0 / (1 << 20)}

func TestTaskEndsWhenTheServerStops(t *testing.T) {
	c := newConfig(t)
	r := serve(t, c)
	client := newClient(t, r, readEnvironment(t, c))
	makeRepository(t, client)
	push(t, client, []byte("a layer of a minute"))
	_, err := Do(t.Context(), c.Stores, endless, func(VerifyEvent) { r.stop() })
	if err == nil || err.Error() != errStopping.Error() {
		t.Errorf("stopped: %v", err)
	}
	must(t, r.wait())
}

func TestTaskEndsWhenItsUserStopsIt(t *testing.T) {
	c := newConfig(t)
	r := serve(t, c)
	client := newClient(t, r, readEnvironment(t, c))
	makeRepository(t, client)
	push(t, client, []byte("a layer of a minute"))
	for _, name := range []string{"with", "without"} {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := Do(ctx, c.Stores, endless, func(VerifyEvent) { cancel() })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s a server: %v", name, err)
		}
		if name == "with" {
			eventually(t, "its end in the log", func() bool { return strings.Contains(r.log.String(), `"operation":"Verify"`) })
			r.stop()
			must(t, r.wait())
		}
	}
}

func TestMistakesInCollectionAndVerifyAreClearSentences(t *testing.T) {
	c := newConfig(t)
	openClose(t, c)
	for _, name := range []string{"without", "with"} {
		if name == "with" {
			serve(t, c)
		}
		for want, do := range map[string]func() error{
			"--rate -1 is negative: 0 is as many as can be": func() error {
				_, err := Do(t.Context(), c.Stores, Collect{Rate: -1}, func(Collected) {})
				return err
			},
			"--abandoned -1h0m0s is negative: give the time after which an upload is abandoned, as in 24h": func() error {
				_, err := Do(t.Context(), c.Stores, Collect{Abandoned: -time.Hour}, func(Collected) {})
				return err
			},
			"--sample 101 must be from 0 to 100": func() error {
				_, err := Do(t.Context(), c.Stores, Verify{Sample: 101}, func(VerifyEvent) {})
				return err
			},
			"--rate -1 is negative: 0 is as much as can be": func() error {
				_, err := Do(t.Context(), c.Stores, Verify{Rate: -1}, func(VerifyEvent) {})
				return err
			},
		} {
			if err := do(); err == nil || err.Error() != want {
				t.Errorf("%s a server: %v, want %s", name, err, want)
			}
		}
	}
	c = newConfig(t)
	c.GCInterval = -time.Hour
	if got, want := refusal(t, c), "--gc-interval, --gc-bytes-interval and --gc-rate must not be negative: 0 turns each off"; got != want {
		t.Errorf("got %s", got)
	}
}

func TestUploadIsAbandonedAfterTheTimeThatIsSet(t *testing.T) {
	c := newConfig(t)
	client := newClient(t, serve(t, c), readEnvironment(t, c))
	makeRepository(t, client)
	_, err := client.InitiateLayerUpload(t.Context(), &ecrpublic.InitiateLayerUploadInput{RepositoryName: aws.String("hello")})
	must(t, err)
	for _, abandoned := range []time.Duration{0, time.Hour} {
		if done := collect(t, c.Stores, Collect{Abandoned: abandoned}); done != (Collected{}) {
			t.Errorf("collected after %s: %+v", abandoned, done)
		}
	}
	eventually(t, "the upload is collected", func() bool {
		return collect(t, c.Stores, Collect{Abandoned: time.Millisecond}).Uploads.Count == 1
	})
	c.GCAbandoned = -time.Hour
	if got, want := c.Collection.check().Error(), "--gc-abandoned -1h0m0s is negative: give the time after which an upload is abandoned, as in 24h"; got != want {
		t.Errorf("got %s", got)
	}
}

func TestBytesLingerWhereTheDatabaseMayFallBack(t *testing.T) {
	for metadata, want := range map[string]time.Duration{"": 0, "sqlite:/x.db": 0, "postgres://host/db": 24 * time.Hour} {
		s := Stores{Data: "/data", Metadata: metadata}
		if got := s.lingering(registry.CollectRules{}).Linger; got != want {
			t.Errorf("metadata %q: %s, want %s", metadata, got, want)
		}
	}
	s := Stores{Metadata: "postgres://host/db"}
	if got := s.lingering(registry.CollectRules{Grace: time.Second}).Linger; got != time.Second {
		t.Errorf("with a grace of a second: %s", got)
	}
}
