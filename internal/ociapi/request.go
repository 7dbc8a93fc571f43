package ociapi

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// Request is what a method and a URL say, without headers and body.
type Request struct {
	Kind  Kind
	Alias ref.Alias // of all but Ping and the tokens, like Name
	Name  ref.RepositoryName

	// Digest of a blob; of a manifest unless Tag names it; of BlobUploadFinish the expected one, and of BlobUploadStart
	// too when the blob comes in the same request, otherwise zero.
	Digest   ref.Digest
	Tag      ref.Tag
	UploadID string

	Limit int     // of TagsList: at most this many, 0 to maxTags
	Last  ref.Tag // of TagsList: only tags after this one
}

// maxTags is how many tags one answer lists. Clients follow the Link to the rest.
const maxTags = 1000

// Repository is the repository that the request names.
func (q Request) Repository() registry.Path {
	return registry.Path{Registry: string(q.Alias), Name: q.Name}
}

// scope is the access that a token for this request would have to give, in the words of docker's token scopes. Beyond
// repositories it is what the real service asks for everywhere.
func (q Request) scope() string {
	switch {
	case q.Name == "":
		return "aws"
	case q.Kind.pushes():
		return "repository:" + string(q.Alias) + "/" + string(q.Name) + ":pull,push"
	default:
		return "repository:" + string(q.Alias) + "/" + string(q.Name) + ":pull"
	}
}

// Parse reads a request. It touches nothing and accepts query parameters that it does not know. The error is one that a
// client may read; even then the Kind is set, as long as the path and the method tell it.
func Parse(method string, u *url.URL) (Request, error) {
	res, name, leaf := splitPath(u.Path)
	if res == resourceNone {
		return Request{}, refusef(http.StatusNotFound, codeUnsupported, "There is nothing at %q: check the path against the OCI distribution spec.", clip(u.Path))
	}
	kind, allowed := kindOf(res, method)
	if kind == "" {
		e := refusef(http.StatusMethodNotAllowed, codeUnsupported, "Method %q is not supported here: use %s.", clip(method), allowed)
		e.Header = http.Header{"Allow": {allowed}}
		return Request{}, e
	}
	q := Request{Kind: kind}
	if res == resourcePing || res == resourceToken {
		return q, nil
	}
	if err := q.readName(name); err != nil {
		return q, err
	}
	return q, q.readRest(res, leaf, u)
}

// splitPath tells the resources apart by the end of the path, because a repository name has any number of elements and
// may itself have elements such as "blobs".
func splitPath(path string) (res resource, name, leaf string) {
	switch path {
	case "/v2", "/v2/":
		return resourcePing, "", ""
	case "/token", "/token/":
		return resourceToken, "", ""
	}
	rest, ok := strings.CutPrefix(path, "/v2/")
	if !ok {
		return resourceNone, "", ""
	}
	rest, leaf, ok = cutLast(rest)
	if !ok {
		return resourceNone, "", ""
	}
	rest, noun, _ := cutLast(rest)
	switch noun {
	case "manifests":
		res, name = resourceManifest, rest
	case "tags":
		if leaf == "list" {
			res, name = resourceTags, rest
		}
	case "blobs":
		res, name = resourceBlob, rest
		if leaf == "uploads" {
			res = resourceUploads
		}
	case "uploads":
		var parent string
		if name, parent, _ = cutLast(rest); parent == "blobs" {
			res = resourceUpload
			if leaf == "" {
				res = resourceUploads
			}
		}
	}
	if name == "" {
		res = resourceNone
	}
	return res, name, leaf
}

// cutLast cuts off what follows the last slash.
func cutLast(path string) (rest, last string, ok bool) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path, false
	}
	return path[:i], path[i+1:], true
}

// readName takes the first element as the alias. A client that names none is the most frequent mistake of newcomers, so
// it has an error of its own, which the server completes with the alias that was meant.
func (q *Request) readName(path string) error {
	alias, name, ok := strings.Cut(path, "/")
	if !ok {
		name, err := ref.ParseRepositoryName(path)
		if err != nil {
			return refusef(http.StatusBadRequest, codeNameInvalid, "%v", err)
		}
		return &missingAliasError{name}
	}
	var err error
	if q.Alias, err = ref.ParseAlias(alias); err != nil {
		return refusef(http.StatusBadRequest, codeNameInvalid, "%v", err)
	}
	if q.Name, err = ref.ParseRepositoryName(name); err != nil {
		q.Alias = ""
		return refusef(http.StatusBadRequest, codeNameInvalid, "%v", err)
	}
	return nil
}

func (q *Request) readRest(res resource, leaf string, u *url.URL) error {
	switch res {
	case resourceBlob:
		return q.readDigest(leaf)
	case resourceUpload:
		return q.readUpload(leaf, u.Query())
	case resourceUploads:
		if digest := u.Query().Get("digest"); digest != "" {
			return q.readDigest(digest)
		}
	case resourceManifest:
		return q.readReference(leaf)
	case resourceTags:
		return q.readPage(u.Query())
	}
	return nil
}

func (q *Request) readDigest(s string) error {
	var err error
	if q.Digest, err = ref.ParseDigest(s); err != nil {
		return refusef(http.StatusBadRequest, codeDigestInvalid, "%v", err)
	}
	return nil
}

// uploadID is the form of the ids that package registry makes.
var uploadID = regexp.MustCompile(`^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func (q *Request) readUpload(id string, query url.Values) error {
	if !uploadID.MatchString(id) {
		return refusef(http.StatusNotFound, codeBlobUploadUnknown, "There is no upload with id %q: begin one by POST to /v2/%s/%s/blobs/uploads/.", clip(id), q.Alias, q.Name)
	}
	q.UploadID = id
	if q.Kind != BlobUploadFinish {
		return nil
	}
	if query.Get("digest") == "" {
		return refusef(http.StatusBadRequest, codeDigestInvalid, "The query parameter \"digest\" is missing: name the digest of the whole blob to end its upload.")
	}
	return q.readDigest(query.Get("digest"))
}

// readReference takes what has a colon for a digest: no tag has one. A tag that cannot exist is unknown to readers, and
// wrong only for those who want to make it.
func (q *Request) readReference(s string) error {
	if strings.Contains(s, ":") {
		return q.readDigest(s)
	}
	tag, err := ref.ParseTag(s)
	switch {
	case err == nil:
		q.Tag = tag
		return nil
	case q.Kind == ManifestPut:
		return refusef(http.StatusBadRequest, codeManifestInvalid, "%v", err)
	default:
		return refusef(http.StatusNotFound, codeManifestUnknown, "%v", err)
	}
}

// readPage caps a large n, as the spec allows where a Link leads on.
func (q *Request) readPage(query url.Values) error {
	q.Limit = maxTags
	if query.Has("n") {
		n, err := strconv.Atoi(query.Get("n"))
		if err != nil || n < 0 {
			return refusef(http.StatusBadRequest, codeUnsupported, "The query parameter \"n\" is %q: it must be a number of tags, 0 or more.", clip(query.Get("n")))
		}
		q.Limit = min(n, maxTags)
	}
	last := query.Get("last")
	if last == "" {
		return nil
	}
	var err error
	if q.Last, err = ref.ParseTag(last); err != nil {
		return refusef(http.StatusBadRequest, codeUnsupported, "The query parameter \"last\" must be a tag: %v", err)
	}
	return nil
}

// URL is the inverse of Parse: a relative URL that leads to the same request again.
func (q Request) URL() *url.URL {
	repository := "/v2/" + string(q.Alias) + "/" + string(q.Name)
	query := url.Values{}
	u := &url.URL{}
	switch q.Kind {
	case Ping:
		u.Path = "/v2/"
	case TokenGet, TokenPost:
		u.Path = "/token"
	case BlobHead, BlobGet:
		u.Path = repository + "/blobs/" + q.Digest.String()
	case BlobUploadStart:
		u.Path = repository + "/blobs/uploads/"
		if !q.Digest.IsZero() {
			query.Set("digest", q.Digest.String())
		}
	case BlobUploadFinish:
		u.Path = repository + "/blobs/uploads/" + q.UploadID
		query.Set("digest", q.Digest.String())
	case BlobUploadChunk, BlobUploadStatus, BlobUploadCancel:
		u.Path = repository + "/blobs/uploads/" + q.UploadID
	case ManifestHead, ManifestGet, ManifestPut:
		u.Path = repository + "/manifests/" + string(q.Tag) + q.Digest.String()
	case TagsList:
		u.Path = repository + "/tags/list"
		query.Set("n", strconv.Itoa(q.Limit))
		if q.Last != "" {
			query.Set("last", string(q.Last))
		}
	}
	u.RawQuery = query.Encode()
	return u
}
