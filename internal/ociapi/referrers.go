package ociapi

import (
	"fmt"
	"net/http"

	"github.com/openecr/openecr/internal/registry"
)

const mediaTypeIndex = "application/vnd.oci.image.index.v1+json"

// index is the answer to who refers to an image: an OCI image index that is stored nowhere.
type index struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Manifests     []descriptor `json:"manifests"`
}

type descriptor struct {
	MediaType    string            `json:"mediaType"`
	Digest       string            `json:"digest"`
	Size         int64             `json:"size"`
	ArtifactType string            `json:"artifactType,omitempty"`
	Annotations  map[string]string `json:"annotations,omitempty"`
}

// referrersList lists the images that have another for their subject (OCI distribution spec, "Listing Referrers"). While
// there are more, a Link leads to the rest.
func (s *Server) referrersList(w http.ResponseWriter, r *http.Request, q Request, _ registry.Caller) error {
	var artifactType *string
	if q.Filter {
		artifactType = &q.ArtifactType
	}
	referrers, more, err := s.Registry.Referrers(r.Context(), q.Repository(), q.Digest, artifactType, q.After)
	if err != nil {
		return err
	}
	list := make([]descriptor, len(referrers))
	for i, ref := range referrers {
		list[i] = descriptor{ref.MediaType, ref.Digest.String(), ref.Size, ref.ArtifactType, ref.Annotations}
	}
	if more {
		next := q
		next.After = referrers[len(referrers)-1].Digest
		w.Header().Set("Link", fmt.Sprintf("<%s>; rel=\"next\"", next.URL()))
	}
	if q.Filter {
		w.Header().Set("OCI-Filters-Applied", "artifactType")
	}
	writeJSONAs(w, http.StatusOK, mediaTypeIndex, index{2, mediaTypeIndex, list})
	return nil
}
