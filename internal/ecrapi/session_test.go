package ecrapi

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"image"
	"image/png"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/ref"
)

// TestSessions sends the requests of testdata/*.session, each file to a server of its own, and compares status, headers
// and body to the byte. The first lines of each file say how it is written.
func TestSessions(t *testing.T) {
	for _, name := range []string{"repositories", "catalog", "policies", "resourcetags", "layers", "images"} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			s := session{drawn: map[string]string{}}
			for _, e := range readSession(t, "testdata/"+name+".session") {
				if !t.Run(e.name, func(t *testing.T) { s.exchange(t, r, e) }) {
					return // what follows builds on it
				}
			}
			r.noSpools(t)
		})
	}
}

// exchange is a request and what its answer has to be.
type exchange struct {
	name            string
	key             string // who signs
	operation, body string
	answer          string // status and body
}

func readSession(t *testing.T, file string) []exchange {
	t.Helper()
	text, err := os.ReadFile(file)
	must(t, err)
	var exchanges []exchange
	for _, section := range strings.Split(string(text), "\n=== ")[1:] {
		lines := strings.Split(strings.TrimSpace(section), "\n")
		if len(lines) != 3 {
			t.Fatalf("%s: section %q has %d lines instead of 3", file, lines[0], len(lines))
		}
		e := exchange{name: lines[0], key: "OWNER", answer: lines[2]}
		request, byStranger := strings.CutPrefix(lines[1], "STRANGER ")
		if byStranger {
			e.key = "STRANGER"
		}
		e.operation, e.body, _ = strings.Cut(request, " ")
		exchanges = append(exchanges, e)
	}
	return exchanges
}

// session knows what the server has drawn at random, by the name of its member.
type session struct{ drawn map[string]string }

var drawnMember = regexp.MustCompile(`"(uploadId|nextToken|logoUrl)":"([^"{]+)"`)

func (s session) exchange(t *testing.T, r *rig, e exchange) {
	w := do(r, signedBy(e.key, e.operation, s.expand(e.body)))
	body := w.Body.String()
	if !strings.Contains(body, `"__type"`) {
		for _, m := range drawnMember.FindAllStringSubmatch(body, -1) {
			s.drawn[m[1]] = m[2]
		}
	}
	status, wantBody, _ := strings.Cut(e.answer, " ")
	if got := w.Result().Status[:3]; got != status {
		t.Errorf("status %s instead of %s", got, status)
	}
	if want := s.expand(wantBody); body != want {
		t.Errorf("body\ngot  %s\nwant %s", body, want)
	}
	if got := w.Header().Get("Content-Type"); got != ecrpublic.ContentType {
		t.Errorf("Content-Type %q", got)
	}
	if got := w.Header().Get("Content-Length"); got != strconv.Itoa(len(body)) {
		t.Errorf("Content-Length %q of %d bytes", got, len(body))
	}
	if len(w.Header()) != 3 { // the other is the request id, which stands there already
		t.Errorf("headers %v", w.Header())
	}
	if !json.Valid([]byte(body)) {
		t.Errorf("not JSON: %s", body)
	}
}

// expand puts in what a name in braces stands for.
func (s session) expand(text string) string {
	for name, value := range s.drawn {
		text = strings.ReplaceAll(text, "{"+name+"}", value)
	}
	for name, content := range contents {
		text = strings.ReplaceAll(text, "{digest of "+name+"}", ref.DigestBytes(ref.SHA256, []byte(content)).String())
		text = strings.ReplaceAll(text, "{"+name+" in JSON}", inJSON(content))
		text = strings.ReplaceAll(text, "{bytes of "+name+"}", content)
	}
	return text
}

func inJSON(s string) string { return strings.ReplaceAll(s, `"`, `\"`) }

const (
	layerContent  = "abc"
	configContent = "{}"
)

// contents are the layers and manifests of the sessions, by name.
var contents = map[string]string{
	"layer":    layerContent,
	"config":   configContent,
	"empty":    "",
	"logo":     base64.StdEncoding.EncodeToString(logo(60, 2048)),
	"tiny":     base64.StdEncoding.EncodeToString(logo(59, 100)),
	"image":    imageManifest,
	"other":    strings.Replace(imageManifest, `}}`, `},"annotations":{"a":"<&>é"}}`, 1),
	"index":    strings.Replace(indexManifest, "IMAGE", ref.DigestBytes(ref.SHA256, []byte(imageManifest)).String(), 1),
	"dangling": strings.Replace(indexManifest, "IMAGE", ref.DigestBytes(ref.SHA256, nil).String(), 1),
	"typeless": strings.Replace(imageManifest, `"mediaType":"application/vnd.docker.distribution.manifest.v2+json",`, "", 1),
}

// logo is a PNG of one colour.
func logo(width, height int) []byte {
	var b bytes.Buffer
	_ = png.Encode(&b, image.NewGray(image.Rect(0, 0, width, height))) // a buffer takes everything
	return b.Bytes()
}

const (
	imageManifest = `{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json",` +
		`"layers":[{"mediaType":"application/vnd.docker.image.rootfs.diff.tar.gzip","size":3,"digest":"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}],` +
		`"config":{"mediaType":"application/vnd.docker.container.image.v1+json","size":2,"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}}`
	indexManifest = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json",` +
		`"manifests":[{"mediaType":"application/vnd.docker.distribution.manifest.v2+json","size":1,"digest":"IMAGE"}]}`
)
