//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"
	"github.com/aws/smithy-go/middleware"

	"github.com/openecr/openecr/internal/powercut"
)

// A promise is what the server has said by an answer with this text in it; keeps asks whether it is so.
type promise struct {
	text  string
	keeps func(context.Context, registryClient) error
}

// After a power cut at any moment a server starts, keeps what it had answered by then, has nothing half and takes a push.
func TestAcknowledgedSurvivesPowerCut(t *testing.T) {
	var promises []promise
	r := record(t, func(s *server) { promises = makePromises(t, s) })
	r.mustBeTrue(t)
	answers := r.disk(t, r.lines()).Answers()
	seed := rand.Uint64()
	t.Logf("%d promises, %d lines, seed %d", len(promises), r.lines(), seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for n := range rounds(t, 6) {
		// The hardest moment is right after an answer, and the hardest luck is none.
		line, luck := answers[rng.IntN(len(answers))].Begin+1, powercut.None()
		if n%2 == 1 {
			line, luck = rng.IntN(r.lines()+1), powercut.Some(rng.Uint64())
		}
		t.Run(fmt.Sprintf("line %d", line), func(t *testing.T) { r.cut(t, line, luck, promises) })
	}
}

func (r recording) cut(t *testing.T, line int, luck powercut.Luck, promises []promise) {
	disk := r.disk(t, line)
	root := t.TempDir()
	must(t, disk.Write(root, luck))
	s := newServer(t, filepath.Join(root, tracedData))
	s.env = nil
	s.start()
	api := newSDK(t, s)
	client := newRegistryClient(t, s, api)
	broken := 0
	for _, p := range promises {
		if err := p.keeps(t.Context(), client); err != nil && answered(disk, p.text) {
			if broken++; broken <= 3 {
				t.Errorf("%s was answered before the cut, and now: %v", p.text, err)
			}
		}
	}
	if broken > 0 {
		t.Errorf("%d promises are broken", broken)
	}
	verifyWhole(t, s)
	_, err := api.CreateRepository(t.Context(), &ecrpublic.CreateRepositoryInput{RepositoryName: aws.String("after")})
	must(t, err)
	_, err = client.pushBlob(t.Context(), "after", randomData(1000))
	must(t, err)
	s.kill()
}

// What is said to be there is synced first: the bytes of a layer and the folder that names them, then the log of the
// database, then the answer.
func TestSyncsComeBeforeTheAnswer(t *testing.T) {
	layers := map[string][]byte{"registry": randomData(100_000), "registry, whole": randomData(100_000), "API": randomData(100_000)}
	image := toJSON(t, manifest{SchemaVersion: 2, MediaType: ociManifestType,
		Config: &descriptor{MediaType: ociConfigType, Digest: digestOf(layers["API"]), Size: 100_000}})
	r := record(t, func(s *server) {
		api := newSDK(t, s)
		registry := newRegistryClient(t, s, api)
		_, err := api.CreateRepository(t.Context(), &ecrpublic.CreateRepositoryInput{RepositoryName: aws.String("hello")})
		must(t, err)
		_, err = registry.pushBlob(t.Context(), "hello", layers["registry"])
		must(t, err)
		_, err = registry.sendBlob(t.Context(), "hello", layers["registry, whole"])
		must(t, err)
		must(t, sdkUpload(t.Context(), api, "hello", digestOf(layers["API"]), [][]byte{layers["API"]}))
		must(t, registry.pushManifest(t.Context(), "hello", "tag", ociManifestType, image))
	})
	for wire, data := range layers {
		log := r.logSync(t, digestOf(data))
		root := t.TempDir()
		must(t, r.disk(t, log.Begin).Write(root, powercut.None()))
		safe := slices.ContainsFunc(slices.Collect(maps.Values(filesIn(t, root))), func(content []byte) bool {
			return bytes.Equal(content, data)
		})
		if !safe {
			t.Errorf("%s: when the log of the database was synced, the bytes of the layer or the name of their file were not safe", wire)
		}
	}
	r.logSync(t, digestOf(image))
}

// logSync is the sync of the database's log that an answer with this text waited for.
func (r recording) logSync(t *testing.T, text string) powercut.Sync {
	t.Helper()
	disk := r.disk(t, r.lines())
	answers := slices.DeleteFunc(disk.Answers(), func(a powercut.Answer) bool { return !strings.HasPrefix(a.Text, "HTTP/1.1 2") })
	at := slices.IndexFunc(answers, func(a powercut.Answer) bool { return strings.Contains(a.Text, text) })
	if at < 1 {
		t.Fatalf("nothing answered %s", text)
	}
	syncs := disk.Syncs()
	for i := len(syncs) - 1; i >= 0; i-- {
		if s := syncs[i]; s.Path == tracedData+"/openecr.db-wal" && s.End < answers[at].Begin && s.Begin > answers[at-1].Begin {
			return s
		}
	}
	t.Fatalf("%s was answered without a sync of the database's log", text)
	return powercut.Sync{}
}

// answered says whether a success with that text had been sent.
func answered(disk *powercut.Disk, text string) bool {
	return slices.ContainsFunc(disk.Answers(), func(a powercut.Answer) bool {
		return strings.HasPrefix(a.Text, "HTTP/1.1 2") && strings.Contains(a.Text, text)
	})
}

// verifyWhole has `openecr verify` read everything.
func verifyWhole(t *testing.T, s *server) {
	t.Helper()
	s.command(t).run(t, "verify", "--whole", "--data", s.data)
}

// makePromises does what changes a registry, on both wires and side by side.
func makePromises(t *testing.T, s *server) []promise {
	ctx := t.Context()
	api := newSDK(t, s)
	registry := newRegistryClient(t, s, api)
	_, err := api.CreateRepository(ctx, &ecrpublic.CreateRepositoryInput{RepositoryName: aws.String("hello")})
	must(t, err)
	acked := &acknowledged{manifests: map[string][]byte{}}
	var pushing sync.WaitGroup
	for pusher := range 3 {
		pushing.Go(func() {
			for i := range 8 {
				if err := pushSmall(ctx, t, acked, api, registry, fmt.Sprintf("%d-%d", pusher, i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	promises := slices.Concat(promiseUpload(t, registry), promiseAPI(t, api))
	pushing.Wait()
	for _, digest := range acked.layers {
		promises = append(promises, promise{digest, func(ctx context.Context, c registryClient) error {
			data, err := c.blob(ctx, "hello", digest)
			if err == nil && digestOf(data) != digest {
				err = fmt.Errorf("its bytes have the digest %s", digestOf(data))
			}
			return err
		}})
	}
	for tag, want := range acked.manifests {
		promises = append(promises, promise{digestOf(want), func(ctx context.Context, c registryClient) error {
			data, err := c.manifest(ctx, "hello", tag)
			if err == nil && string(data) != string(want) {
				err = fmt.Errorf("tag %s leads to %s", tag, data)
			}
			return err
		}})
	}
	return promises
}

// promiseUpload leaves an upload open. Its chunks are longer than those of pushSmall, so that their Range is theirs alone.
func promiseUpload(t *testing.T, registry registryClient) []promise {
	const chunk = 200 << 10
	upload, err := registry.startUpload(t.Context(), "hello")
	must(t, err)
	path := strings.TrimPrefix(upload, registry.url)
	var promises []promise
	for offset := int64(0); offset < 3*chunk; offset += chunk {
		_, err = registry.sendChunk(t.Context(), upload, offset, randomData(chunk))
		must(t, err)
		last := offset + chunk - 1
		promises = append(promises, promise{fmt.Sprintf("Range: 0-%d\r\n", last), func(ctx context.Context, c registryClient) error {
			header, _, err := c.request(ctx, http.StatusNoContent, "GET", path, nil, nil)
			if err != nil {
				return err
			}
			var now int64
			if _, err := fmt.Sscanf(header.Get("Range"), "0-%d", &now); err != nil || now < last {
				return fmt.Errorf("the upload stands at %q", header.Get("Range"))
			}
			return nil
		}})
	}
	return promises
}

// promiseAPI deletes and moves what it has made, by the API.
func promiseAPI(t *testing.T, api *ecrpublic.Client) []promise {
	ctx := t.Context()
	var promises []promise
	for n := range 4 {
		name := fmt.Sprintf("gone-%d", n)
		_, err := api.CreateRepository(ctx, &ecrpublic.CreateRepositoryInput{RepositoryName: &name})
		must(t, err)
		must(t, sdkUpload(ctx, api, name, digestOf([]byte(name)), [][]byte{[]byte(name)}))
		out, err := api.DeleteRepository(ctx, &ecrpublic.DeleteRepositoryInput{RepositoryName: &name, Force: true})
		must(t, err)
		promises = append(promises, promise{requestID(out.ResultMetadata), func(ctx context.Context, c registryClient) error {
			_, _, err := c.request(ctx, http.StatusNotFound, "GET", name+"/blobs/"+digestOf([]byte(name)), nil, nil)
			return err
		}})
	}
	return promises
}

func requestID(m middleware.Metadata) string {
	id, _ := awsmiddleware.GetRequestIDMetadata(m)
	return id
}

// rounds is how often a test of chances tries: few times, or as often as OPENECR_ROUNDS says.
func rounds(t *testing.T, few int) int {
	t.Helper()
	text := os.Getenv("OPENECR_ROUNDS")
	if text == "" {
		return few
	}
	many, err := strconv.Atoi(text)
	must(t, err)
	return many
}
