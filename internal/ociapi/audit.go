package ociapi

import (
	"errors"
	"net/http"

	"github.com/openecr/openecr/internal/registry"
)

// parameters are what a request asks for, in the words of the API.
type parameters struct {
	RegistryID       string   `json:"registryId,omitempty"` // the alias, which is what this wire has
	RepositoryName   string   `json:"repositoryName,omitempty"`
	UploadID         string   `json:"uploadId,omitempty"`
	LayerDigests     []string `json:"layerDigests,omitempty"`
	SourceRepository string   `json:"sourceRepository,omitempty"` // of a mount; ours
	ImageDigest      string   `json:"imageDigest,omitempty"`
	ImageTag         string   `json:"imageTag,omitempty"`
	ImageTags        []string `json:"imageTags,omitempty"` // where a push sets several; ours
}

// result is what has come of a request, in the words of the API.
type result struct {
	UploadID         string `json:"uploadId,omitempty"`
	LastByteReceived *int64 `json:"lastByteReceived,omitempty"`
	LayerDigest      string `json:"layerDigest,omitempty"`
	ImageDigest      string `json:"imageDigest,omitempty"`
}

// parameters are nil when the request names nothing.
func (q Request) parameters() any {
	if q.Name == "" {
		return nil
	}
	p := parameters{RegistryID: string(q.Alias), RepositoryName: string(q.Name), UploadID: q.UploadID, ImageTag: string(q.Tag)}
	switch {
	case !q.Mount.IsZero():
		p.LayerDigests, p.SourceRepository = []string{q.Mount.String()}, q.From.Registry+"/"+string(q.From.Name)
	case q.Digest.IsZero():
	case q.Kind == ManifestPut || q.Kind == ManifestDelete || q.Kind == ManifestGet || q.Kind == ManifestHead || q.Kind == ReferrersList:
		p.ImageDigest = q.Digest.String()
	default:
		p.LayerDigests = []string{q.Digest.String()}
	}
	if len(q.Tags) > 0 {
		p.ImageTags = q.newTags()
	}
	return p
}

// audit tells whoever keeps account what the request has changed.
func (s *Server) audit(r *http.Request, q Request, caller registry.Caller, action string, answer any) {
	if s.Audit != nil {
		s.Audit(r, caller, registry.Change{Action: action, Repository: q.Repository(), Request: q.parameters(), Answer: answer})
	}
}

// auditRefusal is audit for a request that has failed. What only sends a client to get a token is no refusal: that is how
// every login begins.
func (s *Server) auditRefusal(r *http.Request, q Request, caller registry.Caller, err error) {
	var e *Error
	challenged := errors.As(err, &e) && e.Status == http.StatusUnauthorized
	denied := denial(err) != nil
	wrongLogin := challenged && denied
	mayNot := denied && !caller.Anonymous()
	failed := q.Kind.changes() && !caller.Anonymous() && !challenged
	if s.Audit == nil || !wrongLogin && !mayNot && !failed {
		return
	}
	s.Audit(r, caller, registry.Change{Action: q.Kind.route().action, Repository: q.Repository(), Request: q.parameters(), Err: err})
}

// changes says whether requests of the kind change anything.
func (k Kind) changes() bool { return k.pushes() && k != BlobUploadStatus }
