package gallery

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/openecr/openecr/internal/registry"
)

// maxForm is more than the largest form needs, in bytes: a logo, or two long texts with every character escaped.
const maxForm = 1 << 20

var (
	errForeignForm = errors.New("the form was not written by a page of this server and session")
	errBrokenForm  = errors.New("the form is broken or too large")
)

// readForm reads what was sent, once it is known that a page of this server sent it and, where somebody is signed in, one
// of this very session.
func (s *Server) readForm(v *visit) error {
	if err := s.origins.Check(v.Request); err != nil {
		return fmt.Errorf("%w: %w", errForeignForm, err)
	}
	v.Body = http.MaxBytesReader(nil, v.Body, maxForm)
	err := v.ParseForm()
	if mediaType, _, _ := mime.ParseMediaType(v.Header.Get("Content-Type")); mediaType == "multipart/form-data" {
		err = v.ParseMultipartForm(maxForm) // all of it in memory
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errBrokenForm, err)
	}
	if v.route.Place == atSignIn {
		return nil
	}
	key := v.session.FormKey
	if key != "" && subtle.ConstantTimeCompare([]byte(v.PostForm.Get("key")), []byte(key)) != 1 {
		return errForeignForm
	}
	return nil
}

// form is what somebody has written, and what is wrong about it, by the names of its fields.
type form struct {
	values url.Values
	wrong  map[string]string
	status int    // of the page that says so, when it is about no field
	Alert  string // what is wrong about no field in particular
}

func newForm(values url.Values) form { return form{values: values, wrong: make(map[string]string)} }

// Value of a field as it was written, with the line ends of this side of the wire.
func (f form) Value(name string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(f.values.Get(name), "\r\n", "\n"), "")
}

// Wrong says what is wrong about a field, empty when nothing is.
func (f form) Wrong(name string) string { return f.wrong[name] }

func (f form) ok() bool { return len(f.wrong) == 0 && f.Alert == "" }

// text is the value of a field that has at most so many characters, nil for none at all.
func (f form) text(name string, most int) *string {
	value := f.Value(name)
	if strings.TrimSpace(value) == "" {
		return nil
	}
	if n := utf8.RuneCountInString(value); n > most {
		f.wrong[name] = fmt.Sprintf("This has %s characters, and %s are the most.", formatCount(int64(n)), formatCount(int64(most)))
	}
	return &value
}

// words are the values that stand between commas.
func (f form) words(name string) []string {
	var words []string
	for word := range strings.SplitSeq(f.Value(name), ",") {
		word = strings.TrimSpace(word)
		if utf8.RuneCountInString(word) > MaxPlatformWord {
			f.wrong[name] = fmt.Sprintf("“%s” is too long: %d characters are the most.", clip(20, word), MaxPlatformWord)
		}
		if word != "" {
			words = append(words, word)
		}
	}
	if len(words) > MaxPlatformWords {
		f.wrong[name] = fmt.Sprintf("These are %d words, and %d are the most.", len(words), MaxPlatformWords)
	}
	return words
}

// refuse puts a refusal of the core beside the field that it is about, or above the form when that is empty. Another
// error comes back.
func (f *form) refuse(field string, err error) error {
	var refused *registry.Error
	if !errors.As(err, &refused) {
		return err
	}
	if field == "" || refused.Kind == registry.AccessDenied || refused.Kind == registry.ReadOnly {
		f.Alert, f.status = refused.Message, explain(err).Status
	} else {
		f.wrong[field] = refused.Message
	}
	return nil
}

// doneTexts are what a page says after a form was carried out. The address holds only their names, so nobody can have it
// say anything else.
var doneTexts = map[string]string{
	"created":      "The repository was created. Say here what it is.",
	"saved":        "Saved.",
	"logo":         "The logo was replaced.",
	"logo-removed": "The logo was removed.",
	"tags":         "The tags were deleted.",
	"deleted":      "The repository was deleted.",
}

func (v *visit) done() string { return doneTexts[v.query.Get("done")] }

// redirectDone ends a form: the browser reads another page, so that loading it again repeats nothing.
func redirectDone(path, tab, done string) answer {
	return redirect(http.StatusSeeOther, withQuery(path, url.Values{"done": {done}}, "tab", tab))
}
