package gallery

import (
	"errors"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// manageBody is the owner's page of one repository.
type manageBody struct {
	owned
	registry.Repository
	Path, Public, Logo string
	Tab                string // "details", "tags", "policy" or "delete"
	Previewed          bool
	About, Usage       template.HTML // as visitors would see them
	Tags               *tagsBody     // of the tab tags
	Chosen             []string      // the tags that are to be deleted, once that is confirmed
}

// manage answers the owner's page of a repository and its forms.
func (s *Server) manage(v *visit) (answer, error) {
	caller := v.session.Caller
	repos, err := s.Registry.DescribeRepositories(v.Context(), caller, "", []ref.RepositoryName{v.route.Name})
	if err != nil {
		return answer{}, err
	}
	body := manageBody{
		owned: v.owned("repositories"), Repository: repos[0], Path: v.route.String(),
		Public: repositoryPath(repos[0].Alias, v.route.Name), Logo: s.Registry.LogoURL(repos[0].Catalog), Tab: v.query.Get("tab"),
	}
	if v.Method == http.MethodPost {
		if a, err := s.carryOut(v, &body); err != nil || a.status != 0 {
			return a, err
		}
	}
	switch body.Tab {
	case "tags":
		body.Tags, err = s.tags(v, registry.Path{Registry: string(body.Alias), Name: body.Name}, body.Path)
	case "policy":
		body.Policy, err = s.policyText(v)
	case "delete":
	default:
		if body.Tab = "details"; v.PostForm.Get("do") == "save" || body.Previewed {
			break // what was written stays
		}
		body.Form.values, err = s.catalogValues(v)
	}
	if err != nil {
		return answer{}, err
	}
	return s.showForm(v, "manage", body.owned, page{Title: "Manage " + string(v.route.Name), Body: body})
}

// carryOut does what a form asks for. Without an answer the page is shown again, with what is wrong or to be confirmed.
func (s *Server) carryOut(v *visit, body *manageBody) (answer, error) {
	switch v.PostForm.Get("do") {
	case "save", "preview":
		return s.saveDetails(v, body)
	case "logo":
		return s.putLogo(v, body)
	case "remove-logo":
		return s.changeLogo(v, body, nil, "logo-removed")
	case "choose-tags", "delete-tags":
		return s.deleteTags(v, body)
	case "delete":
		return s.deleteRepository(v, body)
	default:
		return answer{}, errBrokenForm
	}
}

// own names the repository in the caller's registry.
func (v *visit) own() registry.Path { return registry.Path{Name: v.route.Name} }

// catalogValues fills the form with what is there.
func (s *Server) catalogValues(v *visit) (url.Values, error) {
	c, err := s.Registry.RepositoryCatalog(v.Context(), v.session.Caller, v.own())
	values := url.Values{
		"systems":       {strings.Join(c.OperatingSystems, ", ")},
		"architectures": {strings.Join(c.Architectures, ", ")},
	}
	for name, text := range map[string]*string{"description": c.Description, "about": c.About, "usage": c.Usage} {
		if text != nil {
			values.Set(name, *text)
		}
	}
	return values, err
}

// saveDetails keeps what the owner wrote, or shows only what it would look like.
func (s *Server) saveDetails(v *visit, body *manageBody) (answer, error) {
	f := &body.Form
	c := registry.Catalog{
		Description:      f.text("description", MaxDescription),
		OperatingSystems: f.words("systems"),
		Architectures:    f.words("architectures"),
		About:            f.text("about", MaxText),
		Usage:            f.text("usage", MaxText),
		KeepLogo:         true,
	}
	body.Tab = "details"
	if v.PostForm.Get("do") == "preview" {
		body.Previewed = true
		var err, usageErr error
		body.About, err = s.markdown.render(clipBytes(f.Value("about"), maxPreview))
		body.Usage, usageErr = s.markdown.render(clipBytes(f.Value("usage"), maxPreview))
		return answer{}, errors.Join(err, usageErr)
	}
	if !f.ok() {
		return answer{}, nil
	}
	if err := s.putCatalog(v, c); err != nil {
		return answer{}, f.refuse("", err)
	}
	return redirectDone(body.Path, "", "saved"), nil
}

// maxPreview is what any text that can be saved is shorter than, in bytes.
const maxPreview = 4 * MaxText

func (s *Server) putLogo(v *visit, body *manageBody) (answer, error) {
	file, _, err := v.FormFile("logo")
	if err != nil {
		body.Form.wrong["logo"] = "Choose a file first."
		return answer{}, nil
	}
	defer file.Close()
	image, err := io.ReadAll(file)
	if err != nil {
		return answer{}, err
	}
	if len(image) == 0 {
		body.Form.wrong["logo"] = "The file is empty."
		return answer{}, nil
	}
	return s.changeLogo(v, body, image, "logo")
}

// changeLogo leaves everything else as it is.
func (s *Server) changeLogo(v *visit, body *manageBody, image []byte, done string) (answer, error) {
	c, err := s.Registry.RepositoryCatalog(v.Context(), v.session.Caller, v.own())
	if err != nil {
		return answer{}, err
	}
	c.LogoFile = image
	if err := s.putCatalog(v, c); err != nil {
		return answer{}, body.Form.refuse("logo", err)
	}
	return redirectDone(body.Path, "", done), nil
}

func (s *Server) putCatalog(v *visit, c registry.Catalog) error {
	_, err := s.Registry.PutCatalog(v.Context(), v.session.Caller, v.own(), c)
	s.audit(v, "PutRepositoryCatalogData", changed{CatalogData: changedCatalog(c)}, nil, err)
	return err
}

// deleteTags asks first, and deletes what was confirmed, as BatchDeleteImage does: an image goes with its last tag.
func (s *Server) deleteTags(v *visit, body *manageBody) (answer, error) {
	body.Tab = "tags"
	tags := v.PostForm["tags"]
	if len(tags) == 0 || len(tags) > tagsPageSize {
		body.Form.Alert = "Choose the tags that are to be deleted first."
		return answer{}, nil
	}
	var ids []registry.ImageID
	for _, tag := range tags {
		if _, err := ref.ParseTag(tag); err != nil {
			return answer{}, errBrokenForm
		}
		ids = append(ids, registry.ImageID{Tag: tag})
	}
	if v.PostForm.Get("do") == "choose-tags" {
		body.Chosen = tags
		return answer{}, nil
	}
	_, failures, err := s.Registry.DeleteImages(v.Context(), v.session.Caller, v.own(), ids)
	s.audit(v, "BatchDeleteImage", changed{ImageIDs: imageIDs(ids)}, deletedAnswer(failures), err)
	if err != nil {
		return answer{}, body.Form.refuse("", err)
	}
	// A tag that is gone already is what was wanted.
	failures = slices.DeleteFunc(failures, func(f registry.ImageFailure) bool { return f.Code == registry.FailureNotFound })
	if len(failures) == 0 {
		return redirectDone(body.Path, "tags", "tags"), nil
	}
	var reasons []string
	for _, f := range failures {
		reasons = append(reasons, f.ID.Tag+": "+f.Reason)
	}
	body.Form.Alert = "Not deleted: " + strings.Join(reasons, "; ")
	return answer{}, nil
}

func (s *Server) policyText(v *visit) (string, error) {
	repo, err := s.Registry.RepositoryPolicy(v.Context(), v.session.Caller, v.own())
	if registry.KindOf(err) == registry.PolicyNotFound {
		return "", nil
	}
	return repo.Policy, err
}

func (s *Server) deleteRepository(v *visit, body *manageBody) (answer, error) {
	body.Tab = "delete"
	f := &body.Form
	if f.Value("confirm") != string(v.route.Name) {
		f.wrong["confirm"] = "This is not the name of the repository."
		return answer{}, nil
	}
	force := f.Value("images") == "too"
	_, err := s.Registry.DeleteRepository(v.Context(), v.session.Caller, v.own(), force)
	s.audit(v, "DeleteRepository", changed{Force: force}, nil, err)
	if err != nil {
		return answer{}, f.refuse("images", err)
	}
	return redirectDone(ownPath, "", "deleted"), nil
}
