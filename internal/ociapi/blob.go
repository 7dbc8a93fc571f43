package ociapi

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// blobHead answers from the metadata alone: no file is opened. An empty reader of the right length lets ServeContent say
// just what it would say to a GET, conditions and ranges included.
func (s *Server) blobHead(w http.ResponseWriter, r *http.Request, q Request, _ registry.Caller) error {
	status, err := s.Registry.StatLayer(r.Context(), q.Repository(), q.Digest)
	if err != nil {
		return err
	}
	if asksForAll(r) {
		setBlobHeaders(w.Header(), q.Digest)
		writeAll(w, nil, status.Size)
		return nil
	}
	serveBlob(w, r, q.Digest, io.NewSectionReader(strings.NewReader(""), 0, status.Size))
	return nil
}

// blobGet sends the client to where the bytes are when the registry says so (OCI distribution spec, "Pulling blobs");
// otherwise it hands the file itself to ServeContent, unwrapped, so that the kernel can send it.
func (s *Server) blobGet(w http.ResponseWriter, r *http.Request, q Request, _ registry.Caller) error {
	address, err := s.Registry.LayerAddress(r.Context(), q.Repository(), q.Digest)
	if err != nil {
		return err
	}
	if address != "" {
		w.Header().Set("Cache-Control", "no-store") // the address holds for a while only
		w.Header().Set("Docker-Content-Digest", q.Digest.String())
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Location", address)
		w.WriteHeader(http.StatusTemporaryRedirect)
		return nil
	}
	content, err := s.Registry.OpenLayer(r.Context(), q.Repository(), q.Digest)
	if err != nil {
		return err
	}
	defer content.Close()
	serveBlob(w, r, q.Digest, content.ReadSeekCloser)
	return nil
}

func (s *Server) blobDelete(w http.ResponseWriter, r *http.Request, q Request, caller registry.Caller) error {
	if err := s.Registry.DeleteLayer(r.Context(), caller, q.Repository(), q.Digest); err != nil {
		return err
	}
	s.audit(r, q, caller, "DeleteLayer", nil)
	w.WriteHeader(http.StatusAccepted)
	return nil
}

func serveBlob(w http.ResponseWriter, r *http.Request, d ref.Digest, content io.ReadSeeker) {
	setBlobHeaders(w.Header(), d)
	http.ServeContent(w, r, "", time.Time{}, content)
}

func setBlobHeaders(h http.Header, d ref.Digest) {
	h["Content-Type"], h["Cache-Control"] = octetStream, immutable
	setDigestHeaders(h, d)
}

// setDigestHeaders is for bytes that are named by their digest, which is their entity tag too.
func setDigestHeaders(h http.Header, d ref.Digest) {
	var room [160]byte
	tag := string(append(d.Append(append(room[:0], '"')), '"'))
	h.Set("Etag", tag)
	h.Set("Docker-Content-Digest", tag[1:len(tag)-1])
}

// Values of headers that are in every answer of a kind, under their keys as net/http has them. Nobody changes them, so they
// need not be made each time.
var (
	octetStream = []string{"application/octet-stream"}
	immutable   = []string{"max-age=31536000, immutable"} // a digest never names other bytes
	byteRanges  = []string{"bytes"}
)

// asksForAll says that http.ServeContent would answer with all of the content: the request has no condition and no range.
// It then takes longer than all else that is done for a small answer.
func asksForAll(r *http.Request) bool {
	for _, name := range [...]string{"Range", "If-None-Match", "If-Match", "If-Modified-Since", "If-Unmodified-Since"} {
		if _, ok := r.Header[name]; ok {
			return false
		}
	}
	return true
}

// writeAll says what ServeContent would. The size is that of the content, which is empty where the method is HEAD.
func writeAll(w http.ResponseWriter, content []byte, size int64) {
	h := w.Header()
	h["Accept-Ranges"] = byteRanges
	h.Set("Content-Length", strconv.FormatInt(size, 10))
	w.WriteHeader(http.StatusOK)
	if len(content) > 0 {
		_, _ = w.Write(content) // a client that left does not hear the answer
	}
}
