package registry

import (
	"context"
	"encoding"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/openecr/openecr/internal/ref"
)

// resumeHash is the running hash of what was accepted so far. A state that does not decode (written by another Go
// release, say) is made again from the bytes where the store can read them before they are finished; where it cannot,
// the upload is not found and the client begins again.
func (r *Registry) resumeHash(ctx context.Context, p Path, up Upload) (hash.Hash, error) {
	if h := decodeHash(up.Algorithm, up.HashState); h != nil {
		return h, nil
	}
	h := up.Algorithm.New()
	if up.Offset == 0 {
		return h, nil
	}
	err := r.hashStored(ctx, up.Locator, up.Offset, h)
	if errors.Is(err, ErrAbsent) {
		return nil, uploadNotFound(p, up.ID)
	}
	return h, err
}

// hashStored feeds h the first size bytes under the locator. ErrAbsent when there are fewer.
func (r *Registry) hashStored(ctx context.Context, locator string, size int64, h hash.Hash) error {
	stored, err := r.blobs.Open(ctx, locator)
	if err != nil {
		return fmt.Errorf("hash stored bytes: %w", err)
	}
	defer stored.Close()
	_, err = io.CopyN(h, stored, size)
	if errors.Is(err, io.EOF) {
		err = ErrAbsent
	}
	if err != nil {
		return fmt.Errorf("hash stored bytes: %w", err)
	}
	return nil
}

func hashState(h hash.Hash) ([]byte, error) {
	state, err := h.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("save the state of a hash: %w", err)
	}
	return state, nil
}

// decodeHash is nil for a state that does not decode.
func decodeHash(algorithm ref.Algorithm, state []byte) hash.Hash {
	h := algorithm.New()
	if h.(encoding.BinaryUnmarshaler).UnmarshalBinary(state) != nil {
		return nil
	}
	return h
}
