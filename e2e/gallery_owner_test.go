//go:build e2e

package e2e

import (
	"fmt"
	"image/color"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"
)

// signIn signs the reader in with the docker password.
func (b *reader) signIn(t *testing.T, g *gallery) {
	t.Helper()
	b.open(t, g.url+"/-/sign-in")
	b.write(t, labelled("Access key ID, or AWS"), "AWS")
	b.write(t, labelled("Secret access key, or docker password"), g.password(t))
	b.click(t, button("Sign in"))
	b.sees(t, "Sign out")
}

// An owner looks after a registry by browser alone, with scripts and without.
func TestOwnerAtTheGallery(t *testing.T) {
	for name, scripts := range map[string]bool{"with scripts": true, "without scripts": false} {
		t.Run(name, func(t *testing.T) {
			g := startGallery(t)
			b := startReader(t)
			if !scripts {
				b.withoutScripts(t)
			}
			b.open(t, g.url)
			b.click(t, link("Sign in"))
			b.failing(func() {
				b.write(t, labelled("Access key ID, or AWS"), g.accessKey(t, "AWS_ACCESS_KEY_ID"))
				b.write(t, labelled("Secret access key, or docker password"), "not the secret")
				b.click(t, button("Sign in"))
				b.until(t, `document.querySelector("[role=alert]") !== null`)
			})
			b.write(t, labelled("Secret access key, or docker password"), g.accessKey(t, "AWS_SECRET_ACCESS_KEY"))
			b.click(t, button("Sign in"))
			b.click(t, link("Manage"))
			b.click(t, link(g.name))

			ownerWrites(t, g, b)
			ownerUploadsLogo(t, g, b)
			ownerDeletesTag(t, g, b)
			ownerCreatesAndDeletes(t, g, b)

			b.click(t, button("Sign out"))
			b.until(t, `!document.body?.innerText.includes("Sign out")`)
			b.open(t, g.url+"/-/repositories")
			b.sees(t, "Secret access key, or docker password")
			b.quiet(t, g.server)
		})
	}
}

// ownerWrites begins and ends at the owner's page of the repository.
func ownerWrites(t *testing.T, g *gallery, b *reader) {
	b.write(t, labelled("About"), "# Greetings\n\nIt *greets* everybody.")
	b.click(t, button("Preview"))
	b.sees(t, "Nothing is saved yet")
	if shown := b.text(t, "article.prose em"); shown != "greets" {
		t.Errorf("the preview shows %q", shown)
	}
	said, err := g.api.GetRepositoryCatalogData(t.Context(), &ecrpublic.GetRepositoryCatalogDataInput{RepositoryName: &g.name})
	must(t, err)
	if strings.Contains(*said.CatalogData.AboutText, "greets") {
		t.Error("the preview was saved")
	}
	b.click(t, button("Save"))
	b.sees(t, "Saved.")
	b.click(t, link("See it as visitors do"))
	b.sees(t, "It greets everybody.")
	b.open(t, g.url+g.ownPages()[1])
}

func ownerUploadsLogo(t *testing.T, g *gallery, b *reader) {
	b.failing(func() {
		b.upload(t, labelled("Image file"), []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert('hacked')"/>`))
		b.click(t, button("Upload"))
		b.sees(t, "PNG, JPEG or GIF file")
	})
	const address = `document.querySelector("img.logo").src`
	before := evaluate[string](t, b, address)
	b.upload(t, labelled("Image file"), logo(t, color.NRGBA{R: 200, G: 30, B: 90, A: 255}))
	b.click(t, button("Upload"))
	b.until(t, fmt.Sprintf(`%s !== %q && document.querySelector("img.logo").naturalWidth === 120`, address, before))
}

func ownerDeletesTag(t *testing.T, g *gallery, b *reader) {
	b.click(t, link("Tags"))
	b.click(t, labelled("build-59"))
	b.click(t, button("Delete the chosen tags"))
	b.sees(t, "Delete this tag?")
	b.click(t, button("Delete"))
	b.until(t, `document.querySelector("h2#sure") === null && document.body.innerText.includes("build-58")`)
	if _, err := g.client.manifest(t.Context(), g.name, "build-59"); err == nil {
		t.Error("the tag can still be pulled")
	}
	if _, err := g.client.manifest(t.Context(), g.name, "build-58"); err != nil {
		t.Errorf("its neighbour: %v", err)
	}
}

func ownerCreatesAndDeletes(t *testing.T, g *gallery, b *reader) {
	name := "made/here"
	exists := func() bool {
		_, err := g.api.DescribeRepositories(t.Context(), &ecrpublic.DescribeRepositoriesInput{RepositoryNames: []string{name}})
		return err == nil
	}
	b.click(t, link("Your repositories"))
	b.write(t, labelled("Name"), name)
	b.click(t, button("Create"))
	b.sees(t, "The repository was created.")
	if !exists() {
		t.Error("the repository was not created")
	}
	b.click(t, link("Delete"))
	b.failing(func() {
		b.write(t, labelled("to confirm"), "made/her")
		b.click(t, button("Delete the repository"))
		b.sees(t, "This is not the name of the repository.")
	})
	b.write(t, labelled("to confirm"), name)
	b.click(t, button("Delete the repository"))
	b.sees(t, "The repository was deleted.")
	if exists() {
		t.Error("the repository is still there")
	}
}

// The pages for owners fit every screen, and are reached by keyboard, as those for visitors are.
func TestOwnerPagesFitEveryScreen(t *testing.T) {
	axe := readAxe(t)
	g := startGallery(t)
	b := startReader(t)
	for _, width := range []int64{320, 360, 768, 1440} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			b.resize(t, width, "light")
			b.open(t, g.url+"/-/sign-in")
			b.judge(t, "/-/sign-in", "owner-sign-in", width, axe)
			b.signIn(t, g)
			for i, page := range g.ownPages() {
				b.open(t, g.url+page)
				b.judge(t, page, fmt.Sprintf("owner-%02d", i), width, axe)
				b.tabThrough(t, fmt.Sprintf("%s at %d", page, width))
			}
			b.open(t, g.url+g.ownPages()[1])
			b.click(t, button("Preview"))
			b.sees(t, "Nothing is saved yet")
			b.judge(t, "the preview", "owner-preview", width, axe)
			b.click(t, button("Sign out"))
			b.until(t, `!document.body?.innerText.includes("Sign out")`)
		})
	}
	b.quiet(t, g.server)
}
