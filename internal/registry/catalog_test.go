package registry_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/openecr/openecr/internal/registry"
)

// picture is an image that differs in every pixel.
func picture(width, height int) image.Image {
	m := image.NewPaletted(image.Rect(0, 0, width, height), []color.Color{color.Black, color.White, color.Transparent})
	for i := range m.Pix {
		m.Pix[i] = byte(i % 3)
	}
	return m
}

func encoded(t *testing.T, encode func(*bytes.Buffer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pngOf(t *testing.T, m image.Image) []byte {
	return encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, m) })
}

// logo reads the image behind the catalog's address.
func (f *fixture) logo(c registry.Catalog) []byte {
	f.Helper()
	id, ok := strings.CutPrefix(f.registry.LogoURL(c), "http://registry.test/-/logo/")
	id, png := strings.CutSuffix(id, ".png")
	if !ok || !png {
		f.Fatalf("the logo has the address %q", f.registry.LogoURL(c))
	}
	file, err := f.registry.Logo(f.Context(), id)
	f.must(err)
	return file
}

func TestLogoIsEncodedAnew(t *testing.T) {
	small := picture(60, 61)
	for name, file := range map[string][]byte{
		"PNG":  pngOf(t, small),
		"JPEG": encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, small, nil) }),
		"GIF":  encoded(t, func(b *bytes.Buffer) error { return gif.Encode(b, small, nil) }),
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			sent := append(bytes.Clone(file), "<script>what else is in the file</script>"...)
			catalog, err := f.registry.PutCatalog(t.Context(), owner, app, registry.Catalog{LogoFile: sent})
			f.must(err)
			kept := f.logo(catalog)
			if bytes.Contains(kept, []byte("script")) {
				t.Error("what stood behind the image was kept")
			}
			m, err := png.Decode(bytes.NewReader(kept))
			f.must(err)
			equal(t, "size", m.Bounds().Max, image.Pt(60, 61))
			if name != "JPEG" { // which loses something
				for i := range 60 {
					if got, want := color.NRGBAModel.Convert(m.At(i, i)), color.NRGBAModel.Convert(small.At(i, i)); got != want {
						t.Fatalf("pixel %d is %v, want %v", i, got, want)
					}
				}
			}
		})
	}
}

func TestLogosThatAreRefused(t *testing.T) {
	f := newFixture(t)
	before, err := f.registry.PutCatalog(t.Context(), owner, app, registry.Catalog{LogoFile: pngOf(t, picture(60, 60))})
	f.must(err)
	whole := pngOf(t, picture(100, 100))
	noise := image.NewNRGBA(image.Rect(0, 0, 400, 400))
	random := rand.New(rand.NewPCG(1, 2))
	for i := range noise.Pix {
		noise.Pix[i] = byte(random.Uint32())
	}
	for name, c := range map[string]struct {
		file []byte
		text string
	}{
		"too narrow":    {pngOf(t, picture(59, 100)), "the image is 59 x 100 pixels and each side must have 60 to 2048"},
		"too low":       {pngOf(t, picture(100, 59)), "the image is 100 x 59 pixels and each side must have 60 to 2048"},
		"too wide":      {pngOf(t, picture(2049, 60)), "the image is 2049 x 60 pixels and each side must have 60 to 2048"},
		"too high":      {pngOf(t, picture(60, 2049)), "the image is 60 x 2049 pixels and each side must have 60 to 2048"},
		"too large":     {pngOf(t, noise), "a logo has at most 512000 bytes"},
		"cut short":     {whole[:len(whole)/2], "the image cannot be read"},
		"a header only": {whole[:10], "the image cannot be read"},
		"SVG":           {[]byte("<svg xmlns='http://www.w3.org/2000/svg'/>"), "the image must be a PNG, JPEG or GIF file"},
		"WebP":          {[]byte("RIFF\x00\x00\x00\x00WEBPVP8 "), "the image must be a PNG, JPEG or GIF file"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := f.registry.PutCatalog(t.Context(), owner, app, registry.Catalog{LogoFile: c.file})
			f.refused(err, registry.InvalidParameter, "Invalid parameter at 'LogoImageBlob' failed to satisfy constraint: '"+c.text+"'")
		})
	}
	after, err := f.registry.RepositoryCatalog(t.Context(), owner, app)
	f.must(err)
	equal(t, "catalog", after, before)
	f.logo(after)
}

// An address never shows another image, and shows none once the logo is replaced or its repository gone.
func TestLogoGoesWithWhatItIsOf(t *testing.T) {
	f := newFixture(t)
	put := func(c registry.Catalog) registry.Catalog {
		t.Helper()
		stored, err := f.registry.PutCatalog(t.Context(), owner, app, c)
		f.must(err)
		return stored
	}
	absent := func(c registry.Catalog) {
		t.Helper()
		if _, err := f.registry.Logo(t.Context(), c.Logo); !errors.Is(err, registry.ErrAbsent) {
			t.Errorf("logo %s: %v", c.Logo, err)
		}
	}
	file := pngOf(t, picture(60, 60))
	first := put(registry.Catalog{LogoFile: file})
	second := put(registry.Catalog{LogoFile: file})
	absent(first)
	f.logo(second)
	kept := put(registry.Catalog{KeepLogo: true})
	equal(t, "the logo that is kept", kept, registry.Catalog{Logo: second.Logo})
	f.logo(kept)
	put(registry.Catalog{})
	absent(second)
	equal(t, "none to keep", put(registry.Catalog{KeepLogo: true}), registry.Catalog{})
	third := put(registry.Catalog{KeepLogo: true, LogoFile: file})
	f.logo(third)
	put(registry.Catalog{})
	equal(t, "address without a logo", f.registry.LogoURL(registry.Catalog{}), "")

	repo, err := f.registry.CreateRepository(t.Context(), owner, "fresh", registry.Catalog{LogoFile: file}, nil)
	f.must(err)
	f.logo(repo.Catalog)
	_, err = f.registry.DeleteRepository(t.Context(), owner, registry.Path{Name: "fresh"}, false)
	f.must(err)
	absent(repo.Catalog)
}

func FuzzLogo(f *testing.F) {
	var b bytes.Buffer
	_ = png.Encode(&b, picture(60, 60))
	f.Add(b.Bytes())
	b.Reset()
	_ = jpeg.Encode(&b, picture(60, 60), nil)
	f.Add(b.Bytes())
	b.Reset()
	_ = gif.Encode(&b, picture(60, 60), nil)
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, file []byte) {
		if len(file) == 0 {
			return
		}
		// Without stores: what is kept of a file is decided before anything is stored.
		kept, err := registry.New(registry.Config{}).EncodeLogo(file)
		if err != nil {
			if registry.KindOf(err) != registry.InvalidParameter {
				t.Errorf("not refused as an invalid parameter: %v", err)
			}
			return
		}
		if _, err := png.Decode(bytes.NewReader(kept)); err != nil {
			t.Error(err)
		}
	})
}
