package registry

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
)

const (
	// maxLogo is the size limit of a logo as it is sent, in bytes (PutRepositoryCatalogData API page).
	maxLogo = 500 << 10
	// A logo's sides in pixels (user guide, "Repository catalog data").
	minLogoSide = 60
	maxLogoSide = 2048
)

// logoFormats are told apart by how a file begins, never by what the client says.
var logoFormats = []struct {
	begins string
	header func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}{
	{"\x89PNG\r\n\x1a\n", png.DecodeConfig, png.Decode},
	{"\xff\xd8\xff", jpeg.DecodeConfig, jpeg.Decode},
	{"GIF8", gif.DecodeConfig, gif.Decode}, // its first frame
}

// encodeLogo makes a clean PNG of an image file: only its pixels are kept, so that nothing a client hid in the file (a
// script, a place, another file) is ever shown from this host. The header is judged before a pixel is decoded, and one
// logo is decoded at a time, so a small file cannot take much memory.
func (r *Registry) encodeLogo(file []byte) ([]byte, error) {
	if len(file) > maxLogo {
		return nil, invalidLogo(fmt.Sprintf("a logo has at most %d bytes", maxLogo))
	}
	for _, format := range logoFormats {
		if !bytes.HasPrefix(file, []byte(format.begins)) {
			continue
		}
		header, err := format.header(bytes.NewReader(file))
		if err != nil {
			return nil, invalidLogo("the image cannot be read")
		}
		if min(header.Width, header.Height) < minLogoSide || max(header.Width, header.Height) > maxLogoSide {
			return nil, invalidLogo(fmt.Sprintf("the image is %d x %d pixels and each side must have %d to %d", header.Width, header.Height, minLogoSide, maxLogoSide))
		}
		r.decoding.Lock()
		defer r.decoding.Unlock()
		pixels, err := format.decode(bytes.NewReader(file))
		if err != nil {
			return nil, invalidLogo("the image cannot be read")
		}
		var encoded bytes.Buffer
		if err := png.Encode(&encoded, pixels); err != nil {
			return nil, fmt.Errorf("encode a logo: %w", err)
		}
		return encoded.Bytes(), nil
	}
	return nil, invalidLogo("the image must be a PNG, JPEG or GIF file")
}

func invalidLogo(constraint string) *Error { return invalid("LogoImageBlob", constraint) }

// Logo is the PNG image behind a LogoURL. ErrAbsent.
func (r *Registry) Logo(ctx context.Context, id string) ([]byte, error) {
	var file []byte
	err := r.meta.View(ctx, func(tx Tx) (err error) {
		file, err = tx.Logo(id)
		return err
	})
	return file, err
}

// LogoPath is the path on this server under which logos are found: their id and ".png" follow.
const LogoPath = "/-/logo/"

// LogoURL is the address of the logo for browsers; empty when there is none.
func (r *Registry) LogoURL(c Catalog) string {
	if c.Logo == "" {
		return ""
	}
	return r.url + LogoPath + c.Logo + ".png"
}
