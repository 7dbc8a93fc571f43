//go:build e2e

package e2e

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic/types"
)

// Texts that do something in a page that shows them carelessly: run a script, or ask another host.
const (
	hostileText  = `"'><script>document.title='hacked'</script><img src=http://other.example/i.png onerror="alert('hacked')"> [x](javascript:alert('hacked')) ![p](http://other.example/p.png) <style>*{display:none}</style></title></textarea>`
	hostileShort = `"'><img src=x onerror=alert(1)><svg onload=alert(1)>` // at most 53 bytes
)

// A gallery is a server with a repository that has everything a page can show: images that share layers, for several
// platforms, signed and with a bill of materials. Whatever free text there is to give is hostile.
type gallery struct {
	*server
	api    *ecrpublic.Client
	client registryClient
	name   string // of the repository
	digest string // of the image 1.0
}

const galleryTags = 60 // so that they take two pages

// startGallery starts a server and fills it.
func startGallery(t *testing.T) *gallery {
	t.Helper()
	s := startServer(t)
	g := &gallery{server: s, api: newSDK(t, s), name: "team/hello"}
	_, err := g.api.PutRegistryCatalogData(t.Context(), &ecrpublic.PutRegistryCatalogDataInput{DisplayName: aws.String("Makers " + hostileShort)})
	must(t, err)
	g.create(t, g.name, "Says hello. ", true)
	g.create(t, "quiet", "Nobody said anything about it. ", false)
	g.client = newRegistryClient(t, s, g.api)
	g.fill(t)
	for range 3 {
		_, err = g.client.manifest(t.Context(), g.name, "1.0") // downloads
		must(t, err)
	}
	g.restart() // the counts of downloads are written by then
	return g
}

// create makes a repository, with a page about it or without.
func (g *gallery) create(t *testing.T, name, says string, described bool) {
	t.Helper()
	_, err := g.api.CreateRepository(t.Context(), &ecrpublic.CreateRepositoryInput{RepositoryName: &name, Tags: []types.Tag{{Key: aws.String("stage"), Value: aws.String("test")}}})
	must(t, err)
	if !described {
		return
	}
	text := says + hostileText
	_, err = g.api.PutRepositoryCatalogData(t.Context(), &ecrpublic.PutRepositoryCatalogDataInput{RepositoryName: &name, CatalogData: &types.RepositoryCatalogDataInput{
		Description:      &text,
		AboutText:        aws.String(aboutHello + text),
		UsageText:        aws.String("## Run it\n\n```\ndocker run --rm hello\n```\n\n" + text),
		OperatingSystems: []string{"Linux", hostileShort[:50]},
		Architectures:    []string{"x86-64", "ARM 64"},
		LogoImageBlob:    logo(t, color.NRGBA{R: 20, G: 110, B: 180, A: 255}),
	}})
	must(t, err)
}

// aboutHello has what Markdown has.
const aboutHello = `# Hello

It *says* **hello**, ~~or not~~, as [others](https://example.com/greetings) do. See ` + "`hello --help`" + `.

| Variable | What it is for | Default |
| --- | :-: | ---: |
| ` + "`HELLO_NAME_OF_THE_ONE_WHO_IS_GREETED_BY_IT`" + ` | who is greeted | world |

1. Pull it.
2. Run it:

       docker run --rm --env HELLO_NAME=everybody registry.example/team/hello:1.0 --politely --in-a-loud-voice --twice

> It answers.

`

// logo is a PNG of one colour whose text chunk is hostile.
func logo(t *testing.T, c color.Color) []byte {
	t.Helper()
	picture := image.NewPaletted(image.Rect(0, 0, 120, 120), color.Palette{c})
	var b bytes.Buffer
	must(t, png.Encode(&b, picture))
	return append(b.Bytes(), hostileText...)
}

// blob uploads data and describes it.
func (g *gallery) blob(t *testing.T, mediaType string, data []byte) map[string]any {
	t.Helper()
	digest, err := g.client.pushBlob(t.Context(), g.name, data)
	must(t, err)
	return map[string]any{"mediaType": mediaType, "digest": digest, "size": len(data)}
}

// put stores a manifest under a tag, or under its digest where there is no tag, and describes it.
func (g *gallery) put(t *testing.T, tag string, m map[string]any) map[string]any {
	t.Helper()
	m["schemaVersion"] = 2
	data := toJSON(t, m)
	digest, mediaType := digestOf(data), m["mediaType"].(string)
	if tag == "" {
		tag = digest
	}
	must(t, g.client.pushManifest(t.Context(), g.name, tag, mediaType, data))
	return map[string]any{"mediaType": mediaType, "digest": digest, "size": len(data)}
}

// image stores an image of these layers, whose configuration says as much as one can.
func (g *gallery) image(t *testing.T, tag, architecture string, layers []map[string]any) map[string]any {
	t.Helper()
	var history []map[string]any
	var diffs []string
	for i, l := range layers {
		diffs = append(diffs, l["digest"].(string))
		command := fmt.Sprintf("COPY part-%d /srv/ # buildkit %s", i, hostileText)
		if i == 0 {
			command = "/bin/sh -c #(nop) ADD file:" + strings.Repeat("abc", 40) + hostileText
		}
		history = append(history, map[string]any{"created": "2026-11-20T10:00:00Z", "created_by": command}, map[string]any{"created_by": "ENV A=b", "empty_layer": true})
	}
	texts := map[string]string{"org.opencontainers.image.title": "hello", "made-by": hostileText, hostileText: "value"}
	config := g.blob(t, ociConfigType, toJSON(t, map[string]any{
		"architecture": architecture, "os": "linux", "variant": hostileShort, "created": "2026-11-20T10:00:00Z", "author": hostileText,
		"config": map[string]any{
			"Labels": texts, "Env": []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "X=" + hostileText},
			"Entrypoint": []string{"/hello", hostileText}, "Cmd": []string{"--politely"}, "User": hostileText, "WorkingDir": "/srv",
			"ExposedPorts": map[string]any{"8080/tcp": map[string]any{}, hostileShort: map[string]any{}}, "StopSignal": hostileShort,
		},
		"history": history, "rootfs": map[string]any{"type": "layers", "diff_ids": diffs},
	}))
	return g.put(t, tag, map[string]any{"mediaType": ociManifestType, "config": config, "layers": layers, "annotations": texts})
}

// fill pushes images 1.0 and 1.1 that share layers, an index, what was said about 1.0, and many tags.
func (g *gallery) fill(t *testing.T) {
	t.Helper()
	var layers []map[string]any
	for _, size := range []int64{300_000, 1_200_000, 40_000, 700, 90_000} {
		layers = append(layers, g.blob(t, ociLayerType, randomData(size)))
	}
	first := g.image(t, "1.0", "amd64", layers[:4])
	g.digest = first["digest"].(string)
	second := g.image(t, "1.1", "arm64", append(layers[:2:2], layers[4]))
	texts := map[string]string{"org.opencontainers.image.description": hostileText, hostileText: "value"}
	empty := g.blob(t, "application/vnd.oci.empty.v1+json", []byte("{}"))
	g.put(t, "", map[string]any{"mediaType": ociManifestType, "artifactType": "application/spdx+json", "config": empty, "layers": []any{g.blob(t, "application/spdx+json", []byte(`{"a":1}`))}, "subject": first, "annotations": texts})
	g.put(t, "sha256-"+strings.TrimPrefix(g.digest, "sha256:")+".sig", map[string]any{"mediaType": ociManifestType, "config": empty, "layers": []any{g.blob(t, "application/vnd.dev.cosign.simplesigning.v1+json", []byte(`{"b":2}`))}, "annotations": texts})
	platforms := []any{}
	for _, d := range []map[string]any{first, second} {
		item := map[string]any{"platform": map[string]any{"os": "linux", "architecture": "amd64", "variant": hostileShort, "os.version": hostileText}, "annotations": texts}
		for key, value := range d {
			item[key] = value
		}
		platforms = append(platforms, item)
	}
	index := map[string]any{"mediaType": ociIndexType, "manifests": platforms, "annotations": texts}
	for i := range galleryTags {
		g.put(t, fmt.Sprintf("build-%02d", i), index)
	}
	g.put(t, "latest", index)
}

// path is the address of something of the repository: "", "?tab=tags", ":1.0".
func (g *gallery) path(rest string) string { return "/" + g.alias() + "/" + g.name + rest }

// pages are addresses of every kind of page that visitors get. Their parameters are hostile where they may be.
func (g *gallery) pages() []string {
	hostile := escapeQuery(hostileText)
	return []string{
		"/", "/search", "/search?searchTerm=hello&operatingSystems=Linux&sort=date", "/search?searchTerm=" + hostile + "&operatingSystems=" + hostile + "&page=2",
		"/" + g.alias(), g.path(""), g.path("?tab=usage"), g.path("?tab=tags"), g.path("?tab=tags&page=2"), g.path("?tab=tags&tag=" + hostile),
		g.path(":1.0"), g.path("@" + g.digest), g.path(":latest"), g.path("?from=1.0&to=1.1"), "/" + g.alias() + "/quiet",
	}
}

// missing are addresses that answer with an error page.
func (g *gallery) missing() []string {
	return []string{"/nobody/nothing", g.path(":none"), g.path("?from=1.0&to=" + escapeQuery(hostileText)), "/" + escapeQuery(hostileText)}
}

// ownPages are addresses of every kind of page that an owner gets: the list of repositories first, then those of the repository.
func (g *gallery) ownPages() []string {
	own := "/-/repositories/" + g.name
	return []string{"/-/repositories", own, own + "?tab=tags", own + "?tab=policy", own + "?tab=delete", "/-/activity", "/-/registry"}
}

// password is what docker login takes.
func (g *gallery) password(t *testing.T) string {
	t.Helper()
	out, err := g.api.GetAuthorizationToken(t.Context(), &ecrpublic.GetAuthorizationTokenInput{})
	must(t, err)
	login, err := base64.StdEncoding.DecodeString(*out.AuthorizationData.AuthorizationToken)
	must(t, err)
	_, password, _ := strings.Cut(string(login), ":")
	return password
}

// accessKey is one half of the owner's access key, by the name it has in the environment.
func (g *gallery) accessKey(t *testing.T, name string) string {
	t.Helper()
	for _, assignment := range g.environment(t) {
		if value, ok := strings.CutPrefix(assignment, name+"="); ok {
			return value
		}
	}
	t.Fatalf("the environment has no %s", name)
	return ""
}
