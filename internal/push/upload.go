package push

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/ref"
)

const (
	defaultPartSize = 10 << 20 // what the service recommends today
	maxPartSize     = 20 << 20 // UploadLayerPart API page
	// maxRestarts and maxJumps bound how often one layer begins again from its first byte, and how often it goes on from
	// where the service says: a service that is out of its mind must not keep us busy for ever.
	maxRestarts = 2
	maxJumps    = 5
)

// upload is one layer on its way. Parts follow each other; each is in memory from reading it until the service has it.
//
// The local bytes are hashed as they are read and the digest is compared before the last part leaves, so a file that was
// changed or damaged never becomes a layer.
type upload struct {
	*Pusher
	blob   Blob
	file   *file
	buffer *[]byte // reused from layer to layer
	note   *note   // what the next process goes by

	id       string
	partSize int64
	offset   int64     // where the next part begins
	hash     hash.Hash // of the local bytes before offset
	resumed  int64     // where an upload of an earlier process was taken up, 0 if it was not
	jumps    int
}

// upload makes the blob a layer of the repository.
func (p *Pusher) upload(ctx context.Context, b Blob, buffer *[]byte) error {
	f, err := b.open()
	if err != nil {
		return err
	}
	defer f.Close()
	u := &upload{Pusher: p, blob: b, file: f, buffer: buffer, note: p.openNote(b)}
	defer u.note.close()
	if err := u.finish(ctx); err != nil {
		return fmt.Errorf("upload %s: %w", b.name, err)
	}
	u.note.remove()
	p.o.Progress.Done(Layer{Digest: b.Digest, Size: b.Size, Resumed: u.resumed})
	return nil
}

// finish runs the upload to its end, and new ones in its place if it gets lost.
func (u *upload) finish(ctx context.Context) error {
	for restarts := 0; ; restarts++ {
		err := u.run(ctx)
		if err == nil || !u.isLost(err) || restarts == maxRestarts {
			return err
		}
		// The service forgets an upload when another client completes the same layer.
		available, err := u.available(ctx, []Blob{u.blob})
		if err != nil {
			return err
		}
		if available[u.blob.Digest.String()] {
			u.o.Progress.Need(u.offset - u.blob.Size)
			return nil
		}
		u.restart()
	}
}

// restart forgets the upload, so that a new one begins.
func (u *upload) restart() {
	u.o.Progress.Need(u.offset)
	u.note.remove()
	u.offset, u.resumed, u.jumps = 0, 0, 0
}

// isLost says whether the error means that this upload leads nowhere, but a new one may: it is gone, or what an earlier
// process left of it is not what its note says.
func (u *upload) isLost(err error) bool {
	switch {
	case is[*ecrpublic.UploadNotFoundException](err):
		return true
	case u.resumed == 0:
		return false
	}
	return is[*ecrpublic.InvalidLayerException](err) || is[*ecrpublic.InvalidLayerPartException](err) ||
		is[*ecrpublic.LayerPartTooSmallException](err) || is[*ecrpublic.InvalidParameterException](err)
}

// run takes the upload from wherever it is to its end.
func (u *upload) run(ctx context.Context) error {
	if err := u.begin(ctx); err != nil {
		return err
	}
	for u.offset < u.blob.Size {
		if err := u.sendPart(ctx); err != nil {
			return err
		}
	}
	if err := u.verify(); err != nil {
		return err
	}
	_, err := u.client.CompleteLayerUpload(ctx, &ecrpublic.CompleteLayerUploadRequest{
		RepositoryName: u.repository(),
		UploadId:       &u.id,
		LayerDigests:   []string{u.blob.Digest.String()},
	})
	if is[*ecrpublic.LayerAlreadyExistsException](err) {
		return nil
	}
	return err
}

// begin takes up the upload of the note, or opens a new one.
func (u *upload) begin(ctx context.Context) error {
	u.hash = u.blob.Digest.Algorithm().New()
	if state, ok := u.note.read(); ok && u.isUsable(state) {
		u.id, u.partSize, u.resumed = state.UploadID, state.PartSize, state.Offset
		return u.moveTo(ctx, state.Offset)
	}
	out, err := u.client.InitiateLayerUpload(ctx, &ecrpublic.InitiateLayerUploadRequest{RepositoryName: u.repository()})
	if err != nil {
		return err
	}
	u.id, u.partSize = value(out.UploadId), value(out.PartSize)
	if u.partSize <= 0 {
		u.partSize = defaultPartSize
	}
	u.partSize = min(u.partSize, maxPartSize)
	return nil
}

func (u *upload) isUsable(s state) bool {
	return s.UploadID != "" && 0 < s.PartSize && s.PartSize <= maxPartSize && 0 < s.Offset && s.Offset <= u.blob.Size
}

// moveTo goes on from another offset than the one reached: the bytes before it are hashed again.
func (u *upload) moveTo(ctx context.Context, offset int64) error {
	u.o.Progress.Need(u.offset - offset)
	u.offset = offset
	u.hash.Reset()
	n, err := io.Copy(u.hash, u.file.reader(ctx, offset))
	if err == nil && n < offset {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// sendPart sends the next part. A part whose answer was lost is sent again by the client; services differ in what they
// then say, so a refusal that names the end of this very part means that it has arrived.
func (u *upload) sendPart(ctx context.Context) error {
	part, err := u.readPart()
	if err != nil {
		return err
	}
	end := u.offset + int64(len(part))
	_, err = u.client.UploadLayerPart(ctx, &ecrpublic.UploadLayerPartRequest{
		RepositoryName: u.repository(),
		UploadId:       &u.id,
		PartFirstByte:  new(u.offset),
		PartLastByte:   new(end - 1),
		LayerPartBlob:  part,
	})
	if refusal, ok := errors.AsType[*ecrpublic.InvalidLayerPartException](err); ok {
		if at := expected(refusal); at != end {
			return u.jump(ctx, at, err)
		}
	} else if err != nil {
		return err
	}
	u.o.Progress.Sent(int64(len(part)))
	u.offset = end
	if u.offset < u.blob.Size {
		u.note.write(state{UploadID: u.id, PartSize: u.partSize, Offset: u.offset})
	}
	return nil
}

// expected is the offset of the part that the service wants.
func expected(refusal *ecrpublic.InvalidLayerPartException) int64 {
	if refusal.LastValidByteReceived == nil { // it has nothing yet
		return 0
	}
	return *refusal.LastValidByteReceived + 1
}

// jump goes on at the offset that the service wants after refusing a part, unless that cannot help.
func (u *upload) jump(ctx context.Context, offset int64, refusal error) error {
	if offset == u.offset || offset < 0 || offset > u.blob.Size || u.jumps == maxJumps {
		return refusal
	}
	u.jumps++
	return u.moveTo(ctx, offset)
}

// readPart reads and hashes the next part. The last one is only given out when the whole file has the right digest.
func (u *upload) readPart() ([]byte, error) {
	if int64(cap(*u.buffer)) < u.partSize {
		*u.buffer = make([]byte, u.partSize)
	}
	part := (*u.buffer)[:min(u.partSize, u.blob.Size-u.offset)]
	if n, err := u.file.ReadAt(part, u.offset); n < len(part) {
		return nil, fmt.Errorf("read bytes %d to %d: %w", u.offset, u.offset+int64(len(part))-1, err)
	}
	u.hash.Write(part) // a hash never fails to write
	if u.offset+int64(len(part)) == u.blob.Size {
		return part, u.verify()
	}
	return part, nil
}

// verify compares the digest of all local bytes.
func (u *upload) verify() error {
	if got := ref.NewDigest(u.blob.Digest.Algorithm(), u.hash.Sum(nil)); got != u.blob.Digest {
		return u.blob.damaged(got)
	}
	return nil
}
