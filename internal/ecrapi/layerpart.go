package ecrapi

import (
	"crypto/sha256"
	"fmt"
	"io"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/registry"
)

const (
	// maxPart is the largest layerPartBlob of the API model, in bytes.
	maxPart = 20 << 20
	// maxPartMembers is room for all members of an UploadLayerPart request but the blob.
	maxPartMembers = 64 << 10
	// partBuffer is what a part takes of memory while it is read.
	partBuffer = 64 << 10
)

// uploadLayerPart takes a body of up to 40 MiB without holding it. The blob is decoded as it arrives and spooled; only
// once the signature over the whole body is proven is it added to the upload, so a request that nobody signed changes
// nothing. Members may come in any order: the upload is known only when the object has ended.
func (c *call) uploadLayerPart(pending Pending) ([]byte, error) {
	ctx := c.r.Context()
	spool, err := c.server.spools.open(ctx, c.server.SpoolDir, pending.AccessKeyID(), maxPart)
	if err != nil {
		return nil, err
	}
	defer spool.Close()
	scanner := newPartScanner(spool)
	if err := c.scanBody(pending, scanner); err != nil {
		return nil, err
	}
	members, size, err := scanner.finish()
	if err != nil {
		return nil, err
	}
	in := new(ecrpublic.UploadLayerPartRequest)
	if err := ecrpublic.Unmarshal(members, in); err != nil {
		return nil, err
	}
	c.in = in
	if err := ecrpublic.Validate(in); err != nil {
		return nil, err
	}
	if *in.PartLastByte-*in.PartFirstByte+1 != size {
		return nil, &ecrpublic.InvalidParameterException{Message: ptr(fmt.Sprintf("Invalid parameter at 'partLastByte' failed to satisfy constraint: 'Member must be partFirstByte plus the %d bytes of layerPartBlob minus 1'", size))}
	}
	if _, err := spool.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("rewind the spool: %w", err)
	}
	up, err := c.server.Registry.AppendUpload(ctx, c.caller, path(in.RegistryId, in.RepositoryName), *in.UploadId,
		registry.Part{First: *in.PartFirstByte, Length: size, Body: spool, Counted: true})
	if err != nil {
		return nil, err
	}
	account, err := c.server.Registry.AccountOf(ctx, c.caller, value(in.RegistryId))
	if err != nil {
		return nil, err
	}
	out := &ecrpublic.UploadLayerPartResponse{
		RegistryId:       ptr(string(account)),
		RepositoryName:   in.RepositoryName,
		UploadId:         in.UploadId,
		LastByteReceived: ptr(up.Offset - 1),
	}
	c.out = out
	return ecrpublic.Marshal(out)
}

// scanBody feeds the whole body to the hash and the scanner and proves the signature. A body that the scanner dislikes
// is read to its end all the same: to a caller who did not sign it, a wrong signature is all that is wrong with it.
func (c *call) scanBody(pending Pending, scanner *partScanner) error {
	limit := bodyLimit(c.op)
	hash := sha256.New()
	n, err := io.CopyBuffer(io.MultiWriter(hash, scanner), io.LimitReader(c.r.Body, limit+1), make([]byte, partBuffer))
	if err != nil {
		return brokenBody(err)
	}
	if n > limit {
		return bodyTooLarge(c.op)
	}
	return c.prove(pending, [sha256.Size]byte(hash.Sum(nil)))
}
