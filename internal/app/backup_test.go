package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic/types"

	"github.com/openecr/openecr/internal/transfer"
)

var copying = Copying{Parallel: 2, Verify: true}

// unheard is progress that nobody watches. It ends the work when it comes to a stage.
type unheard struct {
	stopAt string
	stop   context.CancelFunc
}

func (u unheard) Stage(name string) {
	if u.stop != nil && name == u.stopAt {
		u.stop()
	}
}
func (unheard) Need(int64) {}
func (unheard) Done(int64) {}

// stopping is a context that ends when the work comes to a stage.
func stopping(t *testing.T, stage string) (context.Context, unheard) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	return ctx, unheard{stage, stop}
}

func backUp(t *testing.T, s Stores, b Backup) BackedUp {
	t.Helper()
	b.Copying = copying
	done, err := b.Run(t.Context(), s, unheard{})
	must(t, err)
	return done
}

func restore(t *testing.T, from, snapshot string) Config {
	t.Helper()
	c := newConfig(t)
	_, err := Restore{Copying: copying, From: from, Snapshot: snapshot}.Run(t.Context(), c.Stores, unheard{})
	must(t, err)
	return c
}

// checkLayers demands that a server over the data has the layers, by the key that `openecr env` tells, and goes on.
func checkLayers(t *testing.T, c Config, contents ...[]byte) {
	t.Helper()
	r := serve(t, c)
	defer func() { r.stop(); must(t, r.wait()) }()
	client := newClient(t, r, readEnvironment(t, c))
	for i, content := range contents {
		if !hasLayer(t, client, content) {
			t.Errorf("layer %d is not there", i)
		}
	}
	push(t, client, []byte("pushed to the copy"))
}

func hasLayer(t *testing.T, client *ecrpublic.Client, content []byte) bool {
	t.Helper()
	out, err := client.BatchCheckLayerAvailability(t.Context(), &ecrpublic.BatchCheckLayerAvailabilityInput{RepositoryName: aws.String("hello"), LayerDigests: []string{digest(content)}})
	must(t, err)
	return len(out.Layers) == 1 && out.Layers[0].LayerAvailability == types.LayerAvailabilityAvailable
}

func layerOf(name string) []byte { return []byte(strings.Repeat(name+" ", 1000)) }

func TestBackupOfALiveServerAndRestore(t *testing.T) {
	c := newConfig(t)
	r := serve(t, c)
	client := newClient(t, r, readEnvironment(t, c))
	makeRepository(t, client)
	push(t, client, layerOf("first"))
	folder := filepath.Join(t.TempDir(), "backup")
	first := backUp(t, c.Stores, Backup{To: folder, WithMasterKey: true})
	if first.Copied.Count != 1 || first.Rows["layer"] != 1 {
		t.Errorf("the first backup copied %+v, rows %v", first.Copied, first.Rows)
	}

	push(t, client, layerOf("second"))
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				push(t, client, layerOf(fmt.Sprint("meanwhile ", i)))
			}
		}
	}()
	second := backUp(t, c.Stores, Backup{To: folder})
	close(stop)
	<-stopped
	if second.Copied.Count != second.Blobs.Count-1 {
		t.Errorf("the second backup copied %+v of %+v, want all but the first layer", second.Copied, second.Blobs)
	}
	checkLayers(t, restore(t, folder, ""), layerOf("first"), layerOf("second"))

	restored := restore(t, folder, first.Name)
	again := serve(t, restored)
	if hasLayer(t, newClient(t, again, readEnvironment(t, restored)), layerOf("second")) {
		t.Error("the first snapshot has what was pushed after it")
	}
}

func TestInterruptedBackupLeavesNoSnapshotAndGoesOn(t *testing.T) {
	c := newConfig(t)
	r := serve(t, c)
	client := newClient(t, r, readEnvironment(t, c))
	makeRepository(t, client)
	push(t, client, layerOf("first"))
	folder := t.TempDir()
	for _, stage := range []string{"looking at earlier bytes", "copying bytes", "copying metadata"} {
		ctx, p := stopping(t, stage)
		if _, err := (Backup{Copying: copying, To: folder}).Run(ctx, c.Stores, p); !errors.Is(err, context.Canceled) {
			t.Fatalf("stopped at %q: error %v", stage, err)
		}
		if _, err := transfer.Folder(folder).Find(""); err == nil {
			t.Errorf("stopped at %q, there is a snapshot", stage)
		}
	}
	if done := backUp(t, c.Stores, Backup{To: folder, WithMasterKey: true}); done.Copied.Count != 0 {
		t.Errorf("copied %+v again", done.Copied)
	}
	checkLayers(t, restore(t, folder, ""), layerOf("first"))
}

func TestInterruptedRestoreIsNotServedAndGoesOn(t *testing.T) {
	c := newConfig(t)
	r := serve(t, c)
	client := newClient(t, r, readEnvironment(t, c))
	makeRepository(t, client)
	push(t, client, layerOf("first"))
	folder := t.TempDir()
	backUp(t, c.Stores, Backup{To: folder, WithMasterKey: true})
	target := newConfig(t)
	for _, stage := range []string{"copying bytes", "copying metadata"} {
		ctx, p := stopping(t, stage)
		if _, err := (Restore{Copying: copying, From: folder}).Run(ctx, target.Stores, p); !errors.Is(err, context.Canceled) {
			t.Fatalf("stopped at %q: error %v", stage, err)
		}
		if got := refusal(t, target); !strings.Contains(got, "half of a registry") {
			t.Errorf("a server on it says %q", got)
		}
	}
	_, err := Restore{Copying: copying, From: folder}.Run(t.Context(), target.Stores, unheard{})
	must(t, err)
	checkLayers(t, target, layerOf("first"))
}

func TestBackupKeepsTheNewestSnapshots(t *testing.T) {
	c := newConfig(t)
	r := serve(t, c)
	client := newClient(t, r, readEnvironment(t, c))
	makeRepository(t, client)
	push(t, client, layerOf("kept"))
	folder := t.TempDir()
	orphan := filepath.Join(folder, "blobs", "ab", "ab"+strings.Repeat("0", 30)) // what an interrupted backup leaves
	backUp(t, c.Stores, Backup{To: folder, WithMasterKey: true})
	must(t, os.WriteFile(orphan, []byte("left"), 0o600))
	push(t, client, layerOf("second"))
	second := backUp(t, c.Stores, Backup{To: folder})
	third := backUp(t, c.Stores, Backup{To: folder, Keep: 2})
	snapshots, err := transfer.Folder(folder).Snapshots()
	must(t, err)
	if len(snapshots) != 2 || snapshots[0].Name != second.Name || snapshots[1].Name != third.Name {
		t.Errorf("kept %+v, want %s and %s", snapshots, second.Name, third.Name)
	}
	if third.Pruned.Count != 1 {
		t.Errorf("removed %+v, want what no snapshot names", third.Pruned)
	}
	checkLayers(t, restore(t, folder, second.Name), layerOf("kept"), layerOf("second"))
}

func TestBackupAndRestoreRefuse(t *testing.T) {
	c := newConfig(t)
	openClose(t, c)
	folder := t.TempDir()
	done := backUp(t, c.Stores, Backup{To: folder})
	restoring := func(r Restore, s Stores) error {
		r.Copying = copying
		_, err := r.Run(t.Context(), s, unheard{})
		return err
	}
	refused := func(what string, err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", what, err, want)
		}
	}
	empty := newConfig(t).Stores
	refused("no folder", restoring(Restore{From: filepath.Join(folder, "none")}, empty), "there is no backup folder")
	refused("no snapshot", restoring(Restore{From: t.TempDir()}, empty), "holds no finished backup")
	refused("no such snapshot", restoring(Restore{From: folder, Snapshot: "x"}, empty), "has no snapshot x, but "+done.Name)
	refused("no master key", restoring(Restore{From: folder}, empty), "master key is missing: set OPENECR_MASTER_KEY")
	wrong := empty
	wrong.MasterKey = strings.Repeat("ab", 32)
	refused("wrong master key", restoring(Restore{From: folder}, wrong), "the master key does not open this data")
	right := c.Stores
	refused("a registry in use", restoring(Restore{From: folder}, right), "the target must be empty and holds a registry already")

	other := newConfig(t)
	openClose(t, other)
	_, err := Backup{Copying: copying, To: folder}.Run(t.Context(), other.Stores, unheard{})
	refused("another registry in the folder", err, "holds backups of another registry")
	_, err = Backup{Copying: copying, To: folder}.Run(t.Context(), newConfig(t).Stores, unheard{})
	refused("nothing to back up", err, "there is nothing to copy")

	rows := transfer.Folder(folder).Rows(done.Name)
	content, err := os.ReadFile(rows)
	must(t, err)
	content[len(content)/2] ^= 1
	must(t, os.WriteFile(rows, content, 0o600))
	refused("a damaged snapshot", restoring(Restore{From: folder}, empty), "is damaged: its SHA-256 is")
}
