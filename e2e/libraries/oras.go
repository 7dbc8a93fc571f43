package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/memory"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
)

// useORAS pushes an artifact, attaches another to it, discovers that, copies both into the other repository and deletes
// them.
func useORAS(ctx context.Context, t target) error {
	repository, err := t.orasRepository(t.repository)
	if err != nil {
		return err
	}
	local := memory.New()
	file, err := oras.PushBytes(ctx, local, "text/plain", []byte("a file"))
	if err != nil {
		return err
	}
	artifact, err := oras.PackManifest(ctx, local, oras.PackManifestVersion1_1, "application/vnd.example.artifact", oras.PackManifestOptions{Layers: []v1.Descriptor{file}})
	if err != nil {
		return err
	}
	if err := local.Tag(ctx, artifact, "oras"); err != nil {
		return err
	}
	if _, err := oras.Copy(ctx, local, "oras", repository, "oras", oras.DefaultCopyOptions); err != nil {
		return fmt.Errorf("push: %w", err)
	}
	attached, err := oras.PackManifest(ctx, repository, oras.PackManifestVersion1_1, "application/vnd.example.signature", oras.PackManifestOptions{
		Subject: &artifact, ManifestAnnotations: map[string]string{"by": "us"},
	})
	if err != nil {
		return fmt.Errorf("attach: %w", err)
	}
	if err := discover(ctx, repository, artifact, attached); err != nil {
		return err
	}
	return t.copyAndDelete(ctx, repository, artifact, attached, file)
}

func (t target) orasRepository(name string) (*remote.Repository, error) {
	repository, err := remote.NewRepository(t.host + "/" + name)
	if err != nil {
		return nil, err
	}
	repository.PlainHTTP = true
	repository.Client = &auth.Client{
		Cache:      auth.NewCache(),
		Credential: auth.StaticCredential(t.host, auth.Credential{Username: "AWS", Password: t.password}),
	}
	return repository, nil
}

func discover(ctx context.Context, repository *remote.Repository, subject, want v1.Descriptor) error {
	for artifactType, n := range map[string]int{"": 1, "application/vnd.example.signature": 1, "application/vnd.example.other": 0} {
		found, err := registry.Referrers(ctx, repository, subject, artifactType)
		if err != nil {
			return fmt.Errorf("discover %q: %w", artifactType, err)
		}
		if len(found) != n || n == 1 && (found[0].Digest != want.Digest || found[0].Annotations["by"] != "us") {
			return fmt.Errorf("discover %q: found %+v, want %d", artifactType, found, n)
		}
	}
	return nil
}

func (t target) copyAndDelete(ctx context.Context, repository *remote.Repository, artifact, attached, file v1.Descriptor) error {
	other, err := t.orasRepository(t.other)
	if err != nil {
		return err
	}
	if _, err := oras.ExtendedCopy(ctx, repository, "oras", other, "oras", oras.DefaultExtendedCopyOptions); err != nil {
		return fmt.Errorf("copy: %w", err)
	}
	if err := discover(ctx, other, artifact, attached); err != nil {
		return fmt.Errorf("in the copy: %w", err)
	}
	got, err := content.FetchAll(ctx, other, file)
	if err != nil || !bytes.Equal(got, []byte("a file")) {
		return fmt.Errorf("the copied file is %q, %w", got, err)
	}
	for _, d := range []v1.Descriptor{attached, artifact, file} {
		if err := other.Delete(ctx, d); err != nil {
			return fmt.Errorf("delete %s: %w", d.MediaType, err)
		}
		if _, err := other.Resolve(ctx, d.Digest.String()); !errors.Is(err, errdef.ErrNotFound) {
			return fmt.Errorf("deleted %s is still there: %w", d.MediaType, err)
		}
	}
	return nil
}
