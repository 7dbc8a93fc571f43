package sqlmeta

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/openecr/openecr/internal/ref"
)

// digestColumn reads a digest key. NULL is the zero digest.
type digestColumn struct{ to *ref.Digest }

func (c digestColumn) Scan(v any) (err error) {
	switch key := v.(type) {
	case nil:
		*c.to = ref.Digest{}
		return nil
	case []byte:
		*c.to, err = ref.DigestFromKey(key)
		return err
	}
	return fmt.Errorf("digest column holds %T instead of bytes", v)
}

// timeColumn reads unix milliseconds. NULL is the zero time.
type timeColumn struct{ to *time.Time }

func (c timeColumn) Scan(v any) error {
	switch ms := v.(type) {
	case nil:
		*c.to = time.Time{}
		return nil
	case int64:
		*c.to = time.UnixMilli(ms).UTC()
		return nil
	}
	return fmt.Errorf("time column holds %T instead of an integer", v)
}

// jsonColumn reads a JSON document.
type jsonColumn struct{ to any }

func (c jsonColumn) Scan(v any) error {
	text, ok := v.(string)
	if !ok {
		return fmt.Errorf("JSON column holds %T instead of text", v)
	}
	return json.Unmarshal([]byte(text), c.to)
}

// orNull is t in milliseconds, NULL for the zero time.
func orNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// keyOrNull is the key of d, NULL for the zero digest.
func keyOrNull(d ref.Digest) any {
	if d.IsZero() {
		return nil
	}
	return d.Key()
}
