package app

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/openecr/openecr/internal/admission"
	"github.com/openecr/openecr/internal/registry"
)

// work is a kind of work. Each has places of its own, so that many slow downloads, say, hold up no check.
type work uint8

const (
	checking    work = iota // whether layers and images are there
	reading                 // metadata and manifests
	writing                 // metadata and manifests
	uploading               // bytes of layers
	downloading             // bytes of layers
	browsing                // the gallery
	signingIn               // tokens
	receiving               // bodies that are in memory as a whole; its places are bytes
	numWorks
)

var workNames = [numWorks]string{"check", "read", "write", "upload", "download", "page", "token", "body"}

func (w work) String() string { return workNames[w] }

// workNamed knows those that --concurrency may name.
func workNamed(name string) (work, bool) {
	i := slices.Index(workNames[:], name)
	return work(i), i >= 0 && work(i) != receiving
}

// task is what an operation means to the server.
type task struct {
	work work
	adds addition
}

// addition is what an operation brings to the disks.
type addition uint8

const (
	nothing  addition = iota
	metadata          // a little
	layers            // bytes, or the beginning of them
)

// tasks are the operations of both wires.
var tasks = map[string]task{
	"BatchCheckLayerAvailability": {checking, nothing},
	"BatchDeleteImage":            {writing, nothing},
	"CompleteLayerUpload":         {writing, nothing},
	"CreateRepository":            {writing, metadata},
	"DeleteRepository":            {writing, nothing},
	"DeleteRepositoryPolicy":      {writing, nothing},
	"DescribeImages":              {reading, nothing},
	"DescribeImageTags":           {reading, nothing},
	"DescribeRegistries":          {reading, nothing},
	"DescribeRepositories":        {reading, nothing},
	"GetAuthorizationToken":       {signingIn, nothing},
	"GetRegistryCatalogData":      {reading, nothing},
	"GetRepositoryCatalogData":    {reading, nothing},
	"GetRepositoryPolicy":         {reading, nothing},
	"InitiateLayerUpload":         {writing, layers},
	"ListTagsForResource":         {reading, nothing},
	"PutImage":                    {writing, metadata},
	"PutRegistryCatalogData":      {writing, metadata},
	"PutRepositoryCatalogData":    {writing, metadata},
	"SetRepositoryPolicy":         {writing, metadata},
	"TagResource":                 {writing, metadata},
	"UntagResource":               {writing, nothing},
	"UploadLayerPart":             {uploading, layers},

	"ping":             {checking, nothing},
	"blobHead":         {checking, nothing},
	"blobGet":          {downloading, nothing},
	"manifestHead":     {checking, nothing},
	"manifestGet":      {reading, nothing},
	"blobUploadStart":  {uploading, layers}, // the blob may come along
	"blobUploadChunk":  {uploading, layers},
	"blobUploadFinish": {uploading, layers}, // the last chunk may come along
	"blobUploadStatus": {reading, nothing},
	"blobUploadCancel": {writing, nothing},
	"manifestPut":      {writing, metadata},
	"manifestDelete":   {writing, nothing},
	"blobDelete":       {writing, nothing},
	"tagsList":         {reading, nothing},
	"referrersList":    {reading, nothing},
	"tokenGet":         {signingIn, nothing},
	"tokenPost":        {signingIn, nothing},
}

// admissionWait is how long a request may wait for a place. Clients wait longer for an answer: the AWS SDKs a minute.
const admissionWait = 10 * time.Second

// gates let requests in as long as there are places for their work. A place is held until the request has ended, and
// stands in its record until then.
type gates struct {
	of    [numWorks]*admission.Gate
	disks *disks
}

// admit lets a request of a known caller do what it asks for.
func (g *gates) admit(r *http.Request, caller registry.Caller, operation string) error {
	t := tasks[operation]
	if operation == "blobUploadFinish" && r.ContentLength == 0 {
		t.adds = nothing // the bytes are here already
	}
	if err := g.disks.admit(t.adds); err != nil {
		return err
	}
	if operation == "manifestPut" {
		if err := g.receive(r, operation, announced(r, registry.MaxManifest)); err != nil {
			return err
		}
	}
	return g.enter(r, caller, t.work, 1)
}

// announced is the length of a body, or the most that it may have where its length is not said.
func announced(r *http.Request, most int64) int64 {
	if r.ContentLength < 0 {
		return most
	}
	return min(r.ContentLength, most)
}

// receive lets the body of a request come into memory. Nobody is proven to send it yet, so turns go by address.
func (g *gates) receive(r *http.Request, operation string, bytes int64) error {
	if operation == "UploadLayerPart" { // it would come to a disk before it is admitted
		if err := g.disks.admit(layers); err != nil {
			return err
		}
	}
	return g.enter(r, registry.Caller{}, receiving, bytes)
}

// enter waits for a place. The error is that there is none.
func (g *gates) enter(r *http.Request, caller registry.Caller, w work, weight int64) error {
	rec, ok := r.Context().Value(recordKey{}).(*record)
	if !ok {
		return nil // outside of the middleware nobody would give the place back
	}
	place, ok := g.of[w].TryEnter(weight)
	if !ok {
		var err error
		if place, err = g.of[w].Enter(r.Context(), turnOf(caller, rec), weight); err != nil {
			return &registry.Error{Kind: registry.Overloaded, Message: "The server has too much to do: try again in a moment."}
		}
	}
	if w == receiving {
		rec.memory = place
	} else {
		rec.place = place
	}
	return nil
}

// turnOf is who takes turns with others: an account, or the network of who has not signed in.
func turnOf(caller registry.Caller, rec *record) string {
	if caller.Anonymous() {
		return network(rec.from.remote)
	}
	return string(caller.Account)
}

// around admits what has no operation: pages, and calls of other services.
func (g *gates) around(w work, next http.Handler) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if err := g.enter(r, registry.Caller{}, w, 1); err != nil {
			observe(r, "", registry.Caller{}, err)
			out.Header().Set("Retry-After", strconv.Itoa(registry.KindOf(err).RetryAfter()))
			http.Error(out, err.Error(), http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(out, r)
	})
}
