package blobs3

import (
	"context"
	"fmt"
	"io"
)

// Put sends what fits one part as an object, and more as a multipart upload. Nobody else knows the locator, so part
// numbers are counted here, and the last part may be short because nothing follows. A crash leaves an object or a
// multipart upload that no row names, for collection.
func (s *Store) Put(ctx context.Context, locator string, r io.Reader) (string, int64, error) {
	size, err := s.putWhole(ctx, locator, r)
	if err != nil {
		return "", 0, fmt.Errorf("put blob %s: %w", locator, err)
	}
	return locator, size, nil
}

func (s *Store) putWhole(ctx context.Context, locator string, r io.Reader) (int64, error) {
	key, err := s.key(locator)
	if err != nil {
		return 0, err
	}
	buf, err := s.buffers.take(ctx, 1)
	if err != nil {
		return 0, err
	}
	ended, err := buf.fill(ctx, r)
	if err != nil || ended {
		defer buf.release()
		if err == nil {
			err = s.put(ctx, key, buf)
		}
		return buf.size, err
	}
	return s.putParts(ctx, key, locator, buf, r)
}

func (s *Store) putParts(ctx context.Context, key, locator string, first *buffer, r io.Reader) (int64, error) {
	numbers := 0
	allot := func(context.Context) (int, error) { numbers++; return numbers, nil }
	a := &appending{Store: s, key: key, locator: locator, allot: allot, whole: true, state: new(state), inFlight: make(chan struct{}, maxInFlight)}
	err := a.together(ctx, func(ctx context.Context) error {
		if err := a.send(ctx, first); err != nil {
			first.release()
			return err
		}
		return a.sendAll(ctx, r)
	})
	if err != nil {
		return 0, err
	}
	if err := s.completeOnce(ctx, locator, key, a.state, allot); err != nil {
		s.abort(ctx, key, a.state.multipart)
		return 0, err
	}
	return a.state.size(), nil
}
