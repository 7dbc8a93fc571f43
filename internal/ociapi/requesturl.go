package ociapi

import (
	"net/url"
	"strconv"
)

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
	case BlobHead, BlobGet, BlobDelete:
		u.Path = repository + "/blobs/" + q.Digest.String()
	case BlobUploadStart:
		u.Path = repository + "/blobs/uploads/"
		q.setStart(query)
	case BlobUploadFinish:
		u.Path = repository + "/blobs/uploads/" + q.UploadID
		query.Set("digest", q.Digest.String())
	case BlobUploadChunk, BlobUploadStatus, BlobUploadCancel:
		u.Path = repository + "/blobs/uploads/" + q.UploadID
	case ManifestHead, ManifestGet, ManifestPut, ManifestDelete:
		u.Path = repository + "/manifests/" + string(q.Tag) + q.Digest.String()
		for _, tag := range q.Tags {
			query.Add("tag", string(tag))
		}
	case ReferrersList:
		u.Path = repository + "/referrers/" + q.Digest.String()
		if q.Filter {
			query.Set("artifactType", q.ArtifactType)
		}
		if !q.After.IsZero() {
			query.Set("after", q.After.String())
		}
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

// setStart is the inverse of readStart.
func (q Request) setStart(query url.Values) {
	if !q.Digest.IsZero() {
		query.Set("digest", q.Digest.String())
	}
	if q.Algorithm != 0 {
		query.Set("digest-algorithm", q.Algorithm.String())
	}
	if !q.Mount.IsZero() {
		query.Set("mount", q.Mount.String())
		query.Set("from", q.From.Registry+"/"+string(q.From.Name))
	}
}
