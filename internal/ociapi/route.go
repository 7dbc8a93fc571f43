package ociapi

import (
	"net/http"
	"slices"
	"strings"
)

// Kind is what a request asks for. Its text names the operation in logs.
type Kind string

// The kinds. The spec's name of each endpoint stands beside it (OCI distribution spec 1.1, "Endpoints"; its next version
// adds end-4c and end-7b).
const (
	Ping             Kind = "ping"             // end-1
	BlobHead         Kind = "blobHead"         // end-2
	BlobGet          Kind = "blobGet"          // end-2
	ManifestHead     Kind = "manifestHead"     // end-3
	ManifestGet      Kind = "manifestGet"      // end-3
	BlobUploadStart  Kind = "blobUploadStart"  // end-4a, end-4b, end-4c, end-11
	BlobUploadChunk  Kind = "blobUploadChunk"  // end-5
	BlobUploadFinish Kind = "blobUploadFinish" // end-6
	ManifestPut      Kind = "manifestPut"      // end-7a, end-7b
	TagsList         Kind = "tagsList"         // end-8a, end-8b
	ManifestDelete   Kind = "manifestDelete"   // end-9
	BlobDelete       Kind = "blobDelete"       // end-10
	ReferrersList    Kind = "referrersList"    // end-12a, end-12b
	BlobUploadStatus Kind = "blobUploadStatus" // end-13
	BlobUploadCancel Kind = "blobUploadCancel" // end-14
	TokenGet         Kind = "tokenGet"         // docker's token authentication
	TokenPost        Kind = "tokenPost"        // the same, as OAuth 2
)

// resource is what a path names.
type resource uint8

const (
	resourceNone resource = iota
	resourcePing
	resourceToken
	resourceBlob
	resourceUploads
	resourceUpload
	resourceManifest
	resourceTags
	resourceReferrers
)

type route struct {
	kind     Kind
	method   string
	resource resource
	push     bool   // part of a push: needs an account
	action   string // what AWS CloudTrail calls it; a name of ours where the API has no such operation
}

// routes says which method on which resource is which kind.
var routes = [...]route{
	{Ping, http.MethodGet, resourcePing, false, "Ping"},
	{Ping, http.MethodHead, resourcePing, false, "Ping"},
	{TokenGet, http.MethodGet, resourceToken, false, "GetToken"},
	{TokenPost, http.MethodPost, resourceToken, false, "GetToken"},
	{BlobGet, http.MethodGet, resourceBlob, false, "GetDownloadUrlForLayer"},
	{BlobHead, http.MethodHead, resourceBlob, false, "BatchCheckLayerAvailability"},
	{BlobDelete, http.MethodDelete, resourceBlob, true, "DeleteLayer"},
	{BlobUploadStart, http.MethodPost, resourceUploads, true, "InitiateLayerUpload"},
	{BlobUploadStatus, http.MethodGet, resourceUpload, true, "DescribeLayerUpload"},
	{BlobUploadChunk, http.MethodPatch, resourceUpload, true, "UploadLayerPart"},
	{BlobUploadFinish, http.MethodPut, resourceUpload, true, "CompleteLayerUpload"},
	{BlobUploadCancel, http.MethodDelete, resourceUpload, true, "CancelLayerUpload"},
	{ManifestGet, http.MethodGet, resourceManifest, false, "BatchGetImage"},
	{ManifestHead, http.MethodHead, resourceManifest, false, "BatchGetImage"},
	{ManifestPut, http.MethodPut, resourceManifest, true, "PutImage"},
	{ManifestDelete, http.MethodDelete, resourceManifest, true, "BatchDeleteImage"},
	{TagsList, http.MethodGet, resourceTags, false, "DescribeImageTags"},
	{TagsList, http.MethodHead, resourceTags, false, "DescribeImageTags"},
	{ReferrersList, http.MethodGet, resourceReferrers, false, "ListImageReferrers"},
	{ReferrersList, http.MethodHead, resourceReferrers, false, "ListImageReferrers"},
}

// Kinds are the names of all kinds.
func Kinds() []string {
	var names []string
	for _, r := range routes {
		if name := string(r.kind); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// IsKind says whether a kind has that name.
func IsKind(name string) bool {
	return slices.ContainsFunc(routes[:], func(r route) bool { return string(r.kind) == name })
}

// pushes says whether the kind is part of a push.
func (k Kind) pushes() bool { return k.route().push }

// route is the first of the kind, the zero one for no kind.
func (k Kind) route() route {
	for _, route := range routes {
		if route.kind == k {
			return route
		}
	}
	return route{}
}

// kindOf is the kind of a method on a resource, and where there is none the methods that there are.
func kindOf(res resource, method string) (kind Kind, allowed string) {
	var methods []string
	for _, route := range routes {
		if route.resource == res && route.method == method {
			return route.kind, ""
		}
		if route.resource == res {
			methods = append(methods, route.method)
		}
	}
	return "", strings.Join(methods, ", ")
}
