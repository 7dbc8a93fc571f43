//go:build e2e && capacity

package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"

	"github.com/openecr/openecr/internal/enginetest"
)

// TestCapacity measures the figures of docs/capacity.md:
//
//	go test -count 1 -tags e2e,capacity -v -run Capacity ./e2e
//
// Clients, nodes and engines share the machine, so rates are of all of them together. The processor time of each is what
// can be carried over to other machines.
func TestCapacity(t *testing.T) {
	for _, pair := range []string{"sqlite+files", "postgres+files", "sqlite+s3", "postgres+s3"} {
		t.Run(pair, func(t *testing.T) { measure(t, startMeasured(t, pair, 1)) })
	}
	t.Run("postgres+s3 on 3 nodes", func(t *testing.T) { measure(t, startMeasured(t, "postgres+s3", 3)) })
}

// measured is a node with its clients.
type measured struct {
	api      *ecrpublic.Client
	registry registryClient
}

func startMeasured(t *testing.T, pair string, nodes int) []measured {
	t.Helper()
	env := []string{"OPENECR_MASTER_KEY=" + strings.Repeat("5a", 32),
		"OPENECR_ACCESS_KEY_ID=AKIAENDTOENDTESTS000", "OPENECR_SECRET_ACCESS_KEY=secret-of-the-end-to-end-tests"}
	metadata, blobs, _ := strings.Cut(pair, "+")
	if metadata == "postgres" {
		env = append(env, "OPENECR_METADATA="+enginetest.Postgres(t).Database(t))
	}
	if blobs == "s3" {
		s3 := enginetest.S3(t)
		env = append(append(env, s3.Env()...), "OPENECR_BLOBS="+s3.Blobs(t))
	}
	var all []measured
	for range nodes {
		s := newServer(t, t.TempDir())
		s.addr = freeAddress(t)
		s.env = append(s.env, env...)
		s.start()
		m := measured{api: newSDK(t, s)}
		m.registry = newRegistryClient(t, s, m.api)
		all = append(all, m)
	}
	for _, name := range append([]string{"hello"}, placeNames()...) {
		_, err := all[0].api.CreateRepository(t.Context(), &ecrpublic.CreateRepositoryInput{RepositoryName: &name})
		must(t, err)
	}
	return all
}

// places is how many repositories are pushed to at once.
const places = 64

func placeNames() []string {
	var names []string
	for n := range places {
		names = append(names, fmt.Sprintf("hello-%d", n))
	}
	return names
}

func measure(t *testing.T, nodes []measured) {
	const large = 64 << 20
	ctx := t.Context()
	var present, missing []string
	for range 100 {
		digest, err := nodes[0].registry.pushBlob(ctx, "hello", randomData(64))
		must(t, err)
		present = append(present, digest)
		missing = append(missing, digestOf(randomData(64)))
	}
	check := func(digests []string) func(measured, int) error {
		return func(m measured, _ int) error {
			_, err := m.api.BatchCheckLayerAvailability(ctx, &ecrpublic.BatchCheckLayerAvailabilityInput{
				RepositoryName: aws.String("hello"), LayerDigests: digests,
			})
			return err
		}
	}
	run(t, nodes, "check of 100, present", 8, 4*time.Second, check(present))
	run(t, nodes, "check of 100, missing", 8, 4*time.Second, check(missing))
	run(t, nodes, "small push, one place", 8, 5*time.Second, func(m measured, n int) error {
		return smallPush(ctx, t, m.registry, "hello", n)
	})
	run(t, nodes, "small push, many places", 8, 5*time.Second, func(m measured, n int) error {
		return smallPush(ctx, t, m.registry, fmt.Sprintf("hello-%d", n%places), n)
	})
	data := randomData(large)
	run(t, nodes, "push of 64 MiB", 2, 6*time.Second, func(m measured, n int) error {
		own := slices.Concat(data[:large-8], fmt.Appendf(nil, "%08d", n))
		upload, err := m.registry.startUpload(ctx, "hello")
		if err != nil {
			return err
		}
		return m.registry.completeUpload(ctx, upload, digestOf(own), own)
	})
	digest := digestOf(data)
	upload, err := nodes[0].registry.startUpload(ctx, "hello")
	must(t, err)
	must(t, nodes[0].registry.completeUpload(ctx, upload, digest, data))
	run(t, nodes, "pull of 64 MiB", 2, 4*time.Second, func(m measured, _ int) error {
		_, err := m.registry.blob(ctx, "hello", digest)
		return err
	})
}

// smallPush is what a build that changed little pushes: a layer, a configuration and a manifest.
func smallPush(ctx context.Context, t *testing.T, registry registryClient, repository string, n int) error {
	var blobs [2]descriptor
	for i, size := range []int64{2 << 10, 16 << 10} {
		data := randomData(size)
		digest, err := registry.pushBlob(ctx, repository, data)
		if err != nil {
			return err
		}
		blobs[i] = descriptor{MediaType: ociLayerType, Digest: digest, Size: size}
	}
	blobs[0].MediaType = ociConfigType
	data := toJSON(t, manifest{SchemaVersion: 2, MediaType: ociManifestType, Config: &blobs[0], Layers: blobs[1:]})
	return registry.pushManifest(ctx, repository, fmt.Sprintf("n-%d", n), ociManifestType, data)
}

// run has clients do something again and again, each at the next node, and prints what it took.
func run(t *testing.T, nodes []measured, what string, clients int, duration time.Duration, do func(m measured, n int) error) {
	t.Helper()
	must(t, do(nodes[0], 0)) // warms connections and caches
	before, start := processorTime(t), time.Now()
	var count atomic.Int64
	var mu sync.Mutex
	var took []time.Duration
	var running sync.WaitGroup
	for client := range clients {
		running.Go(func() {
			for time.Since(start) < duration {
				began := time.Now()
				if err := do(nodes[client%len(nodes)], int(count.Add(1))); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				took = append(took, time.Since(began))
				mu.Unlock()
			}
		})
	}
	running.Wait()
	elapsed, after := time.Since(start), processorTime(t)
	slices.Sort(took)
	n := len(took)
	each := func(program string) time.Duration {
		return ((after[program] - before[program]) / time.Duration(n)).Round(time.Microsecond)
	}
	t.Logf("%-23s %8.1f/s  p50 %v  p99 %v  CPU each: openecr %v, postgres %v, s3 %v", what, float64(n)/elapsed.Seconds(),
		took[n/2].Round(10*time.Microsecond), took[n*99/100].Round(10*time.Microsecond), each("openecr"), each("postgres"), each("versitygw"))
}

// processorTime is what the programs that this test has started have used up, with their children, by name.
func processorTime(t *testing.T) map[string]time.Duration {
	t.Helper()
	type process struct {
		name   string
		parent int
		used   time.Duration
	}
	all := make(map[int]process)
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	must(t, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		pid, rest, _ := strings.Cut(string(data), " (")
		name, rest, _ := strings.Cut(rest, ") ")
		fields := strings.Fields(rest)
		number := func(s string) int { n, _ := strconv.Atoi(s); return n }
		const tick = 10 * time.Millisecond
		all[number(pid)] = process{name, number(fields[1]), time.Duration(number(fields[11])+number(fields[12])) * tick}
	}
	sum := make(map[string]time.Duration)
	for _, p := range all {
		for child := p; child.parent > 1; child = all[child.parent] {
			if child.parent == os.Getpid() {
				name, _, _ := strings.Cut(p.name, "-")
				if strings.Contains(p.name, "openecr") {
					name = "openecr"
				}
				sum[name] += p.used
				break
			}
		}
	}
	return sum
}
