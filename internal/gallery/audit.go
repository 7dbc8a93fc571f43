package gallery

import (
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// changed is what a form asks for, in the words of the API.
type changed struct {
	RepositoryName string    `json:"repositoryName,omitempty"`
	DisplayName    *string   `json:"displayName,omitempty"`
	CatalogData    *catalog  `json:"catalogData,omitempty"`
	ImageIDs       []imageID `json:"imageIds,omitempty"`
	Force          bool      `json:"force,omitempty"`
}

type catalog struct {
	Description      *string  `json:"description,omitempty"`
	Architectures    []string `json:"architectures,omitempty"`
	OperatingSystems []string `json:"operatingSystems,omitempty"`
	AboutText        *string  `json:"aboutText,omitempty"`
	UsageText        *string  `json:"usageText,omitempty"`
}

func changedCatalog(c registry.Catalog) *catalog {
	return &catalog{c.Description, c.Architectures, c.OperatingSystems, c.About, c.Usage}
}

type imageID struct {
	ImageDigest string `json:"imageDigest,omitempty"`
	ImageTag    string `json:"imageTag,omitempty"`
}

func imageIDs(ids []registry.ImageID) []imageID {
	list := make([]imageID, len(ids))
	for i, id := range ids {
		list[i] = imageID{id.Digest, id.Tag}
	}
	return list
}

type stayed struct {
	ImageID imageID `json:"imageId"`
	Code    string  `json:"failureCode"`
	Reason  string  `json:"failureReason"`
}

// deletedAnswer says which images stayed.
func deletedAnswer(failures []registry.ImageFailure) any {
	list := make([]stayed, len(failures))
	for i, f := range failures {
		list[i] = stayed{imageID{f.ID.Digest, f.ID.Tag}, f.Code, f.Reason}
	}
	return struct {
		Failures []stayed `json:"failures"`
	}{list}
}

// audit tells whoever keeps account what a form has changed, or that it was refused.
func (s *Server) audit(v *visit, action string, asked changed, answer any, err error) {
	if s.Audit == nil {
		return
	}
	p := v.own()
	if p.Name == "" { // the form makes it
		p.Name = ref.RepositoryName(asked.RepositoryName)
	}
	asked.RepositoryName = string(p.Name)
	change := registry.Change{Action: action, Repository: p, Request: asked, Err: err}
	if err == nil {
		change.Answer = answer
	}
	s.Audit(v.Request, v.session.Caller, change)
}
