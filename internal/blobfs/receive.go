package blobfs

import (
	"context"
	"io"
	"os"
)

// piece is what one write takes: large enough that the system calls do not show, and small enough that its bytes are still
// in the processor's cache when they are hashed and written; 256 KiB took a tenth more CPU and longer. A receive holds two.
type piece [64 << 10]byte

// receive copies r into f from offset on. What fits a piece, as most blobs do, is written when it is there.
func (s *Store) receive(ctx context.Context, f *os.File, offset int64, r io.Reader) (int64, error) {
	buf := s.pieces.Get().(*piece)
	n, ended, err := fill(ctx, r, buf[:])
	if err == nil && !ended {
		return s.receiveMore(ctx, &writer{file: f, offset: offset, started: offset}, buf, r)
	}
	defer s.pieces.Put(buf)
	if err == nil {
		_, err = f.WriteAt(buf[:n], offset)
	}
	return int64(n), err
}

// receiveMore goes on from a first full piece. While one piece is written, the next is read: reading is where bytes come
// off the network and are hashed, which takes one processor as long as writing takes another.
func (s *Store) receiveMore(ctx context.Context, w *writer, full *piece, r io.Reader) (n int64, err error) {
	free := s.pieces.Get().(*piece)
	filled, ended, written := len(full), false, make(chan error, 1)
	for filled > 0 && err == nil {
		go func(b []byte) { written <- w.write(b) }(full[:filled])
		n += int64(filled)
		full, free, filled = free, full, 0
		if !ended {
			filled, ended, err = fill(ctx, r, full[:])
		}
		if failed := <-written; failed != nil {
			err = failed // it says what is wrong with the disk
		}
	}
	s.pieces.Put(full)
	s.pieces.Put(free)
	return n, err
}

// writebackSize is how many bytes the kernel is given to write at a time, while more are received: the sync at the end
// then finds only the last of them left to do.
const writebackSize = 8 << 20

// writer writes pieces one after the other.
type writer struct {
	file    *os.File
	offset  int64 // of the next piece
	started int64 // up to here the kernel was told to write
}

func (w *writer) write(b []byte) error {
	if _, err := w.file.WriteAt(b, w.offset); err != nil {
		return err
	}
	w.offset += int64(len(b))
	if n := w.offset - w.started; n >= writebackSize {
		startWriteback(w.file, w.started, n)
		w.started = w.offset
	}
	return nil
}

// fill reads until buf is full or r has ended. It is not io.ReadFull: that ends a short read with io.ErrUnexpectedEOF,
// which is also what the body of a request yields when its client goes away.
func fill(ctx context.Context, r io.Reader, buf []byte) (n int, ended bool, err error) {
	for n < len(buf) {
		if err := ctx.Err(); err != nil {
			return n, false, err
		}
		read, err := r.Read(buf[n:])
		n += read
		if err == io.EOF {
			return n, true, nil
		}
		if err != nil {
			return n, false, err
		}
	}
	return n, false, nil
}
