package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/transfer"
)

// Migrate copies a registry to other stores, and has the ones that it leaves refuse pushes from then on.
type Migrate struct {
	Copying   `embed:""`
	From      string `required:"" help:"Where the registry is: a data folder, or METADATA,BLOBS as in --metadata and --blobs of openecr serve. It may be served meanwhile." placeholder:"PLACE"`
	To        string `required:"" help:"Where it is to go, in the same form. Nothing may be there, but for an interrupted run of the same command." placeholder:"PLACE"`
	ReadOnly  bool   `help:"Refuse pushes to the old place for the last moments and from then on, so that none is left behind; openecr read-only off takes that back. With --no-read-only the copy is as of one moment, and what is pushed to the old place later is not in it." default:"true" negatable:""`
	MasterKey string `hidden:"" env:"OPENECR_MASTER_KEY"`
	S3Keys    `embed:""`
}

// Migrated is what a migration has made.
type Migrated struct {
	ReadOnly   bool `json:"sourceIsReadOnly"`
	KeyInPlace bool `json:"masterKeyInPlace"` // the new place has its master key in a file; otherwise it needs OPENECR_MASTER_KEY
	transfer.Report
}

// Run goes on where it was interrupted when it is run again. Uploads that have begun and not ended are not taken along:
// their clients begin them again, as they do after any upload that is gone.
func (m Migrate) Run(ctx context.Context, p transfer.Progress) (done Migrated, err error) {
	options, err := m.options(p)
	if err != nil {
		return done, err
	}
	source, err := m.place("--from", m.From)
	if err != nil {
		return done, err
	}
	target, err := m.place("--to", m.To)
	if err != nil {
		return done, err
	}
	from, err := openSource(ctx, source)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := openTarget(ctx, target)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	var frozen bool // by us
	if m.ReadOnly {
		options.Freeze = func(ctx context.Context) (err error) {
			frozen, err = freeze(ctx, from.meta)
			return err
		}
	}
	done.Report, err = copyWithKeys(ctx, from, to, options, keyFiles(target, source)...)
	if err != nil && frozen {
		err = thaw(context.WithoutCancel(ctx), err, from, to)
	}
	done.ReadOnly, done.KeyInPlace = m.ReadOnly && err == nil, target.Data != "" && exists(target.file(masterKeyFile))
	return done, err
}

// freeze has all nodes refuse pushes, and says whether they did not before.
func freeze(ctx context.Context, m registry.Meta) (bool, error) {
	now := time.Now().UTC().Truncate(time.Millisecond)
	since, err := registry.SetReadOnly(ctx, m, true, now)
	return since.Equal(now), err
}

// thaw gives the old place back after a migration that failed, unless the new one may be whole in spite of the error: a
// push to the old place would then be left behind.
func thaw(ctx context.Context, failed error, from, to *end) error {
	if !errors.Is(transfer.CheckWhole(ctx, to.meta), transfer.ErrHalf) {
		return fmt.Errorf("%w (the old place stays read-only, because the new one may be whole: run openecr verify there, or openecr read-only off here)", failed)
	}
	_, err := registry.SetReadOnly(ctx, from.meta, false, time.Now())
	return errors.Join(failed, err)
}

// keyFiles are where a master key may lie, for places that have a folder.
func keyFiles(places ...Stores) []string {
	var files []string
	for _, s := range places {
		if s.Data != "" {
			files = append(files, s.file(masterKeyFile))
		}
	}
	return files
}

// place is one with the secrets of the environment.
func (m Migrate) place(option, text string) (Stores, error) {
	s, err := parsePlace(option, text)
	s.MasterKey, s.S3Keys = m.MasterKey, m.S3Keys
	return s, err
}

// parsePlace reads a data folder or METADATA,BLOBS. The comma is the last one before a kind of blob store: URLs may have
// others.
func parsePlace(option, place string) (Stores, error) {
	for _, kind := range []string{",file:", ",s3://"} {
		if i := strings.LastIndex(place, kind); i >= 0 {
			return Stores{Metadata: place[:i], Blobs: place[i+1:]}, nil
		}
	}
	for _, kind := range []string{"sqlite:", "postgres:", "postgresql:", "file:", "s3:"} {
		if strings.HasPrefix(place, kind) {
			return Stores{}, fmt.Errorf("%s names metadata or blobs alone: write METADATA,BLOBS, such as sqlite:PATH,file:PATH, or a data folder", option)
		}
	}
	return Stores{Data: place}, nil
}

// ReadOnly switches pushes off, on all nodes, or on again.
type ReadOnly struct {
	On bool `kong:"-" json:"on"`
}

// ReadOnlyState is whether pushes are switched off.
type ReadOnlyState struct {
	ReadOnly bool       `json:"readOnly"`
	Since    *time.Time `json:"since,omitempty"`
}

func (c ReadOnly) run(ctx context.Context, a *administration) (ReadOnlyState, error) {
	since, err := a.registry.SetReadOnly(ctx, c.On)
	if err != nil || since.IsZero() {
		return ReadOnlyState{}, err
	}
	return ReadOnlyState{true, &since}, nil
}
