package ecrapi

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/openecr/openecr/internal/registry"
)

func TestThrottledCallChangesNothing(t *testing.T) {
	r := newRig(t)
	id := r.startUpload(t)
	var asked []string
	r.Throttle = func(_ *http.Request, caller registry.Caller, operation string) time.Duration {
		asked = append(asked, fmt.Sprint(caller.Account, " ", operation))
		return time.Second
	}
	unchanged := r.unchanged(t)
	for operation, body := range map[string]string{
		"CreateRepository": `{"repositoryName":"new"}`,
		"UploadLayerPart":  `{"repositoryName":"hello","uploadId":"` + id + `","partFirstByte":0,"partLastByte":0,"layerPartBlob":"Yw=="}`,
	} {
		asked = nil
		checkAnswer(t, do(r, newRequest(operation, body)), http.StatusBadRequest, `{"__type":"ThrottlingException","message":"Rate exceeded"}`)
		if len(asked) != 1 || asked[0] != account+" "+operation {
			t.Errorf("%s: asked for %v", operation, asked)
		}
	}
	unchanged()
	// Who is not proven to call costs nobody a call.
	asked = nil
	req := newRequest("CreateRepository", `{"repositoryName":"new"}`)
	req.Header.Set("Authorization", "OWNER 00")
	checkAnswer(t, do(r, req), http.StatusBadRequest, `{"__type":"InvalidSignatureException","message":"refused"}`)
	if len(asked) != 0 {
		t.Errorf("asked for %v", asked)
	}
}
