//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"
	"github.com/google/go-cmp/cmp"

	"github.com/openecr/openecr/internal/enginetest"
)

// TestBackupRestoreAndMigrateBetweenKindsOfStores takes one registry from files to a fleet's stores by backup and restore,
// and back by migration, while clients push all the time.
func TestBackupRestoreAndMigrateBetweenKindsOfStores(t *testing.T) {
	masterKey := "OPENECR_MASTER_KEY=" + strings.Repeat("5a", 32)
	onFiles := newServer(t, t.TempDir())
	onFiles.env = []string{masterKey}
	onFiles.start()
	image := pushSkopeoImage(t, onFiles)

	// Backup: twice, because the second one copies only what is new.
	acked := &acknowledged{manifests: map[string][]byte{}}
	end := pushMeanwhile(t, onFiles, acked, "before")
	backups := filepath.Join(t.TempDir(), "backups")
	runJSON(t, onFiles, "backup", "--data", onFiles.data, "--to", backups)
	atBackup := acked.copy()
	second := runJSON(t, onFiles, "backup", "--data", onFiles.data, "--to", backups, "--keep", "1")
	if second.Copied.Count == 0 || second.Copied.Count >= second.Blobs.Count {
		t.Errorf("the second backup copied %d of %d layers, want only those of the meantime", second.Copied.Count, second.Blobs.Count)
	}
	end()
	onFiles.stop()

	// Restore onto the stores of a fleet.
	s3 := enginetest.S3(t)
	metadata, blobs := enginetest.Postgres(t).Database(t), s3.Blobs(t)
	onFleet := newServer(t, t.TempDir())
	onFleet.env = append(s3.Env(), masterKey, "OPENECR_METADATA="+metadata, "OPENECR_BLOBS="+blobs)
	runJSON(t, onFleet, "restore", "--from", backups, "--data", onFleet.data, "--verify")
	onFleet.start()
	pullSkopeoImage(t, onFleet, image)
	api := newSDK(t, onFleet)
	verifyAcknowledged(t, atBackup, api, newRegistryClient(t, onFleet, api))

	// Migrate back. Pushes to the old place end because it refuses them, and not one that it accepted is left behind.
	acked = atBackup
	restored := acked.images()
	end = pushMeanwhile(t, onFleet, acked, "after")
	onFilesAgain := newServer(t, t.TempDir())
	onFilesAgain.env = append(s3.Env(), masterKey)
	done := runJSON(t, onFilesAgain, "migrate", "--from", metadata+","+blobs, "--to", onFilesAgain.data)
	if !done.SourceIsReadOnly {
		t.Error("the old place is not said to be read-only")
	}
	end()
	pullSkopeoImage(t, onFleet, image) // it still serves pulls
	onFilesAgain.start()
	pullSkopeoImage(t, onFilesAgain, image)
	api = newSDK(t, onFilesAgain)
	verifyAcknowledged(t, acked, api, newRegistryClient(t, onFilesAgain, api))
	t.Logf("%d images were in the backup, %d came until the end of the migration", restored, acked.images()-restored)
}

// copy is what was acknowledged until now.
func (a *acknowledged) copy() *acknowledged {
	a.mu.Lock()
	defer a.mu.Unlock()
	return &acknowledged{layers: slices.Clone(a.layers), manifests: maps.Clone(a.manifests)}
}

// pushMeanwhile pushes images to "hello" from several clients until end is called or the server refuses. It returns when
// the first few are there.
func pushMeanwhile(t *testing.T, s *server, acked *acknowledged, name string) (end func()) {
	t.Helper()
	api := newSDK(t, s)
	registry := newRegistryClient(t, s, api)
	before := acked.images()
	ctx, cancel := context.WithCancel(t.Context())
	var loops sync.WaitGroup
	for n := range 2 {
		loops.Go(func() { pushUntilFailure(ctx, t, acked, api, registry, fmt.Sprintf("%s-%d", name, n)) })
	}
	waitFor(t, time.Minute, "the first images", func() bool { return acked.images() >= before+4 })
	return func() { cancel(); loops.Wait() }
}

// copied is the report of a command that copies.
type copied struct {
	Blobs, Copied    struct{ Count int64 }
	SourceIsReadOnly bool
}

func runJSON(t *testing.T, s *server, args ...string) copied {
	t.Helper()
	var done copied
	printed := s.command(t).run(t, append(args, "--output", "json")...)
	if err := json.Unmarshal([]byte(printed), &done); err != nil {
		t.Fatalf("openecr %s printed %q: %v", args[0], printed, err)
	}
	return done
}

// skopeoImage is an image that real clients push and pull.
type skopeoImage struct {
	digest string
	blobs  []string
}

// pushSkopeoImage also makes the repository.
func pushSkopeoImage(t *testing.T, s *server) skopeoImage {
	t.Helper()
	_, err := newSDK(t, s).CreateRepository(t.Context(), &ecrpublic.CreateRepositoryInput{RepositoryName: aws.String("hello")})
	must(t, err)
	layout := newLayout(t)
	made := layout.image("amd64", 3, 30<<20)
	layout.tag("one", made)
	owner := newSkopeo(t)
	owner.runWithInput(t, newAWS(t, s).password(t), "login", "--tls-verify=false", "--username", "AWS", "--password-stdin", s.host())
	owner.run(t, "copy", "--preserve-digests", skopeoPlainTo, "oci:"+layout.dir+":one", "docker://"+s.registry+"/hello:one")
	return skopeoImage{made.Digest, layout.blobs()}
}

func pullSkopeoImage(t *testing.T, s *server, image skopeoImage) {
	t.Helper()
	pulled := openLayout(t, t.TempDir())
	newSkopeo(t).run(t, "copy", "--preserve-digests", skopeoPlainFrom, "docker://"+s.registry+"/hello@"+image.digest, "oci:"+pulled.dir+":one")
	if diff := cmp.Diff(image.blobs, pulled.blobs()); diff != "" {
		t.Errorf("blobs pulled differ from blobs pushed (-pushed +pulled):\n%s", diff)
	}
}
