package ecrapi

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/openecr/openecr/ecrpublic"
)

func checkAnswer(t *testing.T, w *httptest.ResponseRecorder, status int, body string) {
	t.Helper()
	if w.Code != status {
		t.Errorf("status %d instead of %d", w.Code, status)
	}
	if got := w.Body.String(); got != body {
		t.Errorf("body\ngot  %s\nwant %s", got, body)
	}
	if got := w.Header().Get("Content-Type"); got != ecrpublic.ContentType {
		t.Errorf("Content-Type %q", got)
	}
}

func TestTargetsThatNameNoOperation(t *testing.T) {
	r := newRig(t)
	for _, target := range []string{
		"",
		"DescribeRegistries",
		"SpencerFrontendService",
		"SpencerFrontendService.",
		"SpencerFrontendService.describeRegistries",
		"SpencerFrontendService.DescribeRegistries ",
		"SpencerFrontendService.DescribeRegistries.x",
		"AmazonEC2ContainerRegistry_V20150921.DescribeRepositories",
		"spencerfrontendservice.DescribeRegistries",
		`"<\`,
	} {
		t.Run(target, func(t *testing.T) {
			body := &countingReader{Reader: strings.NewReader("{}")}
			req := httptest.NewRequest(http.MethodPost, "/", body)
			req.Header.Set("X-Amz-Target", target)
			want := fmt.Sprintf(`{"__type":"UnknownOperationException","message":%q}`, fmt.Sprintf("The operation %q does not exist in ECR Public: check the X-Amz-Target header.", target))
			checkAnswer(t, do(r, req), http.StatusBadRequest, want)
			if body.n != 0 {
				t.Errorf("%d bytes of the body were read", body.n)
			}
		})
	}
}

func TestBodiesThatAreNotTheJSONOfAnOperation(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct{ name, body, message string }{
		{"nothing", "", "cannot read the JSON: expected an object but found the end at byte 0"},
		{"null", "null", "cannot read the JSON: expected an object but found null at byte 0"},
		{"a list", "[]", "cannot read the JSON: expected an object but found a list at byte 0"},
		{"a query string", "Action=DescribeRegistries", "cannot read the JSON: expected an object but found 'A' at byte 0"},
		{"no end", `{"repositoryName":"hello"`, "cannot read the JSON: expected a comma or '}' but found the end at byte 25"},
		{"bytes behind it", `{"repositoryName":"hello"}x`, "cannot read the JSON: something follows the object at byte 26"},
		{"two objects", `{"repositoryName":"hello"}{}`, "cannot read the JSON: something follows the object at byte 26"},
		{"not UTF-8", "{\"repositoryName\":\"\xff\"}", "cannot read the JSON: it is not UTF-8"},
		{"not UTF-8 in a member that is ignored", "{\"repositoryName\":\"hello\",\"x\":\"\xff\"}", "cannot read the JSON: it is not UTF-8"},
		{"a name of another type", `{"repositoryName":7}`, "cannot read 'repositoryName': expected a string but found a number at byte 18"},
		{"a wrong type deep inside", `{"repositoryName":"hello","tags":[{"Key":"a"},{"Key":{}}]}`, "cannot read 'tags[1].Key': expected a string but found an object at byte 53"},
		{"too deep", `{"x":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + "}", "cannot read the JSON: more than 100 levels at byte 104"},
	} {
		t.Run(c.name, func(t *testing.T) {
			unchanged := r.unchanged(t)
			checkAnswer(t, do(r, newRequest("CreateRepository", c.body)), http.StatusBadRequest, fmt.Sprintf(`{"__type":"SerializationException","message":%q}`, c.message))
			unchanged()
			w := do(r, newRequest("UploadLayerPart", c.body)) // the other way of reading a body
			if w.Code != http.StatusBadRequest {
				t.Errorf("UploadLayerPart: %d %s", w.Code, w.Body)
			}
			unchanged()
		})
	}
}

func TestMemberNamesAreCaseSensitive(t *testing.T) {
	r := newRig(t)
	checkAnswer(t, do(r, newRequest("CreateRepository", `{"RepositoryName":"hello"}`)), http.StatusBadRequest,
		`{"__type":"InvalidParameterException","message":"Invalid parameter at 'repositoryName' failed to satisfy constraint: 'Member must not be null'"}`)
}

func TestRefusedHeadersCostNoRead(t *testing.T) {
	r := newRig(t)
	for _, op := range ecrpublic.Operations() {
		unchanged := r.unchanged(t)
		req := newRequest(op.Name, "")
		req.Header.Set("Authorization", "NOBODY")
		body := &countingReader{Reader: strings.NewReader(`{"repositoryName":"hello"}`)}
		req.Body, req.ContentLength = io.NopCloser(body), 1<<40
		checkAnswer(t, do(r, req), http.StatusBadRequest, `{"__type":"UnrecognizedClientException","message":"refused"}`)
		if body.n != 0 {
			t.Errorf("%s: %d bytes of the body were read", op.Name, body.n)
		}
		unchanged()
	}
}

func TestWrongSignatureChangesNothing(t *testing.T) {
	r := newRig(t)
	id := r.startUpload(t)
	for operation, body := range map[string]string{
		"CreateRepository": `{"repositoryName":"new"}`,
		"DeleteRepository": `{"repositoryName":"hello","force":true}`,
		"UploadLayerPart":  `{"repositoryName":"hello","uploadId":"` + id + `","partFirstByte":0,"partLastByte":0,"layerPartBlob":"Yw=="}`,
	} {
		// What is wrong with the body is nobody's business but the signer's.
		for _, sent := range []string{body, "{", "{}", `{"layerPartBlob":"!"}`} {
			unchanged := r.unchanged(t)
			req := newRequest(operation, sent)
			req.Header.Set("Authorization", "OWNER 00")
			checkAnswer(t, do(r, req), http.StatusBadRequest, `{"__type":"InvalidSignatureException","message":"refused"}`)
			unchanged()
		}
	}
	for _, o := range r.observed[2:] {
		if !o.caller.Anonymous() || o.err == nil {
			t.Errorf("observed %+v", o)
		}
	}
}

func TestBodiesOverTheirLimit(t *testing.T) {
	r := newRig(t)
	for _, op := range ecrpublic.Operations() {
		limit := bodyLimit(op)
		want := fmt.Sprintf(`{"__type":"RequestEntityTooLargeException","message":"The body of a %s request has at most %d bytes."}`, op.Name, limit)
		unchanged := r.unchanged(t)

		declared := newRequest(op.Name, "")
		body := &countingReader{Reader: neverEnding(' ')}
		declared.Body, declared.ContentLength = io.NopCloser(body), limit+1
		checkAnswer(t, do(r, declared), http.StatusRequestEntityTooLarge, want)
		if body.n != 0 {
			t.Errorf("%s: %d bytes of a body that declares to be too large were read", op.Name, body.n)
		}
		if op.Name != "CreateRepository" && op.Name != "UploadLayerPart" {
			continue // read in the same way as CreateRepository
		}
		chunked := newRequest(op.Name, "")
		chunked.Body, chunked.ContentLength = io.NopCloser(body), -1
		checkAnswer(t, do(r, chunked), http.StatusRequestEntityTooLarge, want)
		if body.n > limit+1 {
			t.Errorf("%s: %d bytes were read to find out", op.Name, body.n)
		}
		unchanged()
	}
}

type neverEnding byte

func (c neverEnding) Read(b []byte) (int, error) {
	b[0] = byte(c)
	for n := 1; n < len(b); n *= 2 {
		copy(b[n:], b[:n])
	}
	return len(b), nil
}

// The limits leave room for what encoders do to the largest members.
func TestLargestMembersFit(t *testing.T) {
	part, _ := ecrpublic.OperationByName("UploadLayerPart")
	const chars = (maxPart + 2) / 3 * 4
	// Of 64 characters of base64, "+" and "/" are two: escaped as \u002B and \/, they are six more bytes.
	if escaped := int64(chars + chars/64*6 + maxPartMembers); bodyLimit(part) < escaped {
		t.Errorf("a part of %d bytes may take %d in JSON, and the limit is %d", maxPart, escaped, bodyLimit(part))
	}
	image, _ := ecrpublic.OperationByName("PutImage")
	if limit := bodyLimit(image); limit < 2*(4<<20)+maxPartMembers {
		t.Errorf("a manifest of 4 MiB with escaped quotes does not fit into %d", limit)
	}
	create, _ := ecrpublic.OperationByName("CreateRepository")
	if limit := bodyLimit(create); limit < 512_000/3*4+6*(1024+2*25_600) {
		t.Errorf("catalog data does not fit into %d", limit)
	}
}

func TestBodyThatEndsEarly(t *testing.T) {
	r := newRig(t)
	id := r.startUpload(t)
	gone := errors.New("connection reset")
	for operation, begun := range map[string]string{
		"CreateRepository": `{"repositoryName":"new"}`,
		"UploadLayerPart":  `{"repositoryName":"hello","uploadId":"` + id + `","partFirstByte":0,"partLastByte":2,"layerPartBlob":"YWJj"}`,
	} {
		unchanged := r.unchanged(t)
		req := newRequest(operation, begun)
		req.Body = io.NopCloser(io.MultiReader(strings.NewReader(begun), iotest.ErrReader(gone)))
		checkAnswer(t, do(r, req), http.StatusBadRequest, `{"__type":"RequestTimeoutException","message":"The body of the request did not arrive whole: send it again."}`)
		if last := r.observed[len(r.observed)-1]; !errors.Is(last.err, gone) {
			t.Errorf("observed %v", last.err)
		}
		unchanged()
	}
}

func TestObserveHearsOnceOfEveryRequest(t *testing.T) {
	r := newRig(t)
	do(r, newRequest("DescribeRegistries", "{}"))
	do(r, newRequest("CreateRepository", "{}"))
	do(r, newRequest("Nonsense", "{}"))
	var got []string
	for _, o := range r.observed {
		got = append(got, fmt.Sprintf("%s by %s: %t", o.operation, o.caller.KeyID, o.err != nil))
	}
	if want := "[DescribeRegistries by OWNER: false CreateRepository by OWNER: true  by : true]"; fmt.Sprint(got) != want {
		t.Errorf("got  %v\nwant %s", got, want)
	}
}

func TestServerWithoutObserver(t *testing.T) {
	o := newRig(t).Options
	o.Observe = nil
	if w := do(New(o), newRequest("DescribeRegistries", "{}")); w.Code != http.StatusOK {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
