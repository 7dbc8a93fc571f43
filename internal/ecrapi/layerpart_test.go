package ecrapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/openecr/openecr/internal/blobfs"
	"github.com/openecr/openecr/internal/ref"
)

func partBody(uploadID string, first int, blob []byte) string {
	return fmt.Sprintf(`{"repositoryName":"hello","uploadId":%q,"partFirstByte":%d,"partLastByte":%d,"layerPartBlob":"%s"}`,
		uploadID, first, first+len(blob)-1, base64.StdEncoding.EncodeToString(blob))
}

func TestLargestPartTakesLittleMemory(t *testing.T) {
	const most = 4 << 20 // in all, garbage included
	blobs, err := blobfs.Open(filepath.Join(t.TempDir(), "blobs"))
	must(t, err)
	r := &rig{Server: newServer(t, openMeta(t), blobs)}
	id := r.startUpload(t)

	part := bytes.Repeat([]byte("0123456789abcdef"), maxPart/16)
	req := newRequest("UploadLayerPart", partBody(id, 0, part))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	w := do(r, req)
	runtime.ReadMemStats(&after)
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if total := after.TotalAlloc - before.TotalAlloc; total > most {
		t.Errorf("a part of %d bytes allocated %d bytes", len(part), total)
	}
	digest := ref.DigestBytes(ref.SHA256, part).String()
	r.call(t, "CompleteLayerUpload", `{"repositoryName":"hello","uploadId":"`+id+`","layerDigests":["`+digest+`"]}`)
	r.noSpools(t)
}

// The body is a stream of base64, so that the test itself holds none of it.
func TestPartOverTheLimit(t *testing.T) {
	r := newRig(t)
	id := r.startUpload(t)
	body := func() io.Reader {
		head := `{"repositoryName":"hello","uploadId":"` + id + `","partFirstByte":0,"partLastByte":20971520,"layerPartBlob":"`
		return io.MultiReader(strings.NewReader(head), io.LimitReader(neverEnding('A'), (maxPart/3+1)*4), strings.NewReader(`"}`))
	}
	hash := sha256.New()
	_, err := io.Copy(hash, body())
	must(t, err)
	req := newRequest("UploadLayerPart", "")
	req.Body, req.ContentLength = io.NopCloser(body()), -1
	req.Header.Set("Authorization", "OWNER "+hex.EncodeToString(hash.Sum(nil)))
	unchanged := r.unchanged(t)
	checkAnswer(t, do(r, req), http.StatusBadRequest,
		`{"__type":"InvalidParameterException","message":"Invalid parameter at 'layerPartBlob' failed to satisfy constraint: 'Member must have length less than or equal to 20971520'"}`)
	unchanged()
}

func TestMembersBesideThePartAreBounded(t *testing.T) {
	r := newRig(t)
	id := r.startUpload(t)
	unchanged := r.unchanged(t)
	body := strings.TrimSuffix(partBody(id, 0, []byte("abc")), "}") + `,"x":"` + strings.Repeat("x", maxPartMembers) + `"}`
	checkAnswer(t, do(r, newRequest("UploadLayerPart", body)), http.StatusBadRequest,
		`{"__type":"SerializationException","message":"the members beside layerPartBlob have more than 65536 bytes"}`)
	unchanged()
}

// Only the last of two blobs may reach the layer, however much longer the first one was.
func TestBlobGivenTwice(t *testing.T) {
	r := newRig(t)
	id := r.startUpload(t)
	body := strings.Replace(partBody(id, 0, []byte("abc")), `"layerPartBlob"`, `"layerPartBlob":"`+strings.Repeat("AAAA", 1000)+`","layerPartBlob"`, 1)
	r.call(t, "UploadLayerPart", body)
	r.call(t, "CompleteLayerUpload", `{"repositoryName":"hello","uploadId":"`+id+`","layerDigests":["`+ref.DigestBytes(ref.SHA256, []byte("abc")).String()+`"]}`)
}

// Of parts that follow each other only the last may be shorter than 5 MiB.
func TestPartsOfFiveMiBAndARest(t *testing.T) {
	r := newRig(t)
	id := r.startUpload(t)
	layer := bytes.Repeat([]byte("part"), 5<<20/4+1)
	r.call(t, "UploadLayerPart", partBody(id, 0, layer[:5<<20]))
	r.call(t, "UploadLayerPart", partBody(id, 5<<20, layer[5<<20:]))
	digest := ref.DigestBytes(ref.SHA256, layer).String()
	r.call(t, "CompleteLayerUpload", `{"repositoryName":"hello","uploadId":"`+id+`","layerDigests":["`+digest+`"]}`)
	got := r.call(t, "BatchCheckLayerAvailability", `{"repositoryName":"hello","layerDigests":["`+digest+`"]}`)
	if !strings.Contains(got, `"layerSize":5242884`) {
		t.Error(got)
	}
}
