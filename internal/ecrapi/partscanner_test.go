package ecrapi

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openecr/openecr/ecrpublic"
)

// memSpool is a spoolWriter in memory.
type memSpool struct {
	content []byte
	pos     int64
}

func (m *memSpool) Write(b []byte) (int, error) {
	m.content = append(m.content[:m.pos], b...)
	m.pos += int64(len(b))
	return len(b), nil
}

func (m *memSpool) Seek(offset int64, whence int) (int64, error) {
	if whence != io.SeekStart || offset != 0 {
		return 0, errors.New("only to the start")
	}
	m.pos = 0
	return 0, nil
}

func (m *memSpool) Truncate(size int64) error {
	m.content = m.content[:size]
	return nil
}

// scan reads a request as uploadLayerPart does, given to the scanner in pieces of that many bytes, whole for 0.
func scan(body []byte, piece int) (*ecrpublic.UploadLayerPartRequest, error) {
	spool := new(memSpool)
	scanner := newPartScanner(spool)
	for rest := body; len(rest) > 0; {
		n := len(rest)
		if piece > 0 {
			n = min(n, piece)
		}
		if m, err := scanner.Write(rest[:n]); m != n || err != nil {
			return nil, fmt.Errorf("Write: %d, %w", m, err)
		}
		rest = rest[n:]
	}
	members, size, err := scanner.finish()
	if err != nil {
		return nil, err
	}
	in := new(ecrpublic.UploadLayerPartRequest)
	if err := ecrpublic.Unmarshal(members, in); err != nil {
		return nil, err
	}
	if in.LayerPartBlob != nil {
		if size != int64(len(spool.content)) {
			return nil, fmt.Errorf("size %d of %d bytes", size, len(spool.content))
		}
		in.LayerPartBlob = append([]byte{}, spool.content...)
	}
	return in, nil
}

var pieces = []int{0, 1, 2, 3, 7}

// partRequests are requests that the scanner and the general decoder must understand alike; a blob of "-" means that
// both must refuse the request, and one of "null" that it has none.
var partRequests = []struct{ name, body, blob string }{
	{"blob last", `{"uploadId":"u","partFirstByte":0,"layerPartBlob":"aGVsbG8="}`, "hello"},
	{"blob first", `{"layerPartBlob":"aGVsbG8=","uploadId":"u","partFirstByte":0}`, "hello"},
	{"blob in the middle, with white space", " {\n \"uploadId\" : \"u\" ,\t\"layerPartBlob\" : \r\n \"aGVsbG8=\" , \"partFirstByte\" : 0 } \n", "hello"},
	{"blob alone", `{"layerPartBlob":"aGVsbG8="}`, "hello"},
	{"empty blob", `{"layerPartBlob":""}`, ""},
	{"no blob", `{"uploadId":"u"}`, "null"},
	{"empty object", `{}`, "null"},
	{"null", `{"layerPartBlob":null,"uploadId":"u"}`, "null"},
	{"the last of two counts", `{"layerPartBlob":"aGVsbG8gd29ybGQ=","uploadId":"a","layerPartBlob":"aGVsbG8=","uploadId":"b"}`, "hello"},
	{"null takes a blob back", `{"layerPartBlob":"aGVsbG8=","layerPartBlob":null}`, "null"},
	{"a blob after null", `{"layerPartBlob":null,"layerPartBlob":"aGVsbG8="}`, "hello"},
	{"an empty blob takes another back", `{"layerPartBlob":"aGVsbG8=","layerPartBlob":""}`, ""},
	{"name in a nested object", `{"x":{"layerPartBlob":"!"},"layerPartBlob":"aGVsbG8="}`, "hello"},
	{"name in a nested object, alone", `{"x":{"layerPartBlob":"!"}}`, "null"},
	{"name in a list", `{"x":["layerPartBlob","!",{"layerPartBlob":"!"}],"layerPartBlob":"aGVsbG8="}`, "hello"},
	{"name as a value", `{"x":"layerPartBlob","y":"!","layerPartBlob":"aGVsbG8="}`, "hello"},
	{"name in another case", `{"LayerPartBlob":"!","layerPartBlob":"aGVsbG8="}`, "hello"},
	{"name inside another", `{"layerPartBlobs":"!","alayerPartBlob":"!","layerPartBlob":"aGVsbG8="}`, "hello"},
	{"escapes in the name", `{"l\u0061yerPart\u0042lob":"aGVsbG8="}`, "hello"},
	{"escaped quote in a name", `{"layerPartBlob\"":"!","\\":"!","layerPartBlob":"aGVsbG8="}`, "hello"},
	{"escaped quote in a value", `{"uploadId":"\\\"layerPartBlob\":\"!","layerPartBlob":"aGVsbG8="}`, "hello"},
	{"escaped slashes", `{"layerPartBlob":"\/\/\/\/"}`, "\xff\xff\xff"},
	{"escaped plus", `{"layerPartBlob":"\u002b\u002B++"}`, "\xfb\xef\xbe"},
	{"escaped padding", `{"layerPartBlob":"aGVsbG8\u003d"}`, "hello"},
	{"all escaped", `{"layerPartBlob":"\u0061\u0047\u0056\u0073\u0062\u0047\u0038\u003D"}`, "hello"},
	{"bits after the end are ignored", `{"layerPartBlob":"aGVsbG9="}`, "hello"},

	{"no padding", `{"layerPartBlob":"aGVsbG8"}`, "-"},
	{"padding inside", `{"layerPartBlob":"aGVsbG8=aGVsbG8="}`, "-"},
	{"padding twice", `{"layerPartBlob":"aGVsbG8=="}`, "-"},
	{"padding alone", `{"layerPartBlob":"===="}`, "-"},
	{"too much padding", `{"layerPartBlob":"a==="}`, "-"},
	{"line break in the base64", `{"layerPartBlob":"aGVs\nbG8="}`, "-"},
	{"carriage returns alone", `{"layerPartBlob":"\r\r\r\r"}`, "-"},
	{"line break behind the base64", `{"layerPartBlob":"aGVsbG8=\r\n"}`, "-"},
	{"raw line break", "{\"layerPartBlob\":\"aGVs\nbG8=\"}", "-"},
	{"space in the base64", `{"layerPartBlob":"aGVs bG8="}`, "-"},
	{"URL alphabet", `{"layerPartBlob":"__--"}`, "-"},
	{"not UTF-8", "{\"layerPartBlob\":\"aGVs\xff\"}", "-"},
	{"NUL", `{"layerPartBlob":"aGVs\u0000AAA"}`, "-"},
	{"half a surrogate pair", `{"layerPartBlob":"aGVs\ud83d"}`, "-"},
	{"unknown escape", `{"layerPartBlob":"aGVs\xbG8="}`, "-"},
	{"escaped quote in the base64", `{"layerPartBlob":"aGVs\"bG8="}`, "-"},
	{"short escape", `{"layerPartBlob":"aGVsbG8\u3d"}`, "-"},
	{"escape without end", `{"layerPartBlob":"aGVsbG8\u003`, "-"},
	{"blob without end", `{"layerPartBlob":"aGVsbG8=`, "-"},
	{"name without end", `{"layerPartBlob`, "-"},
	{"first of two is broken", `{"layerPartBlob":"!","layerPartBlob":"aGVsbG8="}`, "-"},
	{"number", `{"layerPartBlob":7}`, "-"},
	{"number, then a string", `{"layerPartBlob":7"aGVsbG8="}`, "-"},
	{"object", `{"layerPartBlob":{"layerPartBlob":"aGVsbG8="}}`, "-"},
	{"list", `{"layerPartBlob":["aGVsbG8="]}`, "-"},
	{"two strings", `{"layerPartBlob":"aGVs""bG8="}`, "-"},
	{"no colon", `{"layerPartBlob" "aGVsbG8="}`, "-"},
	{"two colons", `{"layerPartBlob"::"aGVsbG8="}`, "-"},
	{"no comma", `{"uploadId":"u""layerPartBlob":"aGVsbG8="}`, "-"},
	{"comma at the end", `{"layerPartBlob":"aGVsbG8=",}`, "-"},
	{"list around it", `["layerPartBlob","aGVsbG8="]`, "-"},
	{"object around it", `{{"layerPartBlob":"aGVsbG8="}}`, "-"},
	{"closed before it is open", `}{"layerPartBlob":"aGVsbG8="}`, "-"},
	{"second object", `{"layerPartBlob":"aGVsbG8="}{"layerPartBlob":"aGVsbG8="}`, "-"},
	{"nothing", ``, "-"},
	{"a string", `"layerPartBlob"`, "-"},
}

func TestPartScannerUnderstandsRequestsLikeTheGeneralDecoder(t *testing.T) {
	for _, c := range partRequests {
		t.Run(c.name, func(t *testing.T) {
			want := new(ecrpublic.UploadLayerPartRequest)
			wantErr := ecrpublic.Unmarshal([]byte(c.body), want)
			switch {
			case (wantErr != nil) != (c.blob == "-"):
				t.Fatalf("the general decoder says %v", wantErr)
			case wantErr == nil && (want.LayerPartBlob == nil) != (c.blob == "null"):
				t.Fatalf("the general decoder reads the blob %q", want.LayerPartBlob)
			case want.LayerPartBlob != nil && string(want.LayerPartBlob) != c.blob:
				t.Fatalf("the general decoder reads the blob %q", want.LayerPartBlob)
			}
			for _, piece := range pieces {
				compareScan(t, []byte(c.body), piece, want, wantErr)
			}
		})
	}
}

func compareScan(t *testing.T, body []byte, piece int, want *ecrpublic.UploadLayerPartRequest, wantErr error) {
	t.Helper()
	got, err := scan(body, piece)
	if (err != nil) != (wantErr != nil) {
		t.Fatalf("in pieces of %d: %v instead of %v", piece, err, wantErr)
	}
	if err != nil {
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("in pieces of %d (-general +scanner):\n%s", piece, diff)
	}
}

func FuzzPartScanner(f *testing.F) {
	for i, c := range partRequests {
		f.Add([]byte(c.body), byte(i))
	}
	f.Fuzz(func(t *testing.T, body []byte, piece byte) {
		if len(body) > maxPartMembers {
			return // the scanner has a limit that the general decoder has not
		}
		want := new(ecrpublic.UploadLayerPartRequest)
		wantErr := ecrpublic.Unmarshal(body, want)
		compareScan(t, body, int(piece), want, wantErr)
	})
}

// A blob of several of the windows in which a body is read, with escapes all over it.
func TestPartScannerAcrossWindows(t *testing.T) {
	blob := make([]byte, 100_001)
	for i := range blob {
		blob[i] = byte(i * i >> 3)
	}
	text := base64.StdEncoding.EncodeToString(blob)
	escaped := strings.NewReplacer("/", `\/`, "+", `\u002b`, "A", `\u0041`).Replace(text)
	for _, body := range []string{text, escaped} {
		for _, piece := range []int{0, 1, 7, 4096, 64<<10 - 1} {
			got, err := scan([]byte(`{"layerPartBlob":"`+body+`","uploadId":"u"}`), piece)
			must(t, err)
			if !bytes.Equal(got.LayerPartBlob, blob) || *got.UploadId != "u" {
				t.Errorf("in pieces of %d: %d bytes, upload %q", piece, len(got.LayerPartBlob), *got.UploadId)
			}
		}
	}
}

func TestPartScannerBoundsWhatItKeeps(t *testing.T) {
	fits := `{"layerPartBlob":"aGVsbG8=","x":"` + strings.Repeat("x", maxPartMembers-len(`{"layerPartBlob":"","x":""}`)) + `"}`
	if _, err := scan([]byte(fits), 0); err != nil {
		t.Errorf("%d bytes of members: %v", maxPartMembers, err)
	}
	for name, body := range map[string]string{
		"value":       `{"x":"` + strings.Repeat("x", maxPartMembers) + `"}`,
		"name":        `{"` + strings.Repeat("x", maxPartMembers) + `":1}`,
		"white space": `{"x":1` + strings.Repeat(" ", maxPartMembers) + `}`,
		"depth":       strings.Repeat("[", maxPartMembers+1),
	} {
		scanner := newPartScanner(new(memSpool))
		for range 100 {
			if n, err := scanner.Write([]byte(body)); n != len(body) || err != nil {
				t.Fatal(n, err)
			}
		}
		_, _, err := scanner.finish()
		var refused *Error
		if !errors.As(err, &refused) || refused.Code != "SerializationException" || refused.Message != "the members beside layerPartBlob have more than 65536 bytes" {
			t.Errorf("%s: %v", name, err)
		}
		if cap(scanner.rest) > 2*maxPartMembers || cap(scanner.key) > 2*maxPartMembers {
			t.Errorf("%s: %d and %d bytes are held", name, cap(scanner.rest), cap(scanner.key))
		}
	}
}

func TestPartScannerTellsAFullSpoolFromABrokenBlob(t *testing.T) {
	closed, err := os.CreateTemp(t.TempDir(), "spool")
	must(t, err)
	must(t, closed.Close())
	scanner := newPartScanner(closed)
	_, _ = scanner.Write([]byte(`{"layerPartBlob":"aGVsbG8="}`))
	_, _, err = scanner.finish()
	var known exception
	if !errors.Is(err, os.ErrClosed) || errors.As(err, &known) {
		t.Errorf("%v, which is an exception: %v", err, known)
	}
}
