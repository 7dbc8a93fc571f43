package push

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/openecr/openecr/internal/ref"
)

// Media types of docker image manifest version 2, schema 2. Layers of docker save are usually not compressed.
const (
	mediaTypeDockerConfig = "application/vnd.docker.container.image.v1+json"
	mediaTypeDockerLayer  = "application/vnd.docker.image.rootfs.diff.tar"
)

// archived is an image in the manifest.json of docker save.
type archived struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// readArchive reads an image of docker save. Such an archive has no manifest, so one is made here: always the same for
// the same files. Every layer is read once for its digest.
func readArchive(ctx context.Context, s source, list []byte, name string) (*Image, error) {
	var images []archived
	if err := json.Unmarshal(list, &images); err != nil {
		return nil, fmt.Errorf("manifest.json is malformed: %w", err)
	}
	i, err := choose(len(images), name,
		func(i int) []string { return images[i].RepoTags },
		func(i, j int) bool { return images[i].Config == images[j].Config })
	if err != nil {
		return nil, err
	}
	diffIDs, err := readDiffIDs(s, images[i])
	if err != nil {
		return nil, err
	}
	b := builder{source: s, image: &Image{source: s}, seen: make(map[ref.Digest]bool)}
	b.manifest.SchemaVersion, b.manifest.MediaType = 2, mediaTypeDockerManifest
	if b.manifest.Config, err = b.add(ctx, images[i].Config, mediaTypeDockerConfig); err != nil {
		return nil, err
	}
	b.manifest.Layers = make([]dockerDescriptor, len(diffIDs))
	for n, layer := range images[i].Layers {
		if b.manifest.Layers[n], err = b.addLayer(ctx, layer, diffIDs[n]); err != nil {
			return nil, err
		}
	}
	return b.finish()
}

// readDiffIDs reads from the configuration what the layers are when they are not compressed.
func readDiffIDs(s source, image archived) ([]string, error) {
	content, err := readDocument(s, image.Config)
	if err != nil {
		return nil, archiveError(err)
	}
	var config struct {
		RootFS struct {
			DiffIDs []string `json:"diff_ids"`
		} `json:"rootfs"`
	}
	if err := json.Unmarshal(content, &config); err != nil {
		return nil, fmt.Errorf("configuration %s is malformed: %w", image.Config, err)
	}
	if len(config.RootFS.DiffIDs) != len(image.Layers) {
		return nil, fmt.Errorf("the archive has %d layers, its configuration %d: it is damaged", len(image.Layers), len(config.RootFS.DiffIDs))
	}
	return config.RootFS.DiffIDs, nil
}

func archiveError(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the archive is damaged: %w", err)
	}
	return err
}

type dockerDescriptor struct {
	MediaType string `json:"mediaType"`
	Size      int64  `json:"size"`
	Digest    string `json:"digest"`
}

// builder makes the manifest of an image whose files have none.
type builder struct {
	source   source
	image    *Image
	seen     map[ref.Digest]bool
	manifest struct {
		SchemaVersion int                `json:"schemaVersion"`
		MediaType     string             `json:"mediaType"`
		Config        dockerDescriptor   `json:"config"`
		Layers        []dockerDescriptor `json:"layers"`
	}
}

func (b *builder) add(ctx context.Context, name, mediaType string) (dockerDescriptor, error) {
	blob, err := digestBlob(ctx, name, func() (*file, error) { return b.source.open(name) })
	if err != nil {
		return dockerDescriptor{}, archiveError(err)
	}
	if !b.seen[blob.Digest] {
		b.seen[blob.Digest] = true
		b.image.blobs = append(b.image.blobs, blob)
	}
	return dockerDescriptor{mediaType, blob.Size, blob.Digest.String()}, nil
}

// addLayer compares a layer with its diff ID where that is possible without decompressing it.
func (b *builder) addLayer(ctx context.Context, name, diffID string) (dockerDescriptor, error) {
	compression, err := b.compression(name)
	if err != nil {
		return dockerDescriptor{}, err
	}
	mediaType := mediaTypeDockerLayer
	if compression != "" {
		mediaType += "." + compression
	}
	d, err := b.add(ctx, name, mediaType)
	if err == nil && compression == "" && d.Digest != diffID {
		err = fmt.Errorf("layer %s has digest %s, the configuration says %s: the archive is damaged", name, d.Digest, diffID)
	}
	return d, err
}

func (b *builder) compression(name string) (string, error) {
	f, err := b.source.open(name)
	if err != nil {
		return "", archiveError(err)
	}
	defer f.Close()
	head := make([]byte, 4)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	return compressionOf(head[:n]), nil
}

func (b *builder) finish() (*Image, error) {
	content, err := json.Marshal(b.manifest)
	if err != nil {
		return nil, err
	}
	b.image.manifests = []manifest{{bytesBlob("the manifest", content), mediaTypeDockerManifest}}
	return b.image, nil
}
