package push

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/openecr/openecr/internal/ref"
)

const (
	// maxDocument bounds what is read into memory of a manifest, index or configuration; the service takes no larger ones.
	maxDocument = 4 << 20
	// maxTarEntries and maxLinks bound what a hostile tar file can cost.
	maxTarEntries = 100_000
	maxLinks      = 16
)

// A Blob is bytes with a digest: a layer, a configuration or a manifest. It holds no open file.
type Blob struct {
	Digest ref.Digest
	Size   int64
	name   string // for messages
	open   func() (*file, error)
}

// file is an open blob. It is safe for concurrent use, except Close.
type file struct {
	io.ReaderAt
	size  int64
	close func() error
}

func (f *file) Close() error { return f.close() }

// reader reads the first n bytes and stops when the context ends.
func (f *file) reader(ctx context.Context, n int64) io.Reader {
	return contextReader{ctx, io.NewSectionReader(f, 0, n)}
}

type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}

func noClose() error { return nil }

// bytesBlob is a blob that exists in memory only.
func bytesBlob(name string, content []byte) Blob {
	return Blob{
		Digest: ref.DigestBytes(ref.SHA256, content),
		Size:   int64(len(content)),
		name:   name,
		open: func() (*file, error) {
			return &file{bytes.NewReader(content), int64(len(content)), noClose}, nil
		},
	}
}

// OpenLayer makes a blob of a file, which it reads once for the digest. An empty file is an error: the service has no
// empty layers.
func OpenLayer(ctx context.Context, name string) (Blob, error) {
	open := func() (*file, error) {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		return regularFile(f)
	}
	return digestBlob(ctx, name, open)
}

// digestBlob reads a blob to its end to know its digest.
func digestBlob(ctx context.Context, name string, open func() (*file, error)) (Blob, error) {
	f, err := open()
	if err != nil {
		return Blob{}, err
	}
	defer f.Close()
	if f.size == 0 {
		return Blob{}, fmt.Errorf("%s is empty: ECR Public keeps no empty layers", name)
	}
	hash := ref.SHA256.New()
	n, err := io.Copy(hash, f.reader(ctx, f.size))
	if err == nil && n < f.size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return Blob{}, fmt.Errorf("read %s: %w", name, err)
	}
	return Blob{Digest: ref.NewDigest(ref.SHA256, hash.Sum(nil)), Size: f.size, name: name, open: open}, nil
}

// regularFile takes f over, and closes it if it is no ordinary file.
func regularFile(f fs.File) (*file, error) {
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", info.Name())
	}
	at, ok := f.(io.ReaderAt)
	if err == nil && !ok {
		err = fmt.Errorf("%s cannot be read at an offset", info.Name())
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &file{at, info.Size(), f.Close}, nil
}

// A source is where the files of an image lie. A name that is not there gives fs.ErrNotExist.
type source interface {
	open(name string) (*file, error)
	Close() error
}

// openSource opens a directory or a tar file.
func openSource(name string) (source, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		root, err := os.OpenRoot(name)
		return directory{root}, err
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	archive, err := readTar(f, info.Size())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), f.Close())
	}
	archive.close = f.Close
	return archive, nil
}

// directory confines names and symbolic links to one folder.
type directory struct{ *os.Root }

func (d directory) open(name string) (*file, error) {
	f, err := d.Root.Open(name)
	if err != nil {
		return nil, err
	}
	return regularFile(f)
}

// tarFile is a tar file of which the table of contents was read; the contents stay where they are.
type tarFile struct {
	io.ReaderAt
	entries map[string]tarEntry
	close   func() error
}

type tarEntry struct {
	offset, size int64
	link         string // name of the entry that has the content, "" for a file
}

// readTar reads the table of contents.
func readTar(r io.ReaderAt, size int64) (*tarFile, error) {
	if err := refuseCompressed(r); err != nil {
		return nil, err
	}
	t := &tarFile{r, make(map[string]tarEntry), noClose}
	section := io.NewSectionReader(r, 0, size)
	headers := tar.NewReader(section)
	for range maxTarEntries {
		h, err := headers.Next()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if errors.Is(err, io.ErrUnexpectedEOF) && len(t.entries) > 0 {
			return nil, errors.New("the tar file is cut short")
		}
		if err != nil {
			return nil, fmt.Errorf("neither an image layout nor a tar file: %w", err)
		}
		// The tar reader takes whole headers from section and nothing more, so the content begins where section stands.
		offset, err := section.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		name := path.Clean(h.Name)
		switch h.Typeflag {
		case tar.TypeReg:
			if h.Size > size-offset {
				return nil, fmt.Errorf("the tar file ends inside of %s", name)
			}
			t.entries[name] = tarEntry{offset: offset, size: h.Size}
		case tar.TypeSymlink: // docker save before version 25 writes an equal layer once, and links to it
			t.entries[name] = tarEntry{link: path.Join(path.Dir(name), h.Linkname)}
		case tar.TypeLink:
			t.entries[name] = tarEntry{link: path.Clean(h.Linkname)}
		}
	}
	return nil, fmt.Errorf("the tar file has more than %d entries: it is not an image", maxTarEntries)
}

func refuseCompressed(r io.ReaderAt) error {
	head := make([]byte, 4)
	if n, err := r.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return err
	} else if c := compressionOf(head[:n]); c != "" {
		return fmt.Errorf("the file is compressed with %s: decompress it first", c)
	}
	return nil
}

// compressionOf tells by the first bytes how content is compressed, "" when it is not, as far as image layers go.
func compressionOf(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return "gzip"
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return "zstd"
	}
	return ""
}

func (t *tarFile) open(name string) (*file, error) {
	name = path.Clean(name)
	for range maxLinks {
		e, ok := t.entries[name]
		if !ok {
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
		if e.link == "" {
			return &file{io.NewSectionReader(t, e.offset, e.size), e.size, noClose}, nil
		}
		name = e.link
	}
	return nil, fmt.Errorf("%s is a link to a link to a link without end", name)
}

func (t *tarFile) Close() error { return t.close() }

// readDocument reads a small file as a whole.
func readDocument(s source, name string) ([]byte, error) {
	f, err := s.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.document(name)
}

func (f *file) document(name string) ([]byte, error) {
	if f.size > maxDocument {
		return nil, fmt.Errorf("%s has %d bytes, which is too large for its kind: at most %d", name, f.size, maxDocument)
	}
	content := make([]byte, f.size)
	if _, err := io.ReadFull(io.NewSectionReader(f, 0, f.size), content); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return content, nil
}
