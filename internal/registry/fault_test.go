package registry_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openecr/openecr/internal/blobfs"
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

var errFault = errors.New("store is down")

// faultOnce fails the next call of op, which happens all the same when apply is set.
func (f *fixture) faultOnce(op string, apply bool) {
	armed := true
	f.blobs.Fault = func(called, _ string) (bool, error) {
		if called != op || !armed {
			return false, nil
		}
		armed = false
		return apply, errFault
	}
}

func (f *fixture) failUpdateOnce(apply bool) {
	armed := true
	f.meta.failUpdate = func() (bool, error) {
		if !armed {
			return false, nil
		}
		armed = false
		return apply, errFault
	}
}

// faulted demands that the fault came through as an internal error.
func (f *fixture) faulted(err error) {
	f.Helper()
	if !errors.Is(err, errFault) || registry.KindOf(err) != registry.Internal {
		f.Errorf("error %v of kind %d, want the fault of the store", err, registry.KindOf(err))
	}
}

// forms are the two in which a store fails.
var forms = map[string]bool{"failed": false, "failed but happened": true}

func TestFaultOfBlobsInAppendThenRetry(t *testing.T) {
	for name, apply := range forms {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			up := f.start("abc")
			f.faultOnce("Append", apply)
			_, err := f.append(up, part(3, "a longer part"))
			f.faulted(err)
			equal(t, "upload", f.find(up), up)
			up, err = f.append(up, part(3, "def"))
			f.must(err)
			_, err = f.finish(up, sum("abcdef"))
			f.must(err)
		})
	}
}

func TestFaultOfBlobsInFinishThenRetry(t *testing.T) {
	for name, apply := range forms {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			up := f.start("abc")
			f.faultOnce("Finish", apply)
			_, err := f.finish(up, sum("abc"))
			f.faulted(err)
			equal(t, "layer is there", f.available(sum("abc")), []bool{false})
			_, err = f.finish(up, sum("abc"))
			f.must(err)
		})
	}
}

func TestFaultOfMetaInAppendThenRetry(t *testing.T) {
	for name, apply := range forms {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			up := f.start("abc")
			f.failUpdateOnce(apply)
			_, err := f.append(up, part(3, "def"))
			f.faulted(err)
			up, err = f.append(up, part(3, "def"))
			f.must(err)
			equal(t, "offset", up.Offset, 6)
			_, err = f.finish(up, sum("abcdef"))
			f.must(err)
		})
	}
}

func TestFaultOfMetaInFinishThenRetry(t *testing.T) {
	for name, apply := range forms {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			up := f.start("abc")
			f.failUpdateOnce(apply)
			_, err := f.finish(up, sum("abc"))
			f.faulted(err)
			_, err = f.finish(up, sum("abc"))
			if apply {
				f.refused(err, registry.LayerAlreadyExists, "")
			} else {
				f.must(err)
			}
			equal(t, "layer is there", f.available(sum("abc")), []bool{true})
			equal(t, "places with bytes", f.stored(), 1)
		})
	}
}

func TestFaultOfMetaInPutImageThenRetry(t *testing.T) {
	for name, apply := range forms {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			manifest := imageOf(f.push("config"))
			f.failUpdateOnce(apply)
			_, err := f.tryPut(manifest, "tag")
			f.faulted(err)
			image, err := f.tryPut(manifest, "tag")
			if apply {
				f.refused(err, registry.ImageAlreadyExists, "")
			} else {
				f.must(err)
			}
			equal(t, "digest", image.Digest, sum(manifest))
			equal(t, "tags", f.tags(), map[string]ref.Digest{"tag": sum(manifest)})
		})
	}
}

func TestFaultOfBlobsInReadingBack(t *testing.T) {
	f := newFixture(t)
	up := f.start("abc")
	f.faultOnce("Open", false)
	_, err := f.finish(up, ref.DigestBytes(ref.SHA512, []byte("abc")))
	f.faulted(err)
	up = f.start("abc")
	f.spoilHash(up)
	f.faultOnce("Open", false)
	_, err = f.append(up, part(3, "def"))
	f.faulted(err)
	_, err = f.append(up, part(3, "def"))
	f.must(err)
	_, err = f.finish(up, sum("abcdef"))
	f.must(err)
	f.faultOnce("Open", false)
	_, err = f.registry.OpenLayer(t.Context(), app, sum("abcdef"))
	f.faulted(err)
}

// The answer was decided by then, and collection finds bytes that nothing names.
func TestBytesThatCannotBeDeletedDoNotFailTheCall(t *testing.T) {
	f := newFixture(t)
	f.push("abc")
	f.faultOnce("Delete", false)
	_, err := f.finish(f.start("abc"), sum("abc"))
	f.refused(err, registry.LayerAlreadyExists, "")
	f.faultOnce("Discard", false)
	_, err = f.finish(f.start("even"), sum("even"))
	f.must(err)
	f.faultOnce("Delete", false)
	f.must(f.registry.CancelUpload(t.Context(), owner, app, f.start("def").ID))
}

// overFiles is a fixture whose bytes are files below dir.
func overFiles(t *testing.T, dir string) *fixture {
	t.Helper()
	f := newFixture(t)
	f.overFolder(dir)
	return f
}

func (f *fixture) overFolder(dir string) {
	f.Helper()
	store, err := blobfs.Open(dir)
	f.must(err)
	f.store = store
	f.registry = f.node()
}

// The client has been promised nothing by an upload, so it begins again (invariant 9).
func TestUploadWhoseBytesAreLostIsNotFound(t *testing.T) {
	sha512 := ref.DigestBytes(ref.SHA512, []byte("abcdef"))
	dir := t.TempDir()
	files, memory := overFiles(t, dir), newFixture(t)
	memory.blobs.AllowAbsent = true
	for _, c := range []struct {
		name  string
		spoil bool // the hash state too
		call  func(f *fixture, up registry.Upload) error
	}{
		{"append", false, func(f *fixture, up registry.Upload) error {
			_, err := f.append(up, part(6, "ghi"))
			return err
		}},
		{"append, hashed again", true, func(f *fixture, up registry.Upload) error {
			_, err := f.append(up, part(6, "ghi"))
			return err
		}},
		{"finish", false, func(f *fixture, up registry.Upload) error {
			_, err := f.finish(up, sum("abcdef"))
			return err
		}},
		{"finish, hashed again", true, func(f *fixture, up registry.Upload) error {
			_, err := f.finish(up, sum("abcdef"))
			return err
		}},
		{"finish with sha512", false, func(f *fixture, up registry.Upload) error {
			_, err := f.finish(up, sha512)
			return err
		}},
	} {
		t.Run(c.name+", all lost", func(t *testing.T) {
			up := memory.start("abc", "def")
			if c.spoil {
				memory.spoilHash(up)
			}
			memory.must(memory.blobs.Delete(t.Context(), up.Locator))
			memory.refused(c.call(memory, up), registry.UploadNotFound, "")
		})
		t.Run(c.name+", the end lost", func(t *testing.T) {
			up := files.start("abc", "def")
			if c.spoil {
				files.spoilHash(up)
			}
			files.must(os.Truncate(filepath.Join(dir, up.Locator[:2], up.Locator), 4))
			files.refused(c.call(files, up), registry.UploadNotFound, "")
		})
	}
}

func TestPushOverFiles(t *testing.T) {
	f := overFiles(t, t.TempDir())
	up := f.start("abc", "def")
	_, err := f.append(up, part(3, "def"))
	f.must(err)
	_, err = f.finish(up, sum("abcdef"))
	f.must(err)
	content, err := f.registry.OpenLayer(t.Context(), app, sum("abcdef"))
	f.must(err)
	defer content.Close()
	got, err := io.ReadAll(content)
	f.must(err)
	equal(t, "bytes", string(got), "abcdef")
}

func TestCancelledCallChangesNothing(t *testing.T) {
	f := newFixture(t)
	up := f.start("abc")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	config := f.push("config")
	for name, call := range map[string]func() error{
		"append": func() error {
			_, err := f.registry.AppendUpload(ctx, owner, app, up.ID, part(3, "def"))
			return err
		},
		"finish": func() error {
			_, err := f.registry.FinishUpload(ctx, owner, app, up.ID, []string{sum("abc").String()}, registry.FinishRules{})
			return err
		},
		"cancel": func() error { return f.registry.CancelUpload(ctx, owner, app, up.ID) },
		"put image": func() error {
			_, err := f.registry.PutImage(ctx, owner, app, registry.NewImage{Manifest: []byte(imageOf(config)), Tags: []string{"tag"}})
			return err
		},
		"delete repository": func() error {
			_, err := f.registry.DeleteRepository(ctx, owner, app, true)
			return err
		},
	} {
		if err := call(); !errors.Is(err, context.Canceled) || strings.TrimSpace(err.Error()) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	equal(t, "upload", f.find(up), up)
	equal(t, "tags", f.tags(), map[string]ref.Digest{})
}
