package gallery

import (
	"bytes"
	"cmp"
	"encoding/json"
	"html/template"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// An image says as much as its manifest and config hold, which is megabytes. A page shows what a person reads.
const (
	maxRows     = 70       // of every list
	maxPairs    = 40       // of labels, annotations and variables
	maxText     = 300      // characters of a value
	maxTexts    = 16 << 10 // bytes of all values and commands of a page together
	maxManifest = 6 << 10  // bytes of a manifest that is shown as it is
)

// imageBody is what the page of an image shows.
type imageBody struct {
	registry.ImagePage
	Path        string // of the image
	Repo        string // of its repository
	Name        string // how the visitor named it: a tag or a digest
	Tag         ref.Tag
	Pulls       pulls
	Layers      rows[layerRow]
	Platforms   rows[registry.PlatformItem]
	Attached    rows[attachmentRow]
	Annotations rows[pair]
	Settings    []pair // how it runs
	Labels      rows[pair]
	Env         rows[pair]
	Others      rows[ref.Tag] // its other tags
	Manifest    string        // indented; empty when it is too long to read
}

// rows is the beginning of a list, and how many more there are.
type rows[T any] struct {
	Shown []T
	More  int
}

func firstRows[T any](all []T, most int) rows[T] {
	n := min(len(all), most)
	return rows[T]{all[:n], len(all) - n}
}

// layerRow is a layer in the table of layers.
type layerRow struct {
	registry.ImageLayer
	Number  int
	Portion string // of the largest layer, in hundredths
}

// pair is one entry of a map, or of a list of "NAME=value".
type pair struct{ Name, Value string }

// attachmentRow is something that was said about the image.
type attachmentRow struct {
	registry.Attachment
	Type   string
	Claims []string
	Notes  rows[pair]
}

func (s *Server) image(v *visit) (answer, error) {
	id := registry.ImageID{Tag: string(v.route.Tag)}
	if !v.route.Digest.IsZero() {
		id.Digest = v.route.Digest.String()
	}
	p, err := s.Registry.ImagePage(v.Context(), v.path(), id)
	if err != nil {
		return answer{}, err
	}
	body := s.imageBody(v, p)
	return s.show(v, "image", page{
		Title:       body.Title(),
		Description: p.Repository.Description,
		Canonical:   body.Path,
		Picture:     p.Repository.Logo,
		Feed:        body.Repo + "?feed=atom",
		Unlisted:    v.route.Tag == "", // there are as many as pushes
		Body:        body,
	})
}

func (s *Server) imageBody(v *visit, p registry.ImagePage) imageBody {
	alias, name, digest := p.Repository.Publisher.Alias, p.Repository.Name, p.Image.Digest
	free := room(maxTexts)
	body := imageBody{
		ImagePage:   p,
		Path:        digestPath(alias, name, digest),
		Repo:        repositoryPath(alias, name),
		Name:        digest.String(),
		Tag:         v.route.Tag,
		Pulls:       newPulls(s.PublicURL, p.Kind, p.URI, string(v.route.Tag), digest.String()),
		Layers:      free.layers(p.Layers),
		Platforms:   firstRows(p.Platforms, maxRows),
		Attached:    free.attachments(p.Attached),
		Annotations: free.pairs(p.Annotations, maxPairs),
		Others:      firstRows(slices.DeleteFunc(slices.Clone(p.Tags), func(t ref.Tag) bool { return t == v.route.Tag }), maxPairs),
		Manifest:    indented(p.Image.Manifest),
	}
	if v.route.Tag != "" {
		body.Path, body.Name = tagPath(alias, name, v.route.Tag), string(v.route.Tag)
	}
	if c := p.Config; c != nil {
		body.Settings = free.settings(c)
		body.Labels, body.Env = free.pairs(c.Labels, maxPairs), free.environment(c.Env)
	}
	return body
}

// settings is how the image runs, without what it does not say.
func (r *room) settings(c *registry.ImageConfig) []pair {
	all := []pair{
		{"Entrypoint", r.words(c.Entrypoint)},
		{"Command", r.words(c.Cmd)},
		{"Working folder", r.clip(maxText, c.WorkingDir)},
		{"User", r.clip(maxText, c.User)},
		{"Ports", r.clip(maxText, strings.Join(c.ExposedPorts, ", "))},
		{"Volumes", r.clip(maxText, strings.Join(c.Volumes, ", "))},
		{"Stop signal", r.clip(maxText, c.StopSignal)},
		{"Author", r.clip(maxText, c.Author)},
	}
	return slices.DeleteFunc(all, func(p pair) bool { return p.Value == "" })
}

// Title names the image: "team/app:1.2" or "team/app@sha256:0123456789ab".
func (b imageBody) Title() string {
	if b.Tag != "" {
		return string(b.Repository.Name) + ":" + string(b.Tag)
	}
	return string(b.Repository.Name) + "@" + shortDigest(b.Image.Digest)
}

// Size is what there is to pull: for an index that of its largest image.
func (b imageBody) Size() int64 { return b.Image.Size }

// room is how many bytes of markup the texts of a page may still take.
type room int

// clip cuts a text to so many characters, or to what room there is.
func (r *room) clip(most int, s string) string {
	s = clip(min(most, max(0, int(*r))), s)
	*r -= room(len(template.HTMLEscapeString(s)))
	return s
}

func (r *room) layers(layers []registry.ImageLayer) rows[layerRow] {
	var largest int64
	for _, l := range layers {
		largest = max(largest, l.Size)
	}
	cut := firstRows(layers, maxRows)
	shown := make([]layerRow, len(cut.Shown))
	most := min(1000, int(*r)/(2*len(shown)+1)) // every layer has its command
	for i, l := range cut.Shown {
		l.Command = r.clip(most, l.Command)
		l.Shared = l.Shared[:min(len(l.Shared), 2)]
		shown[i] = layerRow{l, i + 1, fraction(l.Size, largest)}
	}
	return rows[layerRow]{shown, cut.More}
}

func (r *room) attachments(attached []registry.Attachment) rows[attachmentRow] {
	const most, mostClaims = 12, 3
	cut := firstRows(attached, most)
	shown := make([]attachmentRow, len(cut.Shown))
	for i, a := range cut.Shown {
		row := attachmentRow{Attachment: a, Type: r.clip(maxText, cmp.Or(a.ArtifactType, a.MediaType))}
		for _, claim := range firstRows(a.PredicateTypes, mostClaims).Shown {
			row.Claims = append(row.Claims, r.clip(maxText, claim))
		}
		row.Notes = r.pairs(a.Annotations, mostClaims)
		shown[i] = row
	}
	return rows[attachmentRow]{shown, cut.More}
}

// pairs is a map as a list, by name.
func (r *room) pairs(m map[string]string, most int) rows[pair] {
	cut := firstRows(slices.Sorted(maps.Keys(m)), most)
	shown := make([]pair, len(cut.Shown))
	for i, name := range cut.Shown {
		shown[i] = pair{r.clip(maxText, name), r.clip(maxText, m[name])}
	}
	return rows[pair]{shown, cut.More}
}

// environment is a list of "NAME=value", in its order.
func (r *room) environment(env []string) rows[pair] {
	cut := firstRows(env, maxPairs)
	shown := make([]pair, len(cut.Shown))
	for i, variable := range cut.Shown {
		name, value, _ := strings.Cut(variable, "=")
		shown[i] = pair{r.clip(maxText, name), r.clip(maxText, value)}
	}
	return rows[pair]{shown, cut.More}
}

// words is a command line, each word in quotes where it would not be one otherwise.
func (r *room) words(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = w
		if w == "" || strings.ContainsAny(w, " \t\n\"'\\$`;&|<>()*?#~") {
			quoted[i] = strconv.Quote(w)
		}
	}
	return r.clip(2*maxText, strings.Join(quoted, " "))
}

// indented is a manifest for reading; empty when it is too long for that.
func indented(manifest []byte) string {
	var b bytes.Buffer
	if len(manifest) > maxManifest || json.Indent(&b, manifest, "", "  ") != nil {
		return ""
	}
	return b.String()
}
