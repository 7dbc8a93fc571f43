package sqlmeta

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// FindLayers implements registry.Meta. One statement is a snapshot by itself, so there is no transaction around it.
func (s *Store) FindLayers(ctx context.Context, reg string, name ref.RepositoryName, digests []ref.Digest) (registry.Repository, []registry.Layer, error) {
	var (
		repository registry.Repository
		layers     []registry.Layer
	)
	if err := s.enter(); err != nil {
		return registry.Repository{}, nil, err
	}
	defer s.inFlight.Done()
	err := s.engine.read(ctx, func(reader *session) error {
		args := []any{reg, reader.dialect.digests(digests), name}
		stmt, err := reader.prepare(ctx, reader.dialect.findLayers, args)
		if errors.Is(err, errUnholdable) {
			return registry.ErrAbsent
		}
		if err != nil {
			return err
		}
		var packed string
		err = stmt.QueryRowContext(ctx, args...).Scan(append(repositoryFields(&repository), &packed)...)
		if errors.Is(err, sql.ErrNoRows) {
			return registry.ErrAbsent
		}
		if err != nil {
			return err
		}
		layers, err = unpackLayers(packed)
		return err
	})
	if err != nil {
		return registry.Repository{}, nil, fmt.Errorf("find layers of repository %s/%s: %w", reg, name, err)
	}
	return repository, layers, nil
}

// unpackLayers reads what dialect.findLayers packs: for each layer, with nothing between layers,
//
//	KEY SIZE KEEP LENGTH MEDIATYPE
//
// where KEY is the digest key in hexadecimal, KEEP is in unix milliseconds, 0 while an image references the layer, and
// LENGTH counts the bytes of MEDIATYPE, which a client chose and may hold anything.
func unpackLayers(s string) ([]registry.Layer, error) {
	var layers []registry.Layer
	mediaType := "" // of the layer before: nearly all are the same, and a copy does not hold on to s
	for p := (packed{rest: s}); p.rest != ""; {
		key, size, keep, m := p.digest(), p.number(), p.number(), p.text(p.number())
		if p.err != nil {
			return nil, fmt.Errorf("unpack layers: %w", p.err)
		}
		if m != mediaType {
			mediaType = strings.Clone(m)
		}
		l := registry.Layer{Digest: key, Size: size, MediaType: mediaType}
		if keep != 0 {
			l.KeepUntil = time.UnixMilli(keep).UTC()
		}
		layers = append(layers, l)
	}
	return layers, nil
}

// packed takes fields off the front of a string. After err its answers mean nothing.
type packed struct {
	rest string
	err  error
}

func (p *packed) field() string {
	field, rest, ok := strings.Cut(p.rest, " ")
	if !ok {
		p.err = io.ErrUnexpectedEOF
	}
	p.rest = rest
	return field
}

func (p *packed) digest() ref.Digest {
	key, err := hex.DecodeString(p.field())
	if err == nil {
		var d ref.Digest
		if d, err = ref.DigestFromKey(key); err == nil {
			return d
		}
	}
	p.err = cmp.Or(p.err, err)
	return ref.Digest{}
}

func (p *packed) number() int64 {
	n, err := strconv.ParseInt(p.field(), 10, 64)
	p.err = cmp.Or(p.err, err)
	return n
}

func (p *packed) text(length int64) string {
	if length < 0 || length > int64(len(p.rest)) {
		p.err = cmp.Or(p.err, io.ErrUnexpectedEOF)
		return ""
	}
	text := p.rest[:length]
	p.rest = p.rest[length:]
	return text
}
