//go:build e2e

package blobs3_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/openecr/openecr/internal/enginetest"
)

func TestUploadGoesOnAtAnyNodeOverARealServer(t *testing.T) {
	testUploadGoesOnAtAnyNode(t, gatewayOptions(t, enginetest.S3(t)))
}

// The server goes away in the middle of a part, of sealing and of reading, each time for as long as nobody's patience
// should end: clients notice nothing but the wait.
func TestOutageOfTwentySecondsIsRiddenOut(t *testing.T) {
	gateway := enginetest.S3(t)
	f := newFleet(t, gatewayOptions(t, gateway))
	content := randomBytes(1, 25*mib)
	outage := func() {
		gateway.Stop()
		time.AfterFunc(20*time.Second, gateway.Start)
	}
	up, err := f.appendReader(0, f.start(), int64(len(content)),
		io.MultiReader(bytes.NewReader(content[:11*mib]), afterwards(outage), bytes.NewReader(content[11*mib:])))
	if err != nil {
		t.Fatal(err)
	}
	f.mustFinish(1, up, content)
}

func TestAddressOfABlobHoldsForItAlone(t *testing.T) {
	o := gatewayOptions(t, enginetest.S3(t))
	o.Redirect = true
	s := open(t, o)
	content := randomBytes(1, 6*mib)
	address, err := s.Presign(t.Context(), store(t, s, content))
	if err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]int{address: http.StatusPartialContent, address + "0": http.StatusForbidden} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Range", "bytes=100-199")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != want {
			t.Errorf("%s: %s and %v, want %d", url, res.Status, err, want)
		}
		if want == http.StatusPartialContent && (!bytes.Equal(got, content[100:200]) || res.Header.Get("Content-Type") != "application/octet-stream") {
			t.Errorf("%s gives %d bytes of %s", url, len(got), res.Header.Get("Content-Type"))
		}
	}
	http.DefaultClient.CloseIdleConnections()
}
