package app

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/openecr/openecr/internal/registry"
)

// logoHandler serves what owners sent as logos. The core has made clean PNGs of them, and no browser is to take them for
// anything else. An address never shows another image, so it may be kept for ever.
func logoHandler(reg *registry.Registry) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "Logos are only read.", http.StatusMethodNotAllowed)
			return
		}
		id, ok := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, registry.LogoPath), ".png")
		image, err := reg.Logo(r.Context(), id)
		if !ok || errors.Is(err, registry.ErrAbsent) {
			http.Error(w, "There is no logo at this address.", http.StatusNotFound)
			return
		}
		observe(r, "logo", registry.Caller{}, err)
		if err != nil {
			http.Error(w, "The server failed to answer. Its log says why under request id "+w.Header().Get("x-amzn-RequestId")+".", http.StatusInternalServerError)
			return
		}
		h := w.Header()
		h.Set("Content-Type", "image/png")
		h.Set("Content-Length", strconv.Itoa(len(image)))
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		if r.Method == http.MethodGet {
			_, _ = w.Write(image) // a client that left does not hear the answer
		}
	})
}
