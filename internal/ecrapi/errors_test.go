package ecrapi

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/registry"
)

func TestEveryKindHasAnException(t *testing.T) {
	for _, kind := range registry.Kinds() {
		if codes[kind] == "" {
			t.Errorf("kind %d has none", kind)
		}
	}
	if len(codes) != len(registry.Kinds()) {
		t.Errorf("%d exceptions for %d kinds", len(codes), len(registry.Kinds()))
	}
}

func TestEveryOperationAnswersWhatItModels(t *testing.T) {
	for _, op := range ecrpublic.Operations() {
		models := func(code string) bool {
			return slices.ContainsFunc(op.Errors, func(s *ecrpublic.Shape) bool { return s.Name == code })
		}
		if op.Name == "GetRegistryCatalogData" {
			continue // has no input, and models no mistake of a caller
		}
		for _, kind := range registry.Kinds() {
			got := code(op, kind)
			switch {
			case slices.Contains(common, kind):
				if got != codes[kind] {
					t.Errorf("%s: kind %d is %s", op.Name, kind, got)
				}
			case models(codes[kind]) && got != codes[kind]:
				t.Errorf("%s: kind %d is %s instead of its own %s", op.Name, kind, got, codes[kind])
			case !models(got):
				t.Errorf("%s: kind %d is %s, which the operation does not model", op.Name, kind, got)
			}
		}
	}
}

func TestEveryCodeHasAShape(t *testing.T) {
	known := map[string]bool{"AccessDeniedException": true, "ServiceUnavailableException": true, "ThrottlingException": true} // common to all services
	for _, op := range ecrpublic.Operations() {
		for _, shape := range op.Errors {
			known[shape.Name] = true
		}
	}
	for kind, code := range codes {
		if !known[code] {
			t.Errorf("kind %d: %s is no exception of the API", kind, code)
		}
	}
}

func TestInternalErrorsTellNothingOfTheirCause(t *testing.T) {
	cause := errors.New("disk /dev/secret is on fire")
	const want = `{"__type":"ServerException","message":"The server failed to answer. Its log says why under request id ` + requestID + `."}`
	t.Run("store", func(t *testing.T) {
		r := newRig(t)
		r.meta.fail = cause
		for _, operation := range []string{"DescribeRepositories", "DescribeRegistries"} {
			checkAnswer(t, do(r, newRequest(operation, "{}")), http.StatusInternalServerError, want)
			if last := r.observed[len(r.observed)-1]; !errors.Is(last.err, cause) || last.operation != operation || last.caller.Account != account {
				t.Errorf("observed %+v", last)
			}
		}
	})
	t.Run("blobs", func(t *testing.T) {
		r := newRig(t)
		id := r.startUpload(t)
		r.blobs.Fault = func(string, string) (bool, error) { return false, cause }
		part := `{"repositoryName":"hello","uploadId":"` + id + `","partFirstByte":0,"partLastByte":0,"layerPartBlob":"Yw=="}`
		checkAnswer(t, do(r, newRequest("UploadLayerPart", part)), http.StatusInternalServerError, want)
		r.blobs.Fault = nil
		checkAnswer(t, do(r, newRequest("UploadLayerPart", part)), http.StatusOK,
			`{"lastByteReceived":0,"registryId":"123456789012","repositoryName":"hello","uploadId":"`+id+`"}`)
		r.noSpools(t)
	})
	t.Run("key store", func(t *testing.T) {
		r := newRig(t)
		r.Begin = func(*http.Request) (Pending, error) { return nil, cause }
		checkAnswer(t, do(r, newRequest("DescribeRegistries", "{}")), http.StatusInternalServerError, want)
	})
	t.Run("spool folder", func(t *testing.T) {
		r := newRig(t)
		good := r.SpoolDir
		r.SpoolDir = good + "/absent"
		checkAnswer(t, do(r, newRequest("UploadLayerPart", "{}")), http.StatusInternalServerError, want)
		r.SpoolDir = good
		r.noSpools(t)
	})
}

func TestExceptionsOfOthersPassWithTheirStatus(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct {
		err    error
		status int
		body   string
	}{
		{refusedError{"ExpiredTokenException"}, 400, `{"__type":"ExpiredTokenException","message":"refused"}`},
		{fmt.Errorf("wrapped: %w", refusedError{"ExpiredTokenException"}), 400, `{"__type":"ExpiredTokenException","message":"refused"}`},
		{&Error{Code: "ServiceUnavailable", Message: "later", Status: 503, cause: errors.New("secret")}, 503, `{"__type":"ServiceUnavailable","message":"later"}`},
		{&ecrpublic.LimitExceededException{}, 400, `{"__type":"LimitExceededException","message":""}`},
	} {
		r.Begin = func(*http.Request) (Pending, error) { return nil, c.err }
		checkAnswer(t, do(r, newRequest("DescribeRegistries", "{}")), c.status, c.body)
	}
}

func TestInvalidLayerPartNamesTheUpload(t *testing.T) {
	op, _ := ecrpublic.OperationByName("UploadLayerPart")
	const id = "6cb64b8a-9378-0e33-2ab1-b780fab8a9e9"
	body := refusal(op, &registry.Error{
		Kind:       registry.InvalidLayerPart,
		Message:    "First byte of the layer part is 0 instead of 11304960",
		Upload:     &registry.Upload{ID: id, Offset: 11304960},
		Repository: registry.Path{Registry: account, Name: "hello"},
	})
	const want = `{"__type":"InvalidLayerPartException","lastValidByteReceived":11304959,` +
		`"message":"First byte of the layer part is 0 instead of 11304960","registryId":"123456789012",` +
		`"repositoryName":"hello","uploadId":"` + id + `"}`
	if string(body) != want {
		t.Errorf("got  %s\nwant %s", body, want)
	}
	var decoded *ecrpublic.InvalidLayerPartException
	if err := op.ErrorFromJSON("InvalidLayerPartException", body); !errors.As(err, &decoded) || *decoded.LastValidByteReceived != 11304959 {
		t.Errorf("the client reads %v", err)
	}
}

func TestUnknownOperationIsClipped(t *testing.T) {
	r := newRequest("", "{}")
	r.Header.Set("X-Amz-Target", strings.Repeat("é", 10_000))
	w := do(newRig(t), r)
	if w.Code != http.StatusBadRequest || w.Body.Len() > 1000 {
		t.Errorf("%d with %d bytes", w.Code, w.Body.Len())
	}
}

func TestEveryOperationHasAHandler(t *testing.T) {
	handlers := newRig(t).handlers
	for _, op := range ecrpublic.Operations() {
		if (handlers[op.Name] != nil) == (op.Name == "UploadLayerPart") { // the one that is not decoded as a whole
			t.Errorf("%s: has a handler: %t", op.Name, handlers[op.Name] != nil)
		}
	}
}
