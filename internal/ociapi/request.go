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

	// Digest of a blob; of a manifest unless Tag names it; of ReferrersList the subject's; of BlobUploadFinish the expected
	// one, and of BlobUploadStart too when the blob comes in the same request, otherwise zero.
	Digest   ref.Digest
	Tag      ref.Tag
	UploadID string

	// Of BlobUploadStart: Mount is the layer to take from the repository From instead, zero for none; Algorithm is what
	// the digest at the end will be of, 0 when the client does not say.
	Mount     ref.Digest
	From      registry.Path
	Algorithm ref.Algorithm

	Tags []ref.Tag // of ManifestPut by digest: the tags to set

	Limit int     // of TagsList: at most this many, 0 to maxTags
	Last  ref.Tag // of TagsList: only tags after this one

	// Of ReferrersList: with Filter only those of ArtifactType, which may be empty; and only those after this one in order
	// of digest keys, which a Link from here says.
	Filter       bool
	ArtifactType string
	After        ref.Digest
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
		return allScope
	case q.Kind.pushes():
		return repositoryScope(q.Repository(), actionPull, actionPush)
	default:
		return repositoryScope(q.Repository(), actionPull)
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
	case "referrers":
		res, name = resourceReferrers, rest
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
		return q.readStart(u.Query())
	case resourceManifest:
		return q.readReference(leaf, u)
	case resourceTags:
		return q.readPage(u.Query())
	case resourceReferrers:
		return q.readReferrers(leaf, u.Query())
	}
	return nil
}

func (q *Request) readDigest(s string) (err error) {
	q.Digest, err = readDigest(s)
	return err
}

func readDigest(s string) (ref.Digest, error) {
	d, err := ref.ParseDigest(s)
	if err != nil {
		return ref.Digest{}, refusef(http.StatusBadRequest, codeDigestInvalid, "%v", err)
	}
	return d, nil
}

// readStart reads the ways in which a blob may arrive. A mount whose source is not named, or cannot exist, is none: the
// spec then wants an upload begun.
func (q *Request) readStart(query url.Values) (err error) {
	if name := query.Get("digest-algorithm"); name != "" {
		if q.Algorithm, err = ref.ParseAlgorithm(name); err != nil {
			return refusef(http.StatusBadRequest, codeDigestInvalid, "%v", err)
		}
	}
	if mount := query.Get("mount"); mount != "" {
		if q.Mount, err = readDigest(mount); err != nil {
			return err
		}
		var source Request
		if source.readName(query.Get("from")) != nil {
			q.Mount = ref.Digest{}
		} else {
			q.From = source.Repository()
		}
	}
	if digest := query.Get("digest"); digest != "" {
		return q.readDigest(digest)
	}
	return nil
}

func (q *Request) readReferrers(subject string, query url.Values) (err error) {
	q.Filter, q.ArtifactType = query.Has("artifactType"), query.Get("artifactType")
	if after := query.Get("after"); after != "" {
		if q.After, err = readDigest(after); err != nil {
			return err
		}
	}
	return q.readDigest(subject)
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
func (q *Request) readReference(s string, u *url.URL) error {
	if strings.Contains(s, ":") {
		if err := q.readDigest(s); err != nil {
			return err
		}
		return q.readTags(u)
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

// maxTagParameters is how many tags one manifest may get at once; the spec asks for ten.
const maxTagParameters = 100

func (q *Request) readTags(u *url.URL) error {
	if q.Kind != ManifestPut {
		return nil
	}
	tags := u.Query()["tag"]
	if len(tags) > maxTagParameters {
		return refusef(http.StatusRequestURITooLong, codeUnsupported, "%d tags are too many: send at most %d with one manifest.", len(tags), maxTagParameters)
	}
	for _, s := range tags {
		tag, err := ref.ParseTag(s)
		if err != nil {
			return refusef(http.StatusBadRequest, codeManifestInvalid, "%v", err)
		}
		q.Tags = append(q.Tags, tag)
	}
	return nil
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
