package gallery

import (
	"strings"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// compareBody is what changes from one image to another.
type compareBody struct {
	registry.Comparison
	Repo     string // the path of their repository
	FromName string // as the visitor named them: a tag or a digest
	ToName   string
	FromPath string
	ToPath   string
	Added    rows[registry.ImageLayer]
	Removed  rows[registry.ImageLayer]
	Shared   rows[registry.ImageLayer]
}

// compare answers /ALIAS/NAME?from=A&to=B, each a tag or a digest.
func (s *Server) compare(v *visit) (answer, error) {
	from, fromOK := parseReference(v.query.Get("from"))
	to, toOK := parseReference(v.query.Get("to"))
	if !fromOK || !toOK {
		return answer{}, &registry.Error{Kind: registry.InvalidParameter, Message: "Two images are compared by their tags or digests: one of these is neither."}
	}
	c, err := s.Registry.CompareImages(v.Context(), v.path(), from, to)
	if err != nil {
		return answer{}, err
	}
	alias, name := c.To.Repository.Publisher.Alias, c.To.Repository.Name
	free := room(maxTexts)
	body := compareBody{
		Comparison: c,
		Repo:       repositoryPath(alias, name),
		FromName:   from.Tag + from.Digest,
		ToName:     to.Tag + to.Digest,
		Added:      free.changed(c.Added),
		Removed:    free.changed(c.Removed),
		Shared:     free.changed(c.Shared),
	}
	body.FromPath = referencePath(alias, name, from, c.From.Image.Digest)
	body.ToPath = referencePath(alias, name, to, c.To.Image.Digest)
	return s.show(v, "compare", page{
		Title:    string(name) + ": " + body.FromName + " and " + body.ToName,
		Unlisted: true,
		Body:     body,
	})
}

// parseReference reads a tag or a digest.
func parseReference(text string) (registry.ImageID, bool) {
	text = strings.TrimSpace(text)
	if _, err := ref.ParseDigest(text); err == nil {
		return registry.ImageID{Digest: text}, true
	}
	_, err := ref.ParseTag(text)
	return registry.ImageID{Tag: text}, err == nil
}

func referencePath(alias ref.Alias, name ref.RepositoryName, id registry.ImageID, d ref.Digest) string {
	if id.Tag != "" {
		return tagPath(alias, name, ref.Tag(id.Tag))
	}
	return digestPath(alias, name, d)
}

func (r *room) changed(layers []registry.ImageLayer) rows[registry.ImageLayer] {
	cut := firstRows(layers, maxRows)
	shown := make([]registry.ImageLayer, len(cut.Shown))
	for i, l := range cut.Shown {
		l.Command = r.clip(maxText, l.Command)
		shown[i] = l
	}
	return rows[registry.ImageLayer]{Shown: shown, More: cut.More}
}
