package gallery

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed assets
var assets embed.FS

// file is an asset, ready to be sent.
type file struct {
	contentType string
	etag        string
	body        []byte
	gzipped     []byte
}

// readAssets gives every asset a name with the hash of its content in it, so that browsers may keep it for ever: files
// are by that name, and names lead to it from the plain one.
func readAssets() (files map[string]file, names map[string]string) {
	files, names = make(map[string]file), make(map[string]string)
	entries, _ := fs.ReadDir(assets, "assets") // the folder is part of the program
	for _, e := range entries {
		body, _ := assets.ReadFile("assets/" + e.Name())
		sum := sha256.Sum256(body)
		hash := hex.EncodeToString(sum[:8])
		kind := path.Ext(e.Name())
		name := strings.TrimSuffix(e.Name(), kind) + "." + hash + kind
		files[name] = file{mime.TypeByExtension(kind), `"` + hash + `"`, body, compress(body)}
		names[e.Name()] = assetPath + name
	}
	return files, names
}

// asset sends a style sheet, script or icon. They are public even where pages are not: the sign-in page needs them.
func (s *Server) asset(w http.ResponseWriter, v *visit) {
	f, ok := s.files[v.route.Asset]
	if !ok {
		http.Error(w, "There is no file at this address.", http.StatusNotFound)
		return
	}
	if v.Method != http.MethodGet && v.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "Files are only read.", http.StatusMethodNotAllowed)
		return
	}
	h := w.Header()
	setSecurity(h)
	h.Set("Content-Type", f.contentType)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("ETag", f.etag)
	h.Set("Vary", "Accept-Encoding")
	if matches(v.Header.Get("If-None-Match"), f.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := f.body
	if takesGzip(v.Request) {
		body = f.gzipped
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if v.Method == http.MethodGet {
		_, _ = w.Write(body) // a client that left does not hear the answer
	}
}
