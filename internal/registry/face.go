package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/openecr/openecr/internal/ref"
)

// maxConfig is how much of a config is ever read, in bytes. A larger one is an image's as well, but nothing is shown of it.
const maxConfig = 1 << 20

// readFace finds out what lists show of an image that is to be put. It is done before the transaction, because it reads
// the bytes of the config. What cannot be found out is not shown; whether the image may be put is not decided here.
func (r *Registry) readFace(ctx context.Context, p Path, m manifest, digest ref.Digest, content []byte) Face {
	f := Face{Image: digest}
	if len(m.children) == 0 && len(m.layers) > 0 && isImageConfig(m.artifactMediaType) {
		if config, err := r.readConfig(ctx, p, m.layers[0].Digest); err == nil && !config.Platform.isUnknown() {
			f.Platforms = []Platform{config.Platform}
		}
	} else if list, err := indexPlatforms(content); err == nil {
		for _, item := range list {
			if !item.Platform.isUnknown() {
				f.Platforms = append(f.Platforms, item.Platform)
			}
		}
	}
	types := []string{m.artifactType, m.artifactMediaType}
	for _, l := range m.layers {
		types = append(types, l.MediaType)
	}
	f.Traits = platformTraits(f.Platforms).and(kindTraits(artifactKind(types...)))
	return f
}

// isImageConfig says whether a config is that of an image to be run.
func isImageConfig(mediaType string) bool {
	return mediaType == "application/vnd.oci.image.config.v1+json" || mediaType == "application/vnd.docker.container.image.v1+json"
}

var errConfigTooLarge = errors.New("the config is too large to be read")

// readConfig reads the config of an image from the bytes of the layer that it is.
func (r *Registry) readConfig(ctx context.Context, p Path, d ref.Digest) (ImageConfig, error) {
	layer, err := r.OpenLayer(ctx, p, d)
	if err != nil {
		return ImageConfig{}, err
	}
	defer layer.Close()
	if layer.Size > maxConfig {
		return ImageConfig{}, errConfigTooLarge
	}
	content, err := io.ReadAll(io.LimitReader(layer, maxConfig+1))
	if err != nil {
		return ImageConfig{}, fmt.Errorf("read config %s: %w", d, err)
	}
	return parseConfig(content)
}

// indexPlatforms is what an index lists, and nothing for another manifest.
func indexPlatforms(content []byte) ([]PlatformItem, error) {
	var o object
	if err := json.Unmarshal(content, &o); err != nil {
		return nil, err
	}
	var list []object
	if err := o.read("manifests", &list); err != nil {
		return nil, err
	}
	items := make([]PlatformItem, len(list))
	for i, entry := range list {
		d, err := parseDescriptor("manifests", entry)
		if err != nil {
			return nil, err
		}
		var platform object
		var annotations map[string]string
		// What is wrong with these members was accepted with the manifest, and is not shown.
		_ = errFirst(entry.read("platform", &platform), entry.read("annotations", &annotations))
		items[i] = PlatformItem{Platform: readPlatform(platform), Digest: d.Digest, MediaType: d.MediaType, Kind: KindImage}
		if annotations["vnd.docker.reference.type"] == "attestation-manifest" {
			items[i].Kind = KindAttestation
		}
	}
	return items, nil
}

// readPlatform reads the members that a config and a platform object have in common. Anybody may have written them, so
// what no platform is called is left out.
func readPlatform(o object) Platform {
	return Platform{OS: o.word("os"), OSVersion: o.word("os.version"), Architecture: o.word("architecture"), Variant: o.word("variant")}
}

// word is a member that is a short word, "" when it is anything else.
func (o object) word(name string) string {
	const longest = 64
	var s string
	if err := o.read(name, &s); err != nil || len(s) > longest || strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return ""
	}
	return s
}
