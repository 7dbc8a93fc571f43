package ecrapi

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

var (
	digestA = `"sha256:` + strings.Repeat("0a", 32) + `"`
	digestB = `"sha256:` + strings.Repeat("0b", 32) + `"`
)

// checks are bodies that the fast decoder reads, and others.
var checks = []struct {
	body string
	fast bool
}{
	{`{"repositoryName":"hello","layerDigests":[` + digestA + `]}`, true},
	{"\r\n{ \"layerDigests\" : [ " + digestA + " ,\t" + digestB + " ] , \"registryId\" : \"a1b2c3d4\", \"repositoryName\" : \"a/b\" } \n", true},
	{`{"repositoryName":"hello","layerDigests":[` + digestA + `,` + digestA + `]}`, false},
	{`{"repositoryName":"hello","layerDigests":[` + digestA + `],"layerDigests":[` + digestB + `]}`, false},
	{`{"repositoryName":"hello","repositoryName":"other","layerDigests":[` + digestA + `]}`, false},
	{`{"repositoryName":"hello","layerDigests":[]}`, false},
	{`{"repositoryName":"hello","layerDigests":[null]}`, false},
	{`{"repositoryName":"hello","layerDigests":["` + strings.Repeat("a", 71) + `"]}`, false},
	{`{"repositoryName":"hello","layerDigests":[` + strings.ToUpper(digestA) + `]}`, false},
	{`{"repositoryName":"hello","layerDigests":[` + digestA + `,]}`, false},
	{`{"repositoryName":"hello","layerDigests":[` + digestA + `],"new":1}`, false},
	{`{"repositoryName":"hello","layerDigests":[` + digestA + `]}x`, false},
	{`{"repositoryName":"hello","layerDigests":[` + digestA + `]},`, false},
	{`{"repositoryName":"hello","layerDigests":[` + digestA + `]`, false},
	{`{"repositoryName":"h","layerDigests":[` + digestA + `]}`, false},
	{`{"repositoryName":"h\u0065llo","layerDigests":[` + digestA + `]}`, false},
	{`{"repositoryName":"hello","registryId":"a","layerDigests":[` + digestA + `]}`, false},
	{`{"repositoryName":"hello","registryId":"é1","layerDigests":[` + digestA + `]}`, false},
	{`{"layerDigests":[` + digestA + `]}`, false},
	{`{"repositoryName":"hello"}`, false},
	{`{}`, false}, {`{,}`, false}, {``, false}, {"{\x00", false},
}

func TestOrdinaryChecksAreReadTheFastWay(t *testing.T) {
	for _, c := range checks {
		if _, _, ok := scanCheck(nil, []byte(c.body)); ok != c.fast {
			t.Errorf("%s: %v, want %v", c.body, ok, c.fast)
		}
	}
	many := func(n int) []byte {
		list := make([]string, n)
		for i := range list {
			list[i] = ref.DigestBytes(ref.SHA256, []byte{byte(i)}).String()
		}
		return []byte(`{"repositoryName":"hello","layerDigests":["` + strings.Join(list, `","`) + `"]}`)
	}
	if _, digests, ok := scanCheck(nil, many(100)); !ok || len(digests) != 100 {
		t.Errorf("100 digests: %d, %v", len(digests), ok)
	}
	if _, _, ok := scanCheck(nil, many(101)); ok {
		t.Error("101 digests were read")
	}
}

// What the fast decoder reads, the general one reads to the same meaning and finds nothing wrong with.
func FuzzFastDecoderAgreesWithTheGeneral(f *testing.F) {
	for _, c := range checks {
		f.Add([]byte(c.body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		p, digests, ok := scanCheck(nil, body)
		if !ok {
			return
		}
		var in ecrpublic.BatchCheckLayerAvailabilityRequest
		must(t, ecrpublic.Unmarshal(body, &in))
		must(t, ecrpublic.Validate(in))
		texts := make([]string, len(digests))
		for i, d := range digests {
			texts[i] = d.String()
		}
		if p != path(in.RegistryId, in.RepositoryName) || !slices.Equal(texts, in.LayerDigests) {
			t.Errorf("read %v %v, want %v", p, texts, in)
		}
		slices.Sort(texts)
		if len(slices.Compact(texts)) < len(digests) {
			t.Errorf("a digest is read twice: %s", body)
		}
	})
}

// The fast encoder writes what the general one does.
func FuzzFastEncoderAgreesWithTheGeneral(f *testing.F) {
	f.Add("application/vnd.oci.image.layer.v1.tar+gzip", int64(7), true)
	f.Add("a\"\\\x00é\xff<>", int64(-1), true)
	f.Add("", int64(0), true)
	f.Add("", int64(0), false)
	f.Fuzz(func(t *testing.T, mediaType string, size int64, available bool) {
		statuses := []registry.LayerStatus{
			{Digest: ref.DigestBytes(ref.SHA256, []byte("a")), Available: available, Size: size, MediaType: mediaType},
			{Digest: ref.DigestBytes(ref.SHA256, []byte("b")), Available: true, Size: 1, MediaType: "text/plain"},
			{Digest: ref.DigestBytes(ref.SHA256, []byte("c")), Available: !available, Size: 2, MediaType: mediaType},
		}
		out := ecrpublic.BatchCheckLayerAvailabilityResponse{Failures: []ecrpublic.LayerFailure{}, Layers: []ecrpublic.Layer{}}
		for _, s := range statuses {
			l := layerOf(s)
			if !s.Available {
				l = ecrpublic.Layer{LayerDigest: l.LayerDigest, LayerAvailability: ptr(ecrpublic.LayerAvailabilityUnavailable)}
			}
			out.Layers = append(out.Layers, l)
		}
		want, err := ecrpublic.Marshal(out)
		must(t, err)
		if diff := cmp.Diff(string(want), string(appendChecked(nil, statuses))); diff != "" {
			t.Error(diff)
		}
	})
}

// A body that is read the fast way and one that is not get the same answer.
func TestBothWaysAnswerTheSame(t *testing.T) {
	r := newRig(t)
	r.call(t, "CreateRepository", `{"repositoryName":"hello"}`)
	for _, members := range []string{
		`"repositoryName":"hello","layerDigests":[` + digestA + `,` + digestB + `]`,
		`"repositoryName":"absent","layerDigests":[` + digestA + `]`,
		`"repositoryName":"hello","registryId":"nobody","layerDigests":[` + digestA + `]`,
	} {
		fast := do(r, newRequest(checkOperation, "{"+members+"}"))
		general := do(r, newRequest(checkOperation, "{"+members+`,"new":1}`))
		if fast.Code != general.Code || fast.Body.String() != general.Body.String() {
			t.Errorf("%s:\n%d %s\n%d %s", members, fast.Code, fast.Body, general.Code, general.Body)
		}
	}
}
