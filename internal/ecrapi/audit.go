package ecrapi

import (
	"encoding/json"
	"reflect"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// changes says whether an operation changes anything. A login changes nothing, but whoever asks who did what wants to see
// it.
func changes(op *ecrpublic.Operation) bool {
	return !registry.ReadsOnly(op.Name) || op.Name == "GetAuthorizationToken"
}

// account tells whoever keeps account of changes about the call, when it is one that matters there: it changes something,
// or it was refused because its sender is not known or may not make it.
func (c *call) account(err error) {
	if c.op == nil || !changes(c.op) && !c.denied(err) {
		return
	}
	if c.in == nil && !c.caller.Anonymous() && c.op.Name == checkOperation { // its own decoder keeps nothing
		if in := c.op.NewInput(); ecrpublic.Unmarshal(c.buffers.body.Bytes(), in) == nil {
			c.in = in
		}
	}
	change := registry.Change{Action: c.op.Name, Err: err, Request: document(c.in), Repository: subject(c.in)}
	if err == nil {
		change.Answer = document(c.out)
	}
	c.server.Audit(c.r, c.caller, change)
}

// denied says whether an error is about who calls. Until that is known, all refusals are.
func (c *call) denied(err error) bool {
	if err == nil || registry.KindOf(err) == registry.AccessDenied {
		return err != nil
	}
	_, _, refused := exceptionOf(c.op, err)
	return refused && c.caller.Anonymous()
}

// subject is what an input names.
func subject(in any) registry.Path {
	if in == nil {
		return registry.Path{}
	}
	if arn := textMember(in, "ResourceArn"); arn != nil {
		resource, err := ref.ParseARN(*arn)
		if err != nil {
			return registry.Path{}
		}
		return registry.Path{Registry: string(resource.Account), Name: resource.Repository}
	}
	return path(textMember(in, "RegistryId"), textMember(in, "RepositoryName"))
}

// textMember is a member of a structure by its Go name, nil when it has none of that name.
func textMember(v any, name string) *string {
	member := reflect.ValueOf(v).Elem().FieldByName(name)
	if !member.IsValid() {
		return nil
	}
	text, _ := member.Interface().(*string)
	return text
}

// document is the JSON of an input or output, nil for none and for one that says nothing.
func document(v any) any {
	if v = withoutContent(v); v == nil {
		return nil
	}
	body, err := ecrpublic.Marshal(v)
	if err != nil || string(body) == "{}" {
		return nil
	}
	return json.RawMessage(body)
}

// withoutContent leaves out what is secret or large: tokens, manifests, layers and logos. A test looks at the members of
// all shapes for others.
func withoutContent(v any) any {
	switch v := v.(type) {
	case *ecrpublic.GetAuthorizationTokenResponse:
		return nil
	case *ecrpublic.PutImageRequest:
		in := *v
		in.ImageManifest = nil
		return &in
	case *ecrpublic.PutImageResponse:
		out := *v
		if v.Image != nil {
			image := *v.Image
			image.ImageManifest = nil
			out.Image = &image
		}
		return &out
	case *ecrpublic.UploadLayerPartRequest:
		in := *v
		in.LayerPartBlob = nil
		return &in
	case *ecrpublic.CreateRepositoryRequest:
		in := *v
		in.CatalogData = withoutLogo(v.CatalogData)
		return &in
	case *ecrpublic.PutRepositoryCatalogDataRequest:
		in := *v
		in.CatalogData = withoutLogo(v.CatalogData)
		return &in
	}
	return v
}

func withoutLogo(c *ecrpublic.RepositoryCatalogDataInput) *ecrpublic.RepositoryCatalogDataInput {
	if c == nil {
		return nil
	}
	without := *c
	without.LogoImageBlob = nil
	return &without
}
