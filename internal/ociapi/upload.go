package ociapi

import (
	"cmp"
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"regexp"
	"strconv"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// uploadStart begins an upload, or does all of it when the blob comes along (OCI distribution spec, "Single POST") or is
// to be had from another repository ("Mounting a blob from another repository").
func (s *Server) uploadStart(w http.ResponseWriter, r *http.Request, q Request, caller registry.Caller) error {
	var up registry.Upload
	var mounted bool
	err := s.makingRepository(r, q, caller, func() (err error) {
		if !q.Mount.IsZero() {
			mounted, err = s.Registry.MountLayer(r.Context(), caller, q.Repository(), q.From, q.Mount)
		}
		if err != nil || mounted {
			return err
		}
		up, err = s.Registry.StartUploadBy(r.Context(), caller, q.Repository(), q.algorithm())
		return err
	})
	if err != nil {
		return err
	}
	if mounted {
		s.audit(r, q, caller, "MountLayer", result{LayerDigest: q.Mount.String()})
		s.writeCreated(w, r, q, q.Mount)
		return nil
	}
	s.audit(r, q, caller, "InitiateLayerUpload", result{UploadID: up.ID})
	q.UploadID = up.ID
	if q.Digest.IsZero() {
		s.writeStanding(w, r, q, up, http.StatusAccepted)
		return nil
	}
	err = s.uploadFinish(w, r, q, caller)
	if err != nil {
		// Nobody knows its id, so nobody could go on. If this fails too, the upload is collected like any left alone.
		_ = s.Registry.CancelUpload(context.WithoutCancel(r.Context()), caller, q.Repository(), q.UploadID)
	}
	return err
}

// algorithm is what the upload is hashed by as it comes in.
func (q Request) algorithm() ref.Algorithm {
	return cmp.Or(q.Digest.Algorithm(), q.Mount.Algorithm(), q.Algorithm, ref.SHA256)
}

func (s *Server) uploadChunk(w http.ResponseWriter, r *http.Request, q Request, caller registry.Caller) error {
	up, err := s.appendChunk(r, q, caller)
	if err != nil {
		return err
	}
	s.auditChunk(r, q, caller, up.Offset)
	s.writeStanding(w, r, q, up, http.StatusAccepted)
	return nil
}

func (s *Server) uploadStatus(w http.ResponseWriter, r *http.Request, q Request, caller registry.Caller) error {
	up, err := s.Registry.FindUpload(r.Context(), caller, q.Repository(), q.UploadID)
	if err != nil {
		return err
	}
	s.writeStanding(w, r, q, up, http.StatusNoContent)
	return nil
}

func (s *Server) uploadCancel(w http.ResponseWriter, r *http.Request, q Request, caller registry.Caller) error {
	if err := s.Registry.CancelUpload(r.Context(), caller, q.Repository(), q.UploadID); err != nil {
		return err
	}
	s.audit(r, q, caller, "CancelLayerUpload", nil)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// uploadFinish adds the last chunk, if there is one, and ends the upload.
func (s *Server) uploadFinish(w http.ResponseWriter, r *http.Request, q Request, caller registry.Caller) error {
	layer, err := s.endUpload(r, q, caller)
	if err := accept(registry.LayerAlreadyExists, err); err != nil {
		return err
	}
	s.audit(r, q, caller, "CompleteLayerUpload", result{LayerDigest: layer.Digest.String()})
	s.writeCreated(w, r, q, layer.Digest)
	return nil
}

func (s *Server) endUpload(r *http.Request, q Request, caller registry.Caller) (registry.Layer, error) {
	if r.ContentLength == 0 && r.Header.Get("Content-Range") == "" {
		return s.Registry.FinishUpload(r.Context(), caller, q.Repository(), q.UploadID, []string{q.Digest.String()}, registry.FinishRules{})
	}
	part, err := partOf(r)
	if err != nil {
		return registry.Layer{}, err
	}
	layer, err := s.Registry.SendUpload(r.Context(), caller, q.Repository(), q.UploadID, part, q.Digest)
	if err == nil {
		s.auditChunk(r, q, caller, layer.Size)
	}
	return layer, err
}

func (s *Server) auditChunk(r *http.Request, q Request, caller registry.Caller, received int64) {
	last := received - 1
	q.Digest = ref.Digest{} // is that of the whole
	s.audit(r, q, caller, "UploadLayerPart", result{LastByteReceived: &last})
}

// writeCreated says that the repository now has the blob.
func (s *Server) writeCreated(w http.ResponseWriter, r *http.Request, q Request, d ref.Digest) {
	q.Kind, q.Digest = BlobGet, d
	w.Header().Set("Location", s.location(r, q))
	w.Header().Set("Docker-Content-Digest", d.String())
	w.WriteHeader(http.StatusCreated)
}

// standing are the headers that tell where an upload stands and where its next chunk goes. The protocol has no range for
// no bytes: like other registries, an empty upload says 0-0, as one of a single byte does.
func (s *Server) standing(r *http.Request, q Request, up registry.Upload) http.Header {
	q.Kind, q.UploadID = BlobUploadStatus, up.ID
	h := http.Header{}
	h.Set("Location", s.location(r, q))
	h.Set("Range", "0-"+strconv.FormatInt(max(up.Offset-1, 0), 10))
	h.Set("Docker-Upload-Uuid", up.ID)
	return h
}

func (s *Server) writeStanding(w http.ResponseWriter, r *http.Request, q Request, up registry.Upload, status int) {
	for name, values := range s.standing(r, q, up) {
		w.Header()[name] = values
	}
	w.WriteHeader(status)
}

// appendChunk streams the body of a request into an upload. When the body is not what the headers announce, the upload
// stays as it was.
func (s *Server) appendChunk(r *http.Request, q Request, caller registry.Caller) (registry.Upload, error) {
	part, err := partOf(r)
	if err != nil {
		return registry.Upload{}, err
	}
	return s.Registry.AppendUpload(r.Context(), caller, q.Repository(), q.UploadID, part)
}

// partOf is the body of a request as a part of an upload.
//
// The core takes the last part again when it is told the part's length beforehand, for the retries of API clients. Here
// the spec wants 416 for a chunk that was sent before, so the length stays with chunk, which checks it.
func partOf(r *http.Request) (registry.Part, error) {
	first, length, err := chunkRange(r.Header.Get("Content-Range"), r.ContentLength)
	if err != nil {
		return registry.Part{}, err
	}
	return registry.Part{First: first, Length: -1, Body: &chunk{body: r.Body, length: length}}, nil
}

// contentRange is the spec's own form ("Pushing a blob in chunks"), not that of HTTP.
var contentRange = regexp.MustCompile(`^([0-9]+)-([0-9]+)$`)

// chunkRange is where a chunk begins and how long it is: -1 each where the request does not say. The protocol has no
// range for no bytes, but clients send them with the end of an upload, as 10-9 or, at its beginning, as 0-0.
func chunkRange(header string, contentLength int64) (first, length int64, err error) {
	if header == "" {
		return -1, contentLength, nil
	}
	m := contentRange.FindStringSubmatch(header)
	if m == nil {
		return 0, 0, malformedRange(header)
	}
	first, errFirst := strconv.ParseInt(m[1], 10, 64)
	last, errLast := strconv.ParseInt(m[2], 10, 64)
	if errors.Join(errFirst, errLast) != nil || last < first-1 || last == math.MaxInt64 {
		return 0, 0, malformedRange(header)
	}
	length = last - first + 1
	if header == "0-0" && contentLength == 0 {
		length = 0
	}
	if contentLength >= 0 && contentLength != length {
		return 0, 0, refusef(http.StatusBadRequest, codeSizeInvalid, "The Content-Range %s has %d bytes, the Content-Length is %d: they must agree.", header, length, contentLength)
	}
	return first, length, nil
}

func malformedRange(header string) error {
	return refusef(http.StatusBadRequest, codeBlobUploadInvalid, "The Content-Range %q is malformed: write the first and the last byte of the chunk as FIRST-LAST, such as 0-1023.", clip(header))
}

// chunk reads the body of a request and fails unless it has exactly length bytes, or any number when that is -1. Its
// errors are the client's fault, unlike those of the store that reads it.
type chunk struct {
	body   io.Reader
	length int64
	read   int64
}

func (c *chunk) Read(b []byte) (int, error) {
	n, err := c.body.Read(b)
	c.read += int64(n)
	switch {
	case c.length >= 0 && c.read > c.length, err == io.EOF && c.read < c.length:
		return n, refusef(http.StatusBadRequest, codeSizeInvalid, "The body does not have the %d bytes that its headers announce: send the chunk again.", c.length)
	case err != nil && err != io.EOF:
		e := refusef(http.StatusBadRequest, codeBlobUploadInvalid, "The body broke off after %d bytes: ask for the upload's status and go on from there.", c.read)
		e.cause = err
		return n, e
	}
	return n, err
}
