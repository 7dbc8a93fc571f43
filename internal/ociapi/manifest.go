package ociapi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/openecr/openecr/internal/registry"
)

// manifestGet serves a manifest as it was pushed, whatever the client accepts: other bytes would have another digest.
// HEAD is what a push asks before it skips a manifest, so it gets the truth.
func (s *Server) manifestGet(w http.ResponseWriter, r *http.Request, q Request, _ registry.Caller) error {
	find := s.Registry.FindImage
	if r.Method == http.MethodGet {
		find = s.Registry.PullImage
	}
	image, err := find(r.Context(), q.Repository(), q.imageID())
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", safeMediaType(image.MediaType))
	setDigestHeaders(w.Header(), image.Digest)
	if !asksForAll(r) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(image.Manifest))
		return nil
	}
	content := image.Manifest
	if r.Method == http.MethodHead {
		content = nil
	}
	writeAll(w, content, int64(len(image.Manifest)))
	return nil
}

func (q Request) imageID() registry.ImageID {
	return registry.ImageID{Digest: q.Digest.String(), Tag: string(q.Tag)}
}

// safeMediaType lets nobody push a page or a script that a browser would run under this host's name. Manifests are JSON,
// so no other type is lost.
func safeMediaType(stored string) string {
	switch stored { // nearly all there are need not be parsed
	case "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json",
		"application/vnd.docker.distribution.manifest.v2+json", "application/vnd.docker.distribution.manifest.list.v2+json":
		return stored
	}
	parsed, _, err := mime.ParseMediaType(stored)
	if err != nil || parsed != stored || !strings.HasPrefix(stored, "application/") || !strings.HasSuffix(stored, "json") {
		return "application/octet-stream"
	}
	return stored
}

func (s *Server) manifestPut(w http.ResponseWriter, r *http.Request, q Request, caller registry.Caller) error {
	mediaType, err := statedMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	content, err := readManifest(w, r)
	if err != nil {
		return err
	}
	n := registry.NewImage{Manifest: content, MediaType: mediaType, Tags: q.newTags(), Digest: q.Digest.String()}
	var image registry.Image
	err = s.makingRepository(r, q, caller, func() error {
		image, err = s.Registry.PutImage(r.Context(), caller, q.Repository(), n)
		return accept(registry.ImageAlreadyExists, err)
	})
	if err != nil {
		return err
	}
	s.audit(r, q, caller, "PutImage", result{ImageDigest: image.Digest.String()})
	h := w.Header()
	if !image.Subject.IsZero() {
		h.Set("OCI-Subject", image.Subject.String()) // the client need not keep a list of referrers itself
	}
	if n := len(image.Absent); n > 0 {
		h.Set("Warning", fmt.Sprintf(`299 - "Foreign layers of this image that are not in this registry: %d. Pulling it needs the addresses that its manifest names."`, n))
	}
	for _, tag := range q.Tags {
		h.Add("OCI-Tag", string(tag))
	}
	q.Kind, q.Tag, q.Tags, q.Digest = ManifestGet, "", nil, image.Digest
	h.Set("Location", s.location(r, q))
	h.Set("Docker-Content-Digest", image.Digest.String())
	w.WriteHeader(http.StatusCreated)
	return nil
}

func (q Request) newTags() []string {
	if q.Tag != "" {
		return []string{string(q.Tag)}
	}
	tags := make([]string, len(q.Tags))
	for i, tag := range q.Tags {
		tags[i] = string(tag)
	}
	return tags
}

// manifestDelete deletes a tag alone, or an image with all its tags.
func (s *Server) manifestDelete(w http.ResponseWriter, r *http.Request, q Request, caller registry.Caller) error {
	var err error
	if q.Tag != "" {
		err = s.Registry.DeleteTag(r.Context(), caller, q.Repository(), q.Tag)
	} else {
		err = s.Registry.DeleteImage(r.Context(), caller, q.Repository(), q.Digest)
	}
	if err != nil {
		return err
	}
	s.audit(r, q, caller, "BatchDeleteImage", nil)
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// statedMediaType drops parameters such as a charset. Without the header it is empty: the manifest names its own type.
func statedMediaType(header string) (string, error) {
	if header == "" {
		return "", nil
	}
	mediaType, _, err := mime.ParseMediaType(header)
	if err != nil {
		return "", refusef(http.StatusBadRequest, codeManifestInvalid, "The Content-Type %q is malformed: send the media type of the manifest.", clip(header))
	}
	return mediaType, nil
}

func readManifest(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	content, err := io.ReadAll(http.MaxBytesReader(w, r.Body, registry.MaxManifest))
	if err == nil {
		return content, nil
	}
	e := refusef(http.StatusBadRequest, codeManifestInvalid, "The manifest broke off after %d bytes: send it again.", len(content))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		e = refusef(http.StatusRequestEntityTooLarge, codeSizeInvalid, "The manifest has more than %d bytes, which is the most that a manifest may have.", registry.MaxManifest)
	}
	e.cause = err
	return nil, e
}
