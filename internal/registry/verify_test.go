package registry_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// verified demands just these faults, in order, as people read them.
func (f *fixture) verified(rules registry.VerifyRules, want ...string) registry.Verified {
	f.Helper()
	got := []string{}
	done, err := f.registry.Verify(f.Context(), rules, func(fault registry.Fault) { got = append(got, fault.String()) })
	f.must(err)
	if want == nil {
		want = []string{}
	}
	equal(f, "faults", got, want)
	return done
}

var (
	whole  = registry.VerifyRules{Sample: 1}
	repair = registry.VerifyRules{Sample: 1, Repair: true}
)

// damaged is a fixture over files, whose promises are broken by the test.
func damaged(t *testing.T) (f *fixture, dir string) {
	t.Helper()
	f, dir = openFixture(t), t.TempDir()
	f.overFolder(dir)
	return f, dir
}

// file is where the bytes of a layer are.
func (f *fixture) file(dir string, d ref.Digest) string {
	f.Helper()
	var blob registry.Blob
	f.must(f.meta.View(f.Context(), func(tx registry.Tx) (err error) {
		blob, err = tx.Blob(d)
		return err
	}))
	return filepath.Join(dir, blob.Locator[:2], blob.Locator)
}

func (f *fixture) overwrite(path, content string) {
	f.Helper()
	f.must(os.Chmod(path, 0o600))
	f.must(os.WriteFile(path, []byte(content), 0o600))
}

// sql changes rows as no transaction may.
func (f *fixture) sql(statement string, args ...any) {
	f.Helper()
	db, err := sql.Open("sqlite", f.path+"?_pragma=busy_timeout(5000)")
	f.must(err)
	defer db.Close()
	_, err = db.ExecContext(f.Context(), statement, args...)
	f.must(err)
}

func TestVerifyOfAWholeRegistry(t *testing.T) {
	f, _ := damaged(t)
	other := registry.Path{Registry: app.Registry, Name: "other"}
	f.createRepository(owner, other.Name)
	f.pushTo(other, "alone")
	image := f.putImage("config", "one", "two")
	f.put(indexOf("index", image), "index")
	f.start("an upload")
	var heard registry.Verified
	done := f.verified(registry.VerifyRules{Sample: 1, Progress: func(v registry.Verified) { heard = v }})
	want := registry.Verified{
		Repositories: 2, Tags: 3, Images: 2, Layers: 2,
		Blobs: tally(2, 11), Total: tally(2, 11), Read: tally(2, 11),
	}
	equal(t, "verified", done, want)
	equal(t, "the last that was heard", heard, want)
	equal(t, "sizes only", f.verified(registry.VerifyRules{}).Read, registry.Tally{})
}

func TestBrokenBytesAreFoundAndCanBePushedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		damage  func(f *fixture, path string)
		problem string
		sized   bool // it shows without reading
	}{
		"gone":    {func(f *fixture, path string) { f.must(os.Remove(path)) }, "its bytes are gone", true},
		"shorter": {func(f *fixture, path string) { f.overwrite(path, "lay") }, "3 bytes are stored instead of 5", true},
		"changed": {func(f *fixture, path string) { f.overwrite(path, "LAYER") }, "its bytes have the digest " + sum("LAYER").String(), false},
	} {
		t.Run(name, func(t *testing.T) {
			f, dir := damaged(t)
			other := registry.Path{Registry: app.Registry, Name: "other"}
			f.createRepository(owner, other.Name)
			d, config := f.push("layer"), f.push("config")
			f.pushTo(other, "layer")
			manifest := imageOf(config, d)
			f.put(manifest, "tag")
			path := f.file(dir, d)
			c.damage(f, path)

			fault := "blob " + d.String() + ": " + c.problem + "; needed by 123456789012/team/app, 123456789012/other"
			if c.sized {
				f.verified(registry.VerifyRules{}, fault)
			} else {
				f.verified(registry.VerifyRules{})
			}
			equal(t, "available while nothing is repaired", f.available(d), []bool{true})
			done := f.verified(repair, fault+" (taken out of sight)")
			equal(t, "broken and repaired", []int64{done.Broken, done.Repaired}, []int64{1, 1})
			equal(t, "available", f.available(d, config), []bool{false, true})
			equal(t, "available elsewhere", f.availableIn(other, d), []bool{false})
			equal(t, "rows in quarantine", f.quarantined(), []string{"layer", "layer", "blob"})

			// Collection keeps what may be good after all.
			f.expire()
			f.collect()
			f.collectStrays()
			if _, err := os.Stat(path); name != "gone" && err != nil {
				t.Errorf("bytes in quarantine: %v", err)
			}

			// The image is there, and whole again with its layer.
			f.verified(whole, "image 123456789012/team/app@"+sum(manifest).String()+": layer "+d.String()+" is not there: push it again")
			f.push("layer")
			f.verified(whole)
			equal(t, "promise of the layer", f.keepUntil(d), time.Time{})
			f.checkInvariants()
		})
	}
}

func (f *fixture) quarantined() (kinds []string) {
	f.Helper()
	f.must(f.meta.View(f.Context(), func(tx registry.Tx) error {
		rows, err := tx.Quarantined()
		for _, q := range rows {
			kinds = append(kinds, q.Kind)
		}
		return err
	}))
	return kinds
}

func TestDamagedManifestIsFoundAndCanBePushedAgain(t *testing.T) {
	f, _ := damaged(t)
	config := f.push("config")
	manifest := imageOf(config)
	d := f.put(manifest, "one", "two")
	f.sql(`UPDATE image SET manifest = $1`, []byte(strings.Replace(manifest, "2", "3", 1)))
	fault := "image 123456789012/team/app@" + d.String() + ": its manifest does not have its digest"
	f.verified(whole, fault)
	f.verified(repair, fault+" (taken out of sight)")
	equal(t, "tags", f.tags(), map[string]ref.Digest{})
	equal(t, "rows in quarantine", f.quarantined(), []string{"tag", "tag", "image"})
	f.put(manifest, "one")
	f.verified(whole)
}

// An index without its image would be broken in its turn.
func TestDamagedManifestThatAnIndexListsStays(t *testing.T) {
	f, _ := damaged(t)
	image := f.putImage("config")
	f.put(indexOf("index", image), "index")
	f.sql(`UPDATE image SET manifest = $1 WHERE digest = $2`, []byte("{}"), image.Key())
	done := f.verified(repair, "image 123456789012/team/app@"+image.String()+": its manifest does not have its digest")
	equal(t, "broken and repaired", []int64{done.Broken, done.Repaired}, []int64{1, 0})
}

func TestReferencesThatLeadNowhereAreFound(t *testing.T) {
	f, _ := damaged(t)
	image := f.putImage("config", "tag")
	index := f.put(indexOf("index", image), "index")
	lost, held := f.push("lost"), f.push("held")
	f.put(imageOf(held), "holder")
	f.sql(`DELETE FROM image WHERE digest = $1`, image.Key())
	f.sql(`DELETE FROM blob WHERE digest = $1`, lost.Key())
	f.sql(`UPDATE layer SET keep_until = 1 WHERE digest = $1`, held.Key())
	where := "123456789012/team/app"
	faults := []string{
		"tag " + where + ":tag: its image is not there",
		"image " + where + "@" + index.String() + ": image " + image.String() + ", which it lists, is not there: push it again",
		"image " + where + "@" + sum(imageOf(held)).String() + ": layer " + held.String() + " is open to collection: push the image again under a new tag",
		"layer " + where + "@" + lost.String() + ": nothing says where its bytes are",
	}
	slices.SortFunc(faults[1:3], strings.Compare)
	got := []string{}
	_, err := f.registry.Verify(t.Context(), whole, func(fault registry.Fault) { got = append(got, fault.String()) })
	f.must(err)
	slices.SortFunc(got[1:3], strings.Compare)
	equal(t, "faults", got, faults)

	done, err := f.registry.Verify(t.Context(), repair, func(registry.Fault) {})
	f.must(err)
	equal(t, "broken and repaired", []int64{done.Broken, done.Repaired}, []int64{4, 2})
	equal(t, "rows in quarantine", f.quarantined(), []string{"tag", "layer"})
	f.push("lost")
	equal(t, "available", f.available(lost), []bool{true})
}

func TestWhatCannotBeReadIsNotBroken(t *testing.T) {
	f := newFixture(t)
	d := f.push("layer")
	f.faultOnce("Open", false)
	done := f.verified(repair, "blob "+d.String()+": its bytes cannot be read: store is down; needed by 123456789012/team/app")
	equal(t, "unread and broken", []int64{done.Unread, done.Broken}, []int64{1, 0})
	equal(t, "available", f.available(d), []bool{true})

	for i := range 10 {
		f.push(strings.Repeat("x", i))
	}
	f.blobs.Fault = func(op, _ string) (bool, error) { return false, map[string]error{"Open": errFault}[op] }
	n := 0
	if _, err := f.registry.Verify(t.Context(), repair, func(registry.Fault) { n++ }); !errors.Is(err, errFault) || n >= 10 {
		t.Errorf("a store that is down was asked on after %d faults: %v", n, err)
	}
}

// What is deleted while it is looked at is no fault.
func TestVerifyBesideCollection(t *testing.T) {
	f := newFixture(t)
	f.blobs.AllowAbsent = true
	f.push("one")
	f.push("two")
	f.expire()
	f.blobs.Fault = func(op, _ string) (bool, error) {
		if op == "Open" {
			f.blobs.Fault = nil
			f.collect()
		}
		return true, nil
	}
	f.verified(repair)
	equal(t, "rows in quarantine", len(f.quarantined()), 0)
}

func TestVerifyReadsAtItsRateUntilItIsStopped(t *testing.T) {
	f := newFixture(t)
	f.push(filled("a", 1000))
	began := time.Now()
	f.verified(registry.VerifyRules{Sample: 1, Rate: 10_000})
	if took := time.Since(began); took < 100*time.Millisecond {
		t.Errorf("1000 bytes took %s at a rate of 10000 in a second", took)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := f.registry.Verify(ctx, registry.VerifyRules{Sample: 1, Rate: 1, Progress: func(v registry.Verified) {
		if v.Layers > 0 {
			cancel()
		}
	}}, func(fault registry.Fault) { t.Errorf("fault %s", fault) })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("verification that was stopped: %v", err)
	}
}

// brokenViews fail in the middle, once each, and run their function again, as a store whose connection breaks may do.
type brokenViews struct{ registry.Meta }

func (m brokenViews) View(ctx context.Context, fn func(tx registry.Tx) error) error {
	_ = m.Meta.View(ctx, func(tx registry.Tx) error { return fn(&brokenTx{Tx: tx}) })
	return m.Meta.View(ctx, fn)
}

// brokenTx answers the first question about a single row.
type brokenTx struct {
	registry.Tx
	asked int
}

func (t *brokenTx) broken() error {
	if t.asked++; t.asked > 1 {
		return errFault
	}
	return nil
}

func (t *brokenTx) Blob(d ref.Digest) (registry.Blob, error) {
	if err := t.broken(); err != nil {
		return registry.Blob{}, err
	}
	return t.Tx.Blob(d)
}

func (t *brokenTx) ImagesByDigest(repository int64, digests []ref.Digest) ([]registry.Image, error) {
	if err := t.broken(); err != nil {
		return nil, err
	}
	return t.Tx.ImagesByDigest(repository, digests)
}

func TestVerifyOverlooksNothingWhenAViewIsRunAgain(t *testing.T) {
	f, _ := damaged(t)
	d := f.putImage("config", "a", "b", "c")
	f.push("one")
	f.push("two")
	f.sql(`DELETE FROM image WHERE digest = $1`, d.Key())
	f.sql(`UPDATE layer SET size = 7`)
	count := func(m registry.Meta) registry.Verified {
		node := registry.New(registry.Config{Meta: m, Blobs: f.store, Now: f.now})
		done, err := node.Verify(t.Context(), registry.VerifyRules{}, func(registry.Fault) {})
		f.must(err)
		return done
	}
	want := count(f.meta)
	equal(t, "broken", want.Broken, 6)
	equal(t, "verified over views that are run again", count(brokenViews{f.meta}), want)
}
