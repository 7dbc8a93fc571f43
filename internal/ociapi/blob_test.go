package ociapi

import (
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

// fileSink is a ResponseWriter that takes whole readers, as that of net/http does when the kernel can send a file.
type fileSink struct {
	*httptest.ResponseRecorder
	taken io.Reader
}

func (s *fileSink) ReadFrom(r io.Reader) (int64, error) {
	s.taken = r
	return io.Copy(io.Discard, r)
}

func TestFilesReachTheKernelUnwrapped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "blob")
	if err := os.WriteFile(path, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	sink := &fileSink{ResponseRecorder: httptest.NewRecorder()}
	serveBlob(sink, httptest.NewRequestWithContext(t.Context(), "GET", "/", nil), mustDigest(t, someDigest), file)
	limited, ok := sink.taken.(*io.LimitedReader)
	if !ok || limited.R != file {
		t.Errorf("the connection was handed a %T, not the file with a limit", sink.taken)
	}
}
