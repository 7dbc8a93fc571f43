package ociapi

import (
	"io"
	"net/http"
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
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Cache-Control", "max-age=31536000, immutable") // a digest never names other bytes
	serveContent(w, r, d, content)
}

// serveContent serves bytes that are named by their digest, which is their entity tag too.
func serveContent(w http.ResponseWriter, r *http.Request, d ref.Digest, content io.ReadSeeker) {
	w.Header().Set("Docker-Content-Digest", d.String())
	w.Header().Set("Etag", `"`+d.String()+`"`)
	http.ServeContent(w, r, "", time.Time{}, content)
}
