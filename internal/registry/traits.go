package registry

import (
	"slices"
	"strings"
)

// The words of the three facets. A trait is a position in its list, and is stored, so lists only grow at their end.

// systems and architectures are in the words of the API where it has some (PutRepositoryCatalogData API page), else in
// those of the OCI image spec.
var (
	systems       = []string{"Linux", "Windows", "Darwin", "FreeBSD", "Other"}
	architectures = []string{"ARM", "ARM 64", "x86", "x86-64", "ppc64le", "s390x", "riscv64", "mips64le", "loong64", "Wasm", "Other"}
	kinds         = []ArtifactKind{KindImage, KindChart, KindSignature, KindSBOM, KindAttestation, KindOther}
)

// Spellings in images of what is in the lists.
var (
	systemOf       = map[string]string{"linux": "Linux", "windows": "Windows", "darwin": "Darwin", "freebsd": "FreeBSD"}
	architectureOf = map[string]string{
		"arm": "ARM", "arm64": "ARM 64", "aarch64": "ARM 64", "386": "x86", "amd64": "x86-64", "x86_64": "x86-64",
		"ppc64le": "ppc64le", "s390x": "s390x", "riscv64": "riscv64", "mips64le": "mips64le", "loong64": "loong64", "wasm": "Wasm",
	}
)

// traitSet is the set of those words that are in the list. Others are left out.
func traitSet[T comparable](list, words []T) int64 {
	var set int64
	for _, w := range words {
		if i := slices.Index(list, w); i >= 0 {
			set |= 1 << i
		}
	}
	return set
}

// traitWords is the inverse of traitSet.
func traitWords[T any](list []T, set int64) []T {
	var words []T
	for i, w := range list {
		if set&(1<<i) != 0 {
			words = append(words, w)
		}
	}
	return words
}

// platformTraits leaves out what docker buildx calls "unknown": the attestations that it lists beside its images.
func platformTraits(platforms []Platform) Traits {
	var t Traits
	for _, p := range platforms {
		if p.isUnknown() {
			continue
		}
		t.Systems |= traitSet(systems, []string{orOther(systemOf, p.OS)})
		t.Architectures |= traitSet(architectures, []string{orOther(architectureOf, p.Architecture)})
	}
	return t
}

func (p Platform) isUnknown() bool {
	return (p.OS == "" || p.OS == "unknown") && (p.Architecture == "" || p.Architecture == "unknown")
}

func orOther(words map[string]string, spelling string) string {
	if w, ok := words[strings.ToLower(spelling)]; ok {
		return w
	}
	return "Other"
}

// catalogTraits are those that an owner names.
func catalogTraits(c Catalog) Traits {
	return Traits{Systems: traitSet(systems, c.OperatingSystems), Architectures: traitSet(architectures, c.Architectures)}
}

// kindTraits is the set of one kind.
func kindTraits(k ArtifactKind) Traits { return Traits{Kinds: traitSet(kinds, []ArtifactKind{k})} }

// kindOfTraits is the inverse for the Face of one image.
func kindOfTraits(t Traits) ArtifactKind {
	if words := traitWords(kinds, t.Kinds); len(words) > 0 {
		return words[0]
	}
	return KindOther
}

// artifactKind is what media types say: that of the artifact, of its config, of its layers. An index without a type holds
// images.
func artifactKind(types ...string) ArtifactKind {
	stated := strings.ToLower(strings.Join(types, " "))
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(stated, w) })
	}
	switch {
	case has("helm.config", "helm.chart"):
		return KindChart
	case has("signature", "cosign.artifact.sig", "simplesigning", "notary"):
		return KindSignature
	case has("spdx", "cyclonedx", "syft", "sbom"):
		return KindSBOM
	case has("in-toto", "dsse", "attestation", "sigstore.bundle", "provenance"):
		return KindAttestation
	case strings.TrimSpace(stated) == "", has("container.image", "image.config"):
		return KindImage
	}
	return KindOther
}
