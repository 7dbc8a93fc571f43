package ecrapi

import (
	"strconv"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

const (
	checkOperation = "BatchCheckLayerAvailability"
	maxChecked     = 100 // digests in a request
	sha256Key      = 33  // bytes of the key of a digest
	sha256Text     = 71  // and of its text
)

// checkLayers answers a BatchCheckLayerAvailability in the form that clients send, without reflection. When ok is false
// nothing was done: the body has another form, and the general way knows what it means or what is wrong with it. Both
// answer the same to the byte.
func (c *call) checkLayers(body []byte) (answer []byte, ok bool, err error) {
	b := c.buffers
	path, digests, ok := scanCheck(b.digests[:0], body)
	if !ok {
		return nil, false, nil
	}
	statuses, err := c.server.Registry.AppendLayerStatuses(c.r.Context(), b.statuses[:0], c.caller, path, digests)
	if err != nil {
		return nil, true, err
	}
	b.digests, b.statuses = digests, statuses
	b.answer = appendChecked(b.answer[:0], statuses)
	return b.answer, true, nil
}

// scanCheck reads a request that has a repository, 1 to 100 distinct sha256 digests and, maybe, a registry, each once and
// in plain characters; the digests are appended. It is strict where JSON is not: whatever else a body may say, ok is false.
func scanCheck(to []ref.Digest, body []byte) (p registry.Path, digests []ref.Digest, ok bool) {
	s := checkScanner{data: body}
	var room [maxChecked * sha256Key]byte
	keys := room[:0]
	for first := true; first && s.take('{') || !first && s.take(','); first = false {
		member, isText := s.text()
		if !isText || !s.take(':') {
			return p, nil, false
		}
		switch {
		case string(member) == "layerDigests" && len(keys) == 0:
			keys, ok = s.digests(keys)
		case string(member) == "repositoryName" && p.Name == "":
			ok = s.repositoryName(&p.Name)
		case string(member) == "registryId" && p.Registry == "":
			ok = s.registry(&p.Registry)
		default:
			ok = false // unknown, or given twice
		}
		if !ok {
			return p, nil, false
		}
	}
	if !s.take('}') || s.next() != 0 || s.pos < len(body) || p.Name == "" || len(keys) == 0 || repeated(keys) {
		return p, nil, false
	}
	return p, ref.SplitKeys(to, keys), true
}

// checkScanner takes tokens off the front of data.
type checkScanner struct {
	data []byte
	pos  int
}

// next is the first byte that is no white space, 0 at the end.
func (s *checkScanner) next() byte {
	for ; s.pos < len(s.data); s.pos++ {
		switch c := s.data[s.pos]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

func (s *checkScanner) take(c byte) bool {
	if s.next() != c {
		return false
	}
	s.pos++
	return true
}

// text is a string of printable ASCII without escapes.
func (s *checkScanner) text() ([]byte, bool) {
	if !s.take('"') {
		return nil, false
	}
	start := s.pos
	for ; s.pos < len(s.data); s.pos++ {
		switch c := s.data[s.pos]; {
		case c == '"':
			s.pos++
			return s.data[start : s.pos-1], true
		case !isPlain(c):
			return nil, false
		}
	}
	return nil, false
}

func (s *checkScanner) repositoryName(to *ref.RepositoryName) bool {
	text, ok := s.text()
	if !ok {
		return false
	}
	name, err := ref.ParseRepositoryName(string(text))
	*to = name
	return err == nil
}

func (s *checkScanner) registry(to *string) bool {
	const shortest, longest = 2, 50
	text, ok := s.text()
	*to = string(text)
	return ok && len(text) >= shortest && len(text) <= longest
}

// digests appends the keys of a list. AppendKey looks at every character, so nothing else does.
func (s *checkScanner) digests(keys []byte) ([]byte, bool) {
	if !s.take('[') {
		return keys, false
	}
	for {
		if !s.take('"') || len(keys) == cap(keys) {
			return keys, false
		}
		rest := s.data[s.pos:]
		if len(rest) <= sha256Text || rest[sha256Text] != '"' {
			return keys, false
		}
		var ok bool
		if keys, ok = ref.AppendKey(keys, rest[:sha256Text]); !ok {
			return keys, false
		}
		s.pos += sha256Text + len(`"`)
		if !s.take(',') {
			return keys, s.take(']')
		}
	}
}

// repeated says whether two of the keys are equal. It is a hash table without a hash: digests are even by themselves.
func repeated(keys []byte) bool {
	var table [256]byte // 1 + the index of a key; at least half of it stays 0
	for i := 0; i < len(keys); i += sha256Key {
		key := keys[i : i+sha256Key]
		slot := key[1]
		for ; table[slot] != 0; slot++ {
			at := int(table[slot]-1) * sha256Key
			if string(keys[at:at+sha256Key]) == string(key) {
				return true
			}
		}
		table[slot] = byte(i/sha256Key + 1)
	}
	return false
}

// appendChecked is what the general encoder makes of the statuses.
func appendChecked(dst []byte, statuses []registry.LayerStatus) []byte {
	dst = append(dst, `{"failures":[],"layers":[`...)
	mediaType := "" // the last that is plain: nearly all are the same
	for i, status := range statuses {
		if i > 0 {
			dst = append(dst, ',')
		}
		if !status.Available {
			dst = append(dst, `{"layerAvailability":"UNAVAILABLE","layerDigest":"`...)
			dst = status.Digest.Append(dst)
			dst = append(dst, `"}`...)
			continue
		}
		if status.MediaType != mediaType && !isPlainText(status.MediaType) {
			dst, _ = ecrpublic.Append(dst, layerOf(status)) // which fails for other types only
			continue
		}
		mediaType = status.MediaType
		dst = append(dst, `{"layerAvailability":"AVAILABLE","layerDigest":"`...)
		dst = status.Digest.Append(dst)
		dst = append(dst, `","layerSize":`...)
		dst = strconv.AppendInt(dst, status.Size, 10)
		dst = append(dst, `,"mediaType":"`...)
		dst = append(dst, mediaType...)
		dst = append(dst, `"}`...)
	}
	return append(dst, "]}"...)
}

// layerOf is the status of a layer that is there, as the API has it.
func layerOf(status registry.LayerStatus) ecrpublic.Layer {
	return ecrpublic.Layer{
		LayerDigest:       ptr(status.Digest.String()),
		LayerAvailability: ptr(ecrpublic.LayerAvailabilityAvailable),
		LayerSize:         ptr(status.Size),
		MediaType:         ptr(status.MediaType),
	}
}

// isPlain says whether a byte of a JSON string stands for itself and is a character by itself.
func isPlain(c byte) bool { return c >= ' ' && c < 0x7f && c != '"' && c != '\\' }

func isPlainText(s string) bool {
	for i := range len(s) {
		if !isPlain(s[i]) {
			return false
		}
	}
	return true
}
