package registry_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

func (f *fixture) send(up registry.Upload, p registry.Part, d ref.Digest) (registry.Layer, error) {
	f.known[d] = true
	return f.registry.SendUpload(f.Context(), owner, app, up.ID, p, d)
}

func TestLayerSentWhole(t *testing.T) {
	for _, content := range []string{"", "odd", "even"} {
		for _, algorithm := range []ref.Algorithm{ref.SHA256, ref.SHA512} {
			f := newFixture(t)
			f.faultOnce("Open", false) // nothing is read a second time
			up, d := f.start(), ref.DigestBytes(algorithm, []byte(content))
			layer, err := f.send(up, registry.Part{First: -1, Length: -1, Body: strings.NewReader(content)}, d)
			f.must(err)
			equal(t, "layer", layer, registry.Layer{Digest: d, Size: int64(len(content)), MediaType: defaultMediaType, KeepUntil: f.now().Add(2 * registry.Lease)})
			equal(t, "places with bytes", f.stored(), 1)
			_, err = f.registry.FindUpload(t.Context(), owner, app, up.ID)
			f.refused(err, registry.UploadNotFound, "")
			again, err := f.send(up, part(0, content), d)
			f.refused(err, registry.LayerAlreadyExists, "")
			equal(t, "layer sent again", again, layer)
		}
	}
}

func TestLayerSentWholeIsCommittedAtOnce(t *testing.T) {
	f := newFixture(t)
	updates := 0
	f.meta.failUpdate = func() (bool, error) { updates++; return true, nil }
	_, err := f.send(f.start(), part(0, "abc"), sum("abc"))
	f.must(err)
	equal(t, "updates, the start of the upload included", updates, 2)
}

func TestLastPartSent(t *testing.T) {
	f := newFixture(t)
	up := f.start("abc")
	_, err := f.send(up, registry.Part{First: 0, Length: -1, Body: strings.NewReader("abc")}, sum("abcdef"))
	f.refused(err, registry.InvalidLayerPart, "")
	layer, err := f.send(up, part(3, "def"), sum("abcdef"))
	f.must(err)
	equal(t, "size", layer.Size, 6)
}

func TestLayerSentWrongChangesNothing(t *testing.T) {
	f := newFixture(t)
	up := f.start()
	gone := errors.New("the client is gone")
	for name, p := range map[string]registry.Part{
		"other bytes":       part(0, "abd"),
		"fewer than stated": {First: 0, Length: 4, Body: strings.NewReader("abc")},
		"broken off":        {First: 0, Length: -1, Body: io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(gone))},
		"not the beginning": part(1, "abc"),
	} {
		if _, err := f.send(up, p, sum("abc")); err == nil {
			t.Errorf("%s: no error", name)
		}
		equal(t, "upload after "+name, f.find(up), up)
	}
	_, err := f.send(up, part(0, "abd"), sum("abc"))
	f.refused(err, registry.InvalidLayer, "None of the provided layer digests match the calculated layer digest")
	_, err = f.send(up, part(0, "abc"), sum("abc"))
	f.must(err)
}

func TestFaultInSendThenRetry(t *testing.T) {
	for name, apply := range forms {
		t.Run("bytes "+name, func(t *testing.T) {
			f := newFixture(t)
			up := f.start()
			f.faultOnce("Put", apply)
			_, err := f.send(up, part(0, "abc"), sum("abc"))
			f.faulted(err)
			equal(t, "upload", f.find(up), up)
			_, err = f.send(up, part(0, "abc"), sum("abc"))
			f.must(err)
		})
		t.Run("row "+name, func(t *testing.T) {
			f := newFixture(t)
			up := f.start()
			f.failUpdateOnce(apply)
			_, err := f.send(up, part(0, "abc"), sum("abc"))
			f.faulted(err)
			_, err = f.send(up, part(0, "abc"), sum("abc"))
			if apply {
				f.refused(err, registry.LayerAlreadyExists, "")
			} else {
				f.must(err)
			}
			equal(t, "layer is there", f.available(sum("abc")), []bool{true})
		})
	}
}

// Two attempts at one upload, on nodes that do not know of each other: each has bytes of its own, so neither can make the
// other's layer another than its digest.
func TestOvertakenSendLeavesTheWinnersBytes(t *testing.T) {
	f := newFixture(t)
	up := f.start()
	other := f.node()
	f.meta.onUpdate = func() {
		_, err := other.SendUpload(t.Context(), owner, app, up.ID, part(0, "winner"), sum("winner"))
		f.must(err)
	}
	_, err := f.send(up, part(0, "loser"), sum("loser"))
	f.refused(err, registry.UploadNotFound, "")
	equal(t, "layers", f.available(sum("winner"), sum("loser")), []bool{true, false})
	equal(t, "places with bytes", f.stored(), 1)
}

func TestSendNeedsBothPermissionsBeforeAByteIsRead(t *testing.T) {
	for _, denied := range []string{"UploadLayerPart", "CompleteLayerUpload"} {
		f := newFixture(t)
		up := f.start()
		c := user(t, owner.Account, allow("*", "*")+`,{"Effect":"Deny","Action":"ecr-public:`+denied+`","Resource":"*"}`)
		body := iotest.ErrReader(errors.New("the body was read"))
		_, err := f.registry.SendUpload(t.Context(), c, app, up.ID, registry.Part{First: 0, Length: -1, Body: body}, sum("abc"))
		f.refused(err, registry.AccessDenied, "")
	}
}
