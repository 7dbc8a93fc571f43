package app

import (
	"context"
	"fmt"
	"time"

	"github.com/openecr/openecr/internal/registry"
)

// Verify looks whether everything is whole.
type Verify struct {
	Sample float64 `json:"sample" help:"Share of the stored layers, in percent, whose bytes are read and compared with their digest. Of the others the size is compared. Default: ${default}." default:"1" placeholder:"PERCENT"`
	Whole  bool    `json:"whole" help:"Read the bytes of all layers."`
	Rate   float64 `json:"rate" help:"How much to read in a second at most, in MiB. 0: as much as can be." default:"0" placeholder:"MIB"`
	Repair bool    `json:"repair" help:"Take what is broken out of sight, so that it can be pushed again. Nothing is deleted: its rows and bytes are kept apart."`
}

// Verified is the answer of Verify.
type Verified = registry.Verified

// Fault is what Verify finds on its way.
type Fault = registry.Fault

// VerifyEvent is one of the two.
type VerifyEvent struct {
	Fault    *Fault    `json:"fault,omitempty"`
	Progress *Verified `json:"progress,omitempty"`
}

func (v Verify) readsOnly() bool { return !v.Repair }

func (v Verify) work(ctx context.Context, a *administration, tell func(VerifyEvent)) (Verified, error) {
	if v.Sample < 0 || v.Sample > 100 {
		return Verified{}, fmt.Errorf("--sample %g must be from 0 to 100", v.Sample)
	}
	if v.Rate < 0 {
		return Verified{}, fmt.Errorf("--rate %g is negative: 0 is as much as can be", v.Rate)
	}
	var told time.Time
	rules := registry.VerifyRules{Sample: v.Sample / 100, Rate: int64(v.Rate * (1 << 20)), Repair: v.Repair, Progress: func(now Verified) {
		if time.Since(told) > tellInterval {
			told = time.Now()
			tell(VerifyEvent{Progress: &now})
		}
	}}
	if v.Whole {
		rules.Sample = 1
	}
	return a.registry.Verify(ctx, rules, func(f Fault) { tell(VerifyEvent{Fault: &f}) })
}
