package gallery

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/openecr/openecr/internal/registry"
)

// way is how one tool fetches an image.
type way struct {
	Index int // of the classes pickN and wayN
	Tool  string
	Text  string // a command, or a file
}

// pulls is the ways to fetch one image.
type pulls struct {
	Reference string // what they fetch
	Ways      []way
	Note      string // what a visitor should know before; empty when there is nothing
}

// newPulls makes the commands for the repository with that URI. Exactly one of tag and digest is given.
func newPulls(public *url.URL, kind registry.ArtifactKind, uri, tag, digest string) pulls {
	reference := uri + ":" + tag
	if tag == "" {
		reference = uri + "@" + digest
	}
	plain := public.Scheme == "http"
	p := pulls{Reference: reference}
	if plain && !onLoopback(public) {
		p.Note = "This registry is reached without TLS. Docker pulls from it only when the host is listed under insecure-registries in its settings."
	}
	option := func(text string) string {
		if plain {
			return text + " "
		}
		return ""
	}
	switch kind {
	case registry.KindImage:
		p.add("Docker", "docker pull "+reference)
		p.add("Podman", "podman pull "+option("--tls-verify=false")+reference)
		p.add("containerd", "ctr images pull "+option("--plain-http")+reference)
		p.add("Kubernetes", pod(uri, reference))
	case registry.KindChart:
		p.Note = ""
		version := "--version " + tag
		if tag == "" {
			uri, version = reference, ""
		}
		// A chart's version may hold '+', which a tag cannot: helm writes '_' there.
		p.add("Helm", strings.TrimSpace("helm pull "+option("--plain-http")+"oci://"+uri+" "+strings.ReplaceAll(version, "_", "+")))
	default:
		p.Note = ""
		p.add("ORAS", "oras pull "+option("--plain-http")+reference)
		p.add("crane", "crane export "+option("--insecure")+reference)
	}
	return p
}

func (p *pulls) add(tool, text string) { p.Ways = append(p.Ways, way{len(p.Ways), tool, text}) }

// onLoopback says whether docker takes the host for this machine, which it talks to without TLS.
func onLoopback(public *url.URL) bool {
	addr, err := netip.ParseAddr(public.Hostname())
	return public.Hostname() == "localhost" || err == nil && addr.IsLoopback()
}

// pod is the smallest manifest that runs the image.
func pod(uri, reference string) string {
	name := podName(uri[strings.LastIndexByte(uri, '/')+1:])
	return "apiVersion: v1\nkind: Pod\nmetadata:\n  name: " + name + "\nspec:\n  containers:\n    - name: " + name + "\n      image: " + reference + "\n"
}

// podName makes a name of a container (RFC 1123 label) of one of a repository. One of digits is put in quotes, because
// YAML would take it for a number.
func podName(name string) string {
	name = strings.NewReplacer(".", "-", "_", "-").Replace(name)
	name = strings.TrimRight(name[:min(len(name), 63)], "-")
	if strings.Trim(name, "0123456789-e") == "" {
		return strconv.Quote(name)
	}
	return name
}
