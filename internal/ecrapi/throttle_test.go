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
		return 1500 * time.Millisecond
	}
	unchanged := r.unchanged(t)
	for operation, body := range map[string]string{
		"CreateRepository": `{"repositoryName":"new"}`,
		"UploadLayerPart":  `{"repositoryName":"hello","uploadId":"` + id + `","partFirstByte":0,"partLastByte":0,"layerPartBlob":"Yw=="}`,
	} {
		asked = nil
		answer := do(r, newRequest(operation, body))
		checkAnswer(t, answer, http.StatusBadRequest, `{"__type":"ThrottlingException","message":"Rate exceeded"}`)
		if after := answer.Header().Get("Retry-After"); after != "2" {
			t.Errorf("%s: Retry-After %q", operation, after)
		}
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

func TestCallWithoutAPlaceChangesNothing(t *testing.T) {
	for _, c := range []struct {
		kind             registry.Kind
		status           int
		exception, again string
	}{
		{registry.Overloaded, http.StatusBadRequest, "ThrottlingException", "1"},
		{registry.NoRoom, http.StatusInsufficientStorage, "ServiceUnavailableException", "30"},
	} {
		r := newRig(t)
		id := r.startUpload(t)
		unchanged := r.unchanged(t)
		refusal := &registry.Error{Kind: c.kind, Message: "Not now"}
		for operation, body := range map[string]string{
			"CreateRepository": `{"repositoryName":"new"}`,
			"UploadLayerPart":  `{"repositoryName":"hello","uploadId":"` + id + `","partFirstByte":0,"partLastByte":0,"layerPartBlob":"Yw=="}`,
		} {
			check := func() {
				t.Helper()
				answer := do(r, newRequest(operation, body))
				checkAnswer(t, answer, c.status, `{"__type":"`+c.exception+`","message":"Not now"}`)
				if after := answer.Header().Get("Retry-After"); after != c.again {
					t.Errorf("%s: Retry-After %q", operation, after)
				}
			}
			var held int64
			r.Receive = func(_ *http.Request, asked string, bytes int64) error {
				if held = bytes; asked != operation {
					t.Errorf("%s asked to receive %s", operation, asked)
				}
				return refusal
			}
			check()
			if want := map[string]int64{"CreateRepository": int64(len(body)), "UploadLayerPart": partBuffer}[operation]; held != want {
				t.Errorf("%s holds %d bytes of its body, want %d", operation, held, want)
			}
			r.Receive = func(*http.Request, string, int64) error { return nil }
			r.Admit = func(_ *http.Request, caller registry.Caller, asked string) error {
				if caller.Account != account || asked != operation {
					t.Errorf("%s is %s of %s", operation, asked, caller.Account)
				}
				return refusal
			}
			check()
			r.Admit = func(*http.Request, registry.Caller, string) error { return nil }
		}
		unchanged()
	}
}
