package registry_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// apiRules are those of CompleteLayerUpload.
var apiRules = registry.FinishRules{RefuseEmpty: true, RefuseShortParts: true}

const fiveMiB = 5 << 20

func (f *fixture) append(up registry.Upload, p registry.Part) (registry.Upload, error) {
	return f.registry.AppendUpload(f.Context(), owner, app, up.ID, p)
}

// outOfOrder demands the refusal of a part, which changes nothing.
func (f *fixture) outOfOrder(up registry.Upload, p registry.Part, text string) {
	f.Helper()
	before := f.find(up)
	_, err := f.append(up, p)
	f.refused(err, registry.InvalidLayerPart, text)
	var refusal *registry.Error
	if errors.As(err, &refusal) && refusal.Kind == registry.InvalidLayerPart {
		equal(f, "upload in the error", *refusal.Upload, before)
		equal(f, "repository in the error", refusal.Repository, app)
	}
	equal(f, "upload after a refused part", f.find(up), before)
}

func TestPartOutOfOrderNamesTheAccountWhateverTheClientSaid(t *testing.T) {
	f := newFixture(t)
	up := f.start()
	_, err := f.registry.AppendUpload(t.Context(), owner, registry.Path{Registry: string(ownerAlias), Name: app.Name}, up.ID, part(5, "x"))
	var refusal *registry.Error
	if !errors.As(err, &refusal) || refusal.Kind != registry.InvalidLayerPart {
		t.Fatalf("error %v, want one of kind InvalidLayerPart", err)
	}
	equal(t, "repository in the error", refusal.Repository, registry.Path{Registry: string(owner.Account), Name: app.Name})
}

func TestPartsInOrderBecomeALayer(t *testing.T) {
	f := newFixture(t)
	up := f.start()
	for i, content := range []string{"one ", "two ", "three"} {
		var err error
		p := part(up.Offset, content)
		if i == 2 {
			p.Length = -1 // not known beforehand
		}
		up, err = f.append(up, p)
		f.must(err)
		equal(t, "upload as answered", up, f.find(up))
	}
	equal(t, "offset", up.Offset, 13)
	layer, err := f.finish(up, sum("one two three"))
	f.must(err)
	equal(t, "layer", layer, registry.Layer{Digest: sum("one two three"), Size: 13, MediaType: defaultMediaType, KeepUntil: f.now().Add(2 * registry.Lease)})
	_, err = f.registry.FindUpload(t.Context(), owner, app, up.ID)
	f.refused(err, registry.UploadNotFound, "The upload with id '"+up.ID+"' in the repository with name 'team/app' in the registry with id '123456789012' does not exist")
}

func TestPartOutOfOrderNamesTheByteExpected(t *testing.T) {
	f := newFixture(t)
	up := f.start()
	f.outOfOrder(up, part(5, "x"), "First byte of the layer part is 5 instead of 0")
	up, err := f.append(up, part(0, "abc"))
	f.must(err)
	up, err = f.append(up, part(3, "def"))
	f.must(err)
	for _, c := range []struct {
		name string
		part registry.Part
	}{
		{"gap", part(7, "x")},
		{"overlap", part(5, "x")},
		{"part before the last", part(0, "abc")},
		{"last part with other bytes", part(3, "deX")},
		{"last part, shorter", part(3, "de")},
		{"last part, longer", part(3, "defg")},
		{"last part of unknown length", registry.Part{First: 3, Length: -1, Body: strings.NewReader("def")}},
	} {
		t.Log(c.name)
		f.outOfOrder(up, c.part, fmt.Sprintf("First byte of the layer part is %d instead of 6", c.part.First))
	}
	_, err = f.finish(up, sum("abcdef"))
	f.must(err)
}

func TestLastPartSentAgainIsAccepted(t *testing.T) {
	f := newFixture(t)
	large := filled("part ", 100_000) // more than one comparison takes
	up := f.start("abc", large)
	for range 2 {
		again, err := f.append(up, part(3, large))
		f.must(err)
		equal(t, "upload", again, f.find(up))
	}
	f.outOfOrder(up, part(3, large[:len(large)-1]+"X"), "First byte of the layer part is 3 instead of 100003")
	_, err := f.append(up, registry.Part{First: 3, Length: int64(len(large)), Body: strings.NewReader(large[:10])})
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("last part again, cut off: %v", err)
	}
	_, err = f.finish(up, sum("abc"+large))
	f.must(err)
}

func TestBrokenBodyLeavesTheUploadAsItWas(t *testing.T) {
	f := newFixture(t)
	gone := errors.New("client is gone")
	for _, c := range []struct {
		name string
		part registry.Part
		want error
	}{
		{"dead client", registry.Part{First: 3, Length: 100, Body: io.MultiReader(strings.NewReader("some bytes"), iotest.ErrReader(gone))}, gone},
		{"dead client, length not announced", registry.Part{First: -1, Length: -1, Body: io.MultiReader(strings.NewReader("some bytes"), iotest.ErrReader(gone))}, gone},
		{"fewer bytes than announced", registry.Part{First: 3, Length: 100, Body: strings.NewReader("some bytes")}, io.ErrUnexpectedEOF},
		{"no bytes, one announced", registry.Part{First: -1, Length: 1, Body: strings.NewReader("")}, io.ErrUnexpectedEOF},
	} {
		t.Run(c.name, func(t *testing.T) {
			up := f.start("abc")
			if _, err := f.append(up, c.part); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			equal(t, "upload", f.find(up), up)
			up, err := f.append(up, part(3, c.name))
			f.must(err)
			_, err = f.finish(up, sum("abc"+c.name))
			f.must(err)
		})
	}
}

func TestPartIsReadNoFurtherThanAnnounced(t *testing.T) {
	f := newFixture(t)
	body := strings.NewReader("abcdef")
	up, err := f.append(f.start(), registry.Part{First: 0, Length: 3, Body: body})
	f.must(err)
	equal(t, "offset", up.Offset, 3)
	equal(t, "bytes left", body.Len(), 3)
	_, err = f.finish(up, sum("abc"))
	f.must(err)
}

func TestPartWithoutBytesChangesNothing(t *testing.T) {
	f := newFixture(t)
	for _, parts := range [][]string{nil, {"abc"}} {
		up := f.start(parts...)
		f.advance(time.Second)
		after, err := f.append(up, part(-1, ""))
		f.must(err)
		equal(t, "upload as answered", after, up)
		equal(t, "upload as stored", f.find(up), up)
	}
}

func TestShortPartsAreForTheRulesOfTheWire(t *testing.T) {
	f := newFixture(t)
	full := filled("full", fiveMiB)
	short := full[1:]
	for _, c := range []struct {
		name    string
		parts   []string
		refused bool
	}{
		{"one short part", []string{"a"}, false},
		{"short last part", []string{full, "b"}, false},
		{"short first part", []string{short, "d"}, true},
		{"short part in the middle", []string{full, "e", "e"}, true},
		{"short first part, no bytes after it", []string{"f", ""}, false},
	} {
		up, digest := f.start(c.parts...), sum(strings.Join(c.parts, ""))
		_, err := f.registry.FinishUpload(t.Context(), owner, app, up.ID, []string{digest.String()}, apiRules)
		if !c.refused {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		f.refused(err, registry.LayerPartTooSmall, "All layer parts except the last part should be at least 5MB")
		if _, err := f.finish(up, digest); err != nil {
			t.Errorf("%s, by the registry's rules: %v", c.name, err)
		}
	}
}

func TestEmptyUploadIsForTheRulesOfTheWire(t *testing.T) {
	f := newFixture(t)
	for _, parts := range [][]string{nil, {""}} {
		up := f.start(parts...)
		_, err := f.registry.FinishUpload(t.Context(), owner, app, up.ID, []string{sum("").String()}, apiRules)
		f.refused(err, registry.EmptyUpload, "The upload with id '"+up.ID+"' in the repository with name 'team/app' in registry with id '123456789012' cannot be completed because it does not have any parts")
		if _, err = f.finish(up, sum("")); parts != nil {
			f.refused(err, registry.LayerAlreadyExists, "")
		} else {
			f.must(err)
		}
	}
	content, err := f.registry.OpenLayer(t.Context(), app, sum(""))
	f.must(err)
	f.must(content.Close())
	equal(t, "size", content.Size, 0)
}

func TestOfTwoWritersAtOneOffsetOneWins(t *testing.T) {
	f := newFixture(t)
	for range 10 {
		up := f.start("start ")
		contents := []string{"by the first", "by the other"}
		errs := make([]error, len(contents))
		var writers sync.WaitGroup
		for i, content := range contents {
			writers.Go(func() { _, errs[i] = f.append(up, part(6, content)) })
		}
		writers.Wait()
		won := 0
		if errs[0] != nil {
			won = 1
		}
		f.must(errs[won])
		f.refused(errs[1-won], registry.InvalidLayerPart, "First byte of the layer part is 6 instead of 18")
		if _, err := f.finish(up, sum("start "+contents[won])); err != nil && registry.KindOf(err) != registry.LayerAlreadyExists {
			t.Error(err)
		}
	}
}

// Nodes share no lock, so one may be overtaken between its bytes and their row.
func TestPartThatAnotherNodeOvertook(t *testing.T) {
	for _, c := range []struct {
		name string
		meet func(f *fixture, other *registry.Registry, up registry.Upload) error
		want func(f *fixture, up registry.Upload, err error)
	}{
		{"by another part", func(f *fixture, other *registry.Registry, up registry.Upload) error {
			_, err := other.AppendUpload(f.Context(), owner, app, up.ID, part(3, "other"))
			return err
		}, func(f *fixture, up registry.Upload, err error) {
			f.refused(err, registry.InvalidLayerPart, "First byte of the layer part is 3 instead of 8")
			_, err = f.finish(up, sum("abcother"))
			f.must(err)
		}},
		{"by the same part", func(f *fixture, other *registry.Registry, up registry.Upload) error {
			_, err := other.AppendUpload(f.Context(), owner, app, up.ID, part(3, "def"))
			return err
		}, func(f *fixture, up registry.Upload, err error) {
			f.must(err)
			_, err = f.finish(up, sum("abcdef"))
			f.must(err)
		}},
		{"by the end of the upload", func(f *fixture, other *registry.Registry, up registry.Upload) error {
			return other.CancelUpload(f.Context(), owner, app, up.ID)
		}, func(f *fixture, _ registry.Upload, err error) { f.refused(err, registry.UploadNotFound, "") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			up, other := f.start("abc"), f.node()
			f.meta.onUpdate = func() { f.must(c.meet(f, other, up)) }
			_, err := f.append(up, part(3, "def"))
			c.want(f, up, err)
		})
	}
}

func TestEndThatAnotherNodesPartOvertook(t *testing.T) {
	f := newFixture(t)
	up, other := f.start("even"), f.node()
	f.meta.onUpdate = func() {
		_, err := other.AppendUpload(t.Context(), owner, app, up.ID, part(4, "more"))
		f.must(err)
	}
	_, err := f.finish(up, sum("even"))
	f.refused(err, registry.InvalidLayer, "")
	_, err = f.finish(up, sum("evenmore"))
	f.must(err)
	equal(t, "places with bytes", f.stored(), 1) // what was sealed too early is withdrawn
}

func TestWaitingForAnotherWriterEndsWithTheContext(t *testing.T) {
	f := newFixture(t)
	up := f.start()
	body, feed := io.Pipe()
	var slow sync.WaitGroup
	slow.Go(func() {
		if _, err := f.append(up, registry.Part{First: 0, Length: -1, Body: body}); err != nil {
			t.Error(err)
		}
	})
	_, err := feed.Write([]byte("slow")) // returns once the part is being read
	f.must(err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.registry.AppendUpload(ctx, owner, app, up.ID, part(0, "fast")); !errors.Is(err, context.Canceled) {
		t.Errorf("append while another runs: %v", err)
	}
	if _, err := f.registry.FinishUpload(ctx, owner, app, up.ID, []string{sum("").String()}, registry.FinishRules{}); !errors.Is(err, context.Canceled) {
		t.Errorf("finish while another runs: %v", err)
	}
	if err := f.registry.CancelUpload(ctx, owner, app, up.ID); !errors.Is(err, context.Canceled) {
		t.Errorf("cancel while another runs: %v", err)
	}
	f.must(feed.Close())
	slow.Wait()
	_, err = f.finish(up, sum("slow"))
	f.must(err)
}

func TestFinishTakesAnyDigestThatMatches(t *testing.T) {
	f := newFixture(t)
	sum512 := func(s string) ref.Digest { return ref.DigestBytes(ref.SHA512, []byte(s)) }
	for _, c := range []struct {
		content string
		digests []string
		want    ref.Digest
	}{
		{"right one last", []string{sum("x").String(), sum512("x").String(), sum("right one last").String()}, sum("right one last")},
		{"beside unknown algorithms", []string{"md5:abc", "nonsense", sum("beside unknown algorithms").String()}, sum("beside unknown algorithms")},
		{"sha512 alone", []string{sum512("sha512 alone").String()}, sum512("sha512 alone")},
		{"sha512 after a wrong sha256", []string{sum("x").String(), sum512("sha512 after a wrong sha256").String()}, sum512("sha512 after a wrong sha256")},
	} {
		f.known[c.want] = true
		up := f.start(c.content[:3], c.content[3:])
		layer, err := f.registry.FinishUpload(t.Context(), owner, app, up.ID, c.digests, registry.FinishRules{})
		f.must(err)
		equal(t, c.content, layer.Digest, c.want)
		equal(t, c.content, f.available(c.want), []bool{true})
	}
}

func TestFinishWithoutAMatchLeavesTheUploadUsable(t *testing.T) {
	f := newFixture(t)
	up := f.start("abc")
	upper := "sha256:" + strings.ToUpper(sum("abc").Hex())
	for _, c := range []struct {
		digests []string
		kind    registry.Kind
		text    string
	}{
		{[]string{sum("abd").String()}, registry.InvalidLayer, "None of the provided layer digests match the calculated layer digest"},
		{[]string{"md5:900150983cd24fb0d6963f7d28e17f72"}, registry.InvalidDigest, "None of the layer digests [md5:900150983cd24fb0d6963f7d28e17f72] is a well-formed sha256 or sha512 digest: send at least one"},
		{[]string{upper}, registry.InvalidDigest, ""},
		{nil, registry.InvalidDigest, ""},
	} {
		_, err := f.registry.FinishUpload(t.Context(), owner, app, up.ID, c.digests, registry.FinishRules{})
		f.refused(err, c.kind, c.text)
		equal(t, "upload", f.find(up), up)
	}
	up, err := f.append(up, part(3, "d"))
	f.must(err)
	_, err = f.finish(up, sum("abcd"))
	f.must(err)
}

// What the running hash cannot answer is read from the sealed bytes, so no part follows, but another digest may.
func TestFinishWithoutAMatchOfAnotherAlgorithmMayBeTriedAgain(t *testing.T) {
	for _, content := range []string{"odd", "even"} { // sealed in place, and elsewhere
		f := newFixture(t)
		up := f.start(content)
		wrong := ref.DigestBytes(ref.SHA512, []byte("other"))
		for range 2 {
			_, err := f.registry.FinishUpload(t.Context(), owner, app, up.ID, []string{wrong.String(), "md5:abc"}, registry.FinishRules{})
			f.refused(err, registry.InvalidLayer, "None of the provided layer digests match the calculated layer digest")
			equal(t, "upload", f.find(up), up)
		}
		_, err := f.finish(up, sum(content))
		f.must(err)
		equal(t, "places with bytes", f.stored(), 1)
	}
}

func TestFinishAgainSaysThatTheLayerIsThere(t *testing.T) {
	f := newFixture(t)
	up := f.start("abc")
	first, err := f.finish(up, sum("abc"))
	f.must(err)
	text := "The layer with digest '" + sum("abc").String() + "' already exists in the repository with name 'team/app' in registry with id '123456789012'"
	again, err := f.finish(up, sum("abc")) // the upload is gone
	f.refused(err, registry.LayerAlreadyExists, text)
	equal(t, "layer", again, first)
	again, err = f.finish(f.start("abc"), sum("abc")) // the upload is there
	f.refused(err, registry.LayerAlreadyExists, text)
	equal(t, "layer", again, first)
	equal(t, "places with bytes", f.stored(), 1)
	_, err = f.finish(up, sum("another layer"))
	f.refused(err, registry.UploadNotFound, "")
}

// An answer that the layer is there is a promise like any other (invariant 2).
func TestEveryAnswerThatALayerIsThereKeepsIt(t *testing.T) {
	for _, c := range []struct {
		name   string
		second func(f *fixture, finished registry.Upload) error
	}{
		{"finish of an upload that is gone", func(f *fixture, finished registry.Upload) error {
			_, err := f.finish(finished, sum("abc"))
			return err
		}},
		{"finish of another upload", func(f *fixture, _ registry.Upload) error {
			_, err := f.finish(f.start("abc"), sum("abc"))
			return err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			up := f.start("abc")
			_, err := f.finish(up, sum("abc"))
			f.must(err)
			f.advance(3 * registry.Lease / 2)
			f.refused(c.second(f, up), registry.LayerAlreadyExists, "")
			equal(t, "promise", f.keepUntil(sum("abc")), f.now().Add(2*registry.Lease))
		})
	}
}

func TestOfTwoEqualUploadsTheFirstKeepsItsBytes(t *testing.T) {
	f := newFixture(t)
	ups := []registry.Upload{f.start("equal"), f.start("equal")}
	errs := make([]error, len(ups))
	var finishing sync.WaitGroup
	for i, up := range ups {
		finishing.Go(func() { _, errs[i] = f.finish(up, sum("equal")) })
	}
	finishing.Wait()
	if errs[0] != nil {
		errs[0], errs[1] = errs[1], errs[0]
	}
	f.must(errs[0])
	f.refused(errs[1], registry.LayerAlreadyExists, "")
	equal(t, "places with bytes", f.stored(), 1)
	for _, up := range ups {
		_, err := f.registry.FindUpload(t.Context(), owner, app, up.ID)
		f.refused(err, registry.UploadNotFound, "")
	}
}

func TestEqualUploadsInTwoRepositoriesShareTheirBytes(t *testing.T) {
	f := newFixture(t)
	f.createRepository(owner, "other")
	paths := []registry.Path{app, {Registry: app.Registry, Name: "other"}}
	var pushing sync.WaitGroup
	for _, p := range paths {
		up := f.startIn(p, "equal")
		pushing.Go(func() {
			if _, err := f.finishIn(p, up, sum("equal")); err != nil {
				t.Error(err)
			}
		})
	}
	pushing.Wait()
	equal(t, "places with bytes", f.stored(), 1)
	_, err := f.registry.DeleteRepository(t.Context(), owner, app, true)
	f.must(err)
	equal(t, "in the repository that stays", f.availableIn(paths[1], sum("equal")), []bool{true})
}

func TestCancelledUploadIsGone(t *testing.T) {
	f := newFixture(t)
	up := f.start("abc")
	f.must(f.registry.CancelUpload(t.Context(), owner, app, up.ID))
	equal(t, "places with bytes", f.stored(), 0)
	f.refused(f.registry.CancelUpload(t.Context(), owner, app, up.ID), registry.UploadNotFound, "")
	_, err := f.append(up, part(3, "d"))
	f.refused(err, registry.UploadNotFound, "")
	_, err = f.finish(up, sum("abc"))
	f.refused(err, registry.UploadNotFound, "")
}

func TestUploadBelongsToItsRepository(t *testing.T) {
	f := newFixture(t)
	f.createRepository(owner, "other")
	other := registry.Path{Registry: string(ownerAlias), Name: "other"}
	up := f.start("abc")
	text := "The upload with id '" + up.ID + "' in the repository with name 'other' in the registry with id 'a1b2c3d4' does not exist"
	_, err := f.registry.FindUpload(t.Context(), owner, other, up.ID)
	f.refused(err, registry.UploadNotFound, text)
	_, err = f.registry.AppendUpload(t.Context(), owner, other, up.ID, part(3, "d"))
	f.refused(err, registry.UploadNotFound, text)
	_, err = f.finishIn(other, up, sum("abc"))
	f.refused(err, registry.UploadNotFound, text)
	f.refused(f.registry.CancelUpload(t.Context(), owner, other, up.ID), registry.UploadNotFound, text)
	equal(t, "upload", f.find(up), up)
}

// spoilHash overwrites the saved hash state, as another release might leave it.
func (f *fixture) spoilHash(up registry.Upload) {
	f.Helper()
	up.HashState = []byte("state of another release")
	f.must(f.meta.Update(f.Context(), func(tx registry.Tx) error { return tx.AdvanceUpload(up, up.Offset) }))
}

func TestLastPartAgainAfterAnUnreadableHashStateIsOutOfOrder(t *testing.T) {
	f := newFixture(t)
	up := f.start("abc", "def")
	f.spoilHash(up)
	_, err := f.append(up, part(3, "def"))
	f.refused(err, registry.InvalidLayerPart, "First byte of the layer part is 3 instead of 6")
	_, err = f.append(up, part(6, "ghi"))
	f.must(err)
	_, err = f.finish(up, sum("abcdefghi"))
	f.must(err)
}

func TestHashStateThatDoesNotDecodeIsMadeAgainFromTheBytes(t *testing.T) {
	f := newFixture(t)
	up := f.start("abc")
	f.spoilHash(up)
	up, err := f.append(up, part(3, "def"))
	f.must(err)
	f.spoilHash(up)
	_, err = f.finish(up, sum("abcdef"))
	f.must(err)

	empty := f.start()
	f.spoilHash(empty)
	_, err = f.finish(empty, sum(""))
	f.must(err)
}
