package registry

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/openecr/openecr/internal/ref"
)

// Verification reads everything the registry holds while pushes, pulls and collection go on:
//
//	rows     every tag has its image, every image its layers, its children and the bytes of its digest, every layer its blob
//	bytes    every blob has stored bytes of its size, and in a sample or in all of them, bytes of its digest
//
// Each fault is seen inside one snapshot, or looked at again before it is reported, so what changes meanwhile is none.

// verifyPage is how many rows are read at once.
const verifyPage = 200

// VerifyRules say how closely to look.
type VerifyRules struct {
	// Sample is the share of blobs, from 0 to 1, whose bytes are read and compared with their digest. Of all others the
	// size is compared.
	Sample float64
	// Rate is how many bytes are read in a second at most; 0 is as many as can.
	Rate int64
	// Repair takes what is broken out of sight, so that it can be pushed again. Nothing is deleted: see Quarantined.
	Repair bool
	// Progress is told now and then what was verified so far; nil for nobody.
	Progress func(Verified)
}

// Verified is how much was looked at, and how much of it was bad.
type Verified struct {
	Repositories int64 `json:"repositories"`
	Tags         int64 `json:"tags"`
	Images       int64 `json:"images"`
	Layers       int64 `json:"layers"`
	Blobs        Tally `json:"blobs"`
	Total        Tally `json:"total"`    // blobs there were at the beginning
	Read         Tally `json:"read"`     // blobs whose bytes were read, and these bytes
	Broken       int64 `json:"broken"`   // faults, those that were repaired included
	Repaired     int64 `json:"repaired"` // faults that were taken out of sight
	Unread       int64 `json:"unread"`   // what could not be looked at, and may be good
}

// Fault is one thing that is broken, or that could not be looked at.
type Fault struct {
	Kind         string   `json:"kind"`                   // "tag", "image", "layer" or "blob"
	Repository   string   `json:"repository,omitempty"`   // "123456789012/team/app"
	Repositories []string `json:"repositories,omitempty"` // of a blob: the first few that need it
	Tag          ref.Tag  `json:"imageTag,omitempty"`
	Digest       string   `json:"digest"`
	Problem      string   `json:"problem"`
	Repaired     bool     `json:"repaired"` // it is out of sight and can be pushed again
	Unread       bool     `json:"unread"`   // the store did not let it be looked at
}

func (f Fault) String() string {
	where := f.Digest
	if f.Repository != "" {
		where = f.Repository + "@" + f.Digest
	}
	if f.Tag != "" {
		where = f.Repository + ":" + string(f.Tag)
	}
	text := f.Kind + " " + where + ": " + f.Problem
	if len(f.Repositories) > 0 {
		text += "; needed by " + strings.Join(f.Repositories, ", ")
	}
	if f.Repaired {
		text += " (taken out of sight)"
	}
	return text
}

// verification is one run.
type verification struct {
	*Registry
	rules    VerifyRules
	report   func(Fault)
	done     Verified
	names    map[int64]string // of repositories
	unreadIn int              // how many blobs in a row could not be read
}

// Verify looks at everything and reports each fault as it is found. An error means that it could not go on; faults are
// none.
func (r *Registry) Verify(ctx context.Context, rules VerifyRules, report func(Fault)) (Verified, error) {
	if rules.Progress == nil {
		rules.Progress = func(Verified) {}
	}
	v := &verification{Registry: r, rules: rules, report: report, names: make(map[int64]string)}
	err := r.meta.View(ctx, func(tx Tx) (err error) {
		v.done.Total, err = tx.CountBlobs()
		return err
	})
	if err == nil {
		err = v.repositories(ctx)
	}
	if err == nil {
		err = v.stored(ctx)
	}
	v.rules.Progress(v.done)
	if err != nil {
		err = fmt.Errorf("verify: %w", err)
	}
	return v.done, err
}

// fault reports and counts. Repair, where there is one and it is wanted, says whether it has done something.
func (v *verification) fault(ctx context.Context, f Fault, repair func(context.Context, Fault) (bool, error)) error {
	if v.rules.Repair && repair != nil {
		done, err := repair(ctx, f)
		if err != nil {
			return fmt.Errorf("repair %s: %w", f, err)
		}
		f.Repaired = done
	}
	if f.Unread {
		v.done.Unread++
	} else {
		v.done.Broken++
	}
	if f.Repaired {
		v.done.Repaired++
	}
	v.report(f)
	return nil
}

// inPages calls page until it has read less than a whole page. A view may run more than once, so what page has found is
// noted by the function that it returns, and by that alone.
func (v *verification) inPages(ctx context.Context, page func(tx Tx) (n int, note func(), err error)) error {
	for n := verifyPage; n == verifyPage; {
		var note func()
		err := v.meta.View(ctx, func(tx Tx) (err error) {
			n, note, err = page(tx)
			return err
		})
		if err != nil {
			return err
		}
		note()
		v.rules.Progress(v.done)
	}
	return nil
}

// pace waits as long as reading n bytes should take.
func (v *verification) pace(ctx context.Context, n int) error {
	if v.rules.Rate == 0 {
		return ctx.Err()
	}
	return wait(ctx, time.Duration(float64(n)/float64(v.rules.Rate)*float64(time.Second)))
}
