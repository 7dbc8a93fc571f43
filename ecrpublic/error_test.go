package ecrpublic

import (
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"

	smithy "github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
)

func operation(t testing.TB, name string) *Operation {
	t.Helper()
	op, ok := OperationByName(name)
	if !ok {
		t.Fatalf("no operation %s", name)
	}
	return op
}

func TestExceptionsCarryTheirCodeAndFault(t *testing.T) {
	seen := map[string]bool{}
	for _, op := range Operations() {
		for _, s := range op.Errors {
			seen[s.Name] = true
			e := op.exception(s.Name)
			if e.ErrorCode() != s.Name {
				t.Errorf("%T has the code %s", e, e.ErrorCode())
			}
			want := smithy.FaultClient
			if s.Name == "ServerException" {
				want = smithy.FaultServer
			}
			if e.ErrorFault() != want {
				t.Errorf("%T is the fault of the %s", e, e.ErrorFault())
			}
			if e.Error() != s.Name || e.ErrorMessage() != "" {
				t.Errorf("%T without a message reads %q", e, e.Error())
			}
			_ = withMessage(e, new("m"))
			if e.Error() != s.Name+": m" || e.ErrorMessage() != "m" {
				t.Errorf("%T with a message reads %q", e, e.Error())
			}
		}
	}
	if len(seen) != 24 {
		t.Errorf("%d exceptions, want 24", len(seen))
	}
}

func TestErrorFromJSON(t *testing.T) {
	tests := map[string]struct {
		op, code, body string
		want           error
	}{
		"modelled":            {"BatchCheckLayerAvailability", "RepositoryNotFoundException", `{"__type":"x","message":"m"}`, &RepositoryNotFoundException{Message: new("m")}},
		"upper-case message":  {"BatchCheckLayerAvailability", "ServerException", `{"Message":"m"}`, &ServerException{Message: new("m")}},
		"no message":          {"BatchCheckLayerAvailability", "ServerException", `{}`, &ServerException{}},
		"modelled elsewhere":  {"BatchCheckLayerAvailability", "LimitExceededException", `{"message":"m"}`, &UnknownOperationError{"LimitExceededException", new("m")}},
		"modelled nowhere":    {"BatchCheckLayerAvailability", "ThrottlingException", `{"Message":"m"}`, &UnknownOperationError{"ThrottlingException", new("m")}},
		"unknown, no message": {"BatchCheckLayerAvailability", "X", `{}`, &UnknownOperationError{"X", nil}},
		"unreadable":          {"BatchCheckLayerAvailability", "ServerException", `<html>`, &UnknownOperationError{"ServerException", nil}},
		"empty":               {"BatchCheckLayerAvailability", "ServerException", ``, &UnknownOperationError{"ServerException", nil}},
		"wrong type":          {"BatchCheckLayerAvailability", "ServerException", `{"message":1}`, &UnknownOperationError{"ServerException", nil}},
		"extra members": {
			"UploadLayerPart", "InvalidLayerPartException",
			`{"lastValidByteReceived":9,"message":"m","registryId":"r","repositoryName":"n","uploadId":"u"}`,
			&InvalidLayerPartException{new("r"), new("n"), new("u"), new(int64(9)), new("m")},
		},
		"extra member of a wrong type": {
			"UploadLayerPart", "InvalidLayerPartException", `{"lastValidByteReceived":"9","message":"m"}`,
			&UnknownOperationError{"InvalidLayerPartException", new("m")},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := operation(t, test.op).ErrorFromJSON(test.code, []byte(test.body))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestErrorFromXML(t *testing.T) {
	layerPart := &InvalidLayerPartException{LastValidByteReceived: new(int64(9)), Message: new("m & m")}
	const members = `<Type>Sender</Type><Code>x</Code><message>m &amp; m</message><lastValidByteReceived> 9 </lastValidByteReceived>`
	tests := map[string]struct {
		code, body string
		want       error
	}{
		"bare":                   {"InvalidLayerPartException", `<InvalidLayerPartException>` + members + `</InvalidLayerPartException>`, layerPart},
		"Error":                  {"InvalidLayerPartException", `<?xml version="1.0"?><Error>` + members + `</Error>`, layerPart},
		"ErrorResponse":          {"InvalidLayerPartException", `<ErrorResponse xmlns="http://x/"><Error>` + members + `</Error><RequestId>r</RequestId></ErrorResponse>`, layerPart},
		"Response":               {"InvalidLayerPartException", `<Response><Errors><Error>` + members + `</Error></Errors><RequestID>r</RequestID></Response>`, layerPart},
		"unmodelled":             {"SlowDown", `<Error><Message>m</Message></Error>`, &UnknownOperationError{"SlowDown", new("m")}},
		"upper-case message":     {"UploadNotFoundException", `<Error><Message>m</Message></Error>`, &UploadNotFoundException{Message: new("m")}},
		"no message":             {"UploadNotFoundException", `<Error/>`, &UploadNotFoundException{}},
		"unreadable":             {"UploadNotFoundException", `<Error>`, &UnknownOperationError{"UploadNotFoundException", nil}},
		"not XML":                {"UploadNotFoundException", `{"message":"m"}`, &UnknownOperationError{"UploadNotFoundException", nil}},
		"number that is no such": {"InvalidLayerPartException", `<Error><message>m</message><lastValidByteReceived>x</lastValidByteReceived></Error>`, &UnknownOperationError{"InvalidLayerPartException", new("m")}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := operation(t, "UploadLayerPart").ErrorFromXML(test.code, []byte(test.body))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestErrorFromResponseFindsTheCode(t *testing.T) {
	found := &RepositoryNotFoundException{Message: new("m")}
	tests := map[string]struct {
		status       int
		header, body string
		want         error
	}{
		"type":                {400, "", `{"__type":"RepositoryNotFoundException","message":"m"}`, found},
		"namespace":           {400, "", `{"__type":"com.amazonaws.ecr#RepositoryNotFoundException","message":"m"}`, found},
		"code":                {400, "", `{"code":"RepositoryNotFoundException","message":"m"}`, found},
		"type before code":    {400, "", `{"code":"X","__type":"RepositoryNotFoundException","message":"m"}`, found},
		"header":              {400, "RepositoryNotFoundException", `{"message":"m"}`, found},
		"header before body":  {400, "RepositoryNotFoundException", `{"__type":"X","message":"m"}`, found},
		"URL behind":          {400, "RepositoryNotFoundException:http://internal.amazon.com/coral/x#y/", `{"message":"m"}`, found},
		"namespace and URL":   {400, "a.b#RepositoryNotFoundException:http://x/", `{"message":"m"}`, found},
		"XML":                 {400, "", "\n<ErrorResponse><Error><Code>RepositoryNotFoundException</Code><Message>m</Message></Error></ErrorResponse>", found},
		"XML with a header":   {400, "RepositoryNotFoundException", "<X><Message>m</Message></X>", found},
		"unmodelled":          {400, "", `{"__type":"ThrottlingException"}`, &UnknownOperationError{"ThrottlingException", nil}},
		"header, no body":     {400, "RepositoryNotFoundException", ``, &UnknownOperationError{"RepositoryNotFoundException", nil}},
		"no code":             {502, "", `{"message":"m"}`, &UnknownOperationError{"Bad Gateway", new("m")}},
		"a page of a gateway": {503, "", `<html><body>Sorry<br></body></html>`, &UnknownOperationError{"Service Unavailable", nil}},
		"text":                {504, "", `upstream timed out`, &UnknownOperationError{"Gateway Timeout", nil}},
		"unheard-of status":   {599, "", ``, &UnknownOperationError{"HTTP status 599", nil}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			header := http.Header{}
			header.Set("X-Amzn-ErrorType", test.header)
			got := operation(t, "DescribeImages").ErrorFromResponse(test.status, header, []byte(test.body))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func FuzzErrorFromJSON(f *testing.F) {
	f.Add("InvalidLayerPartException", `{"lastValidByteReceived":9,"message":"m"}`)
	f.Add("a#ServerException:http://", `{"__type":"x","Message":null}`)
	f.Add("", "\xff")
	f.Fuzz(func(t *testing.T, code, body string) {
		op := operation(t, "UploadLayerPart")
		wantErrorOf(t, op, code, op.ErrorFromJSON(code, []byte(body)))
		wantSomeError(t, op.ErrorFromResponse(400, http.Header{"X-Amzn-Errortype": {code}}, []byte(body)))
	})
}

func FuzzErrorFromXML(f *testing.F) {
	f.Add("InvalidLayerPartException", `<Error><lastValidByteReceived>9</lastValidByteReceived></Error>`)
	f.Add("ServerException", `<Response><Errors><Error><Message>m</Message></Error></Errors></Response>`)
	f.Add("", `<?xml version="1.0" encoding="latin1"?><a/>`)
	f.Add("x", strings.Repeat("<a>", 20000))
	f.Fuzz(func(t *testing.T, code, body string) {
		op := operation(t, "UploadLayerPart")
		wantErrorOf(t, op, code, op.ErrorFromXML(code, []byte(body)))
		wantSomeError(t, op.ErrorFromResponse(400, http.Header{}, []byte(body)))
	})
}

// wantErrorOf checks that an error has the code it was made for, and a type of the operation only if that models it.
func wantErrorOf(t *testing.T, op *Operation, code string, err error) {
	t.Helper()
	var api APIError
	if !errors.As(err, &api) || api.ErrorCode() != code {
		t.Fatalf("got %v for the code %q", err, code)
	}
	var unknown *UnknownOperationError
	if errors.As(err, &unknown) {
		return
	}
	if want := op.exception(code); want == nil || reflect.TypeOf(want) != reflect.TypeOf(err) {
		t.Fatalf("got %T for the code %q", err, code)
	}
}

func wantSomeError(t *testing.T, err error) {
	t.Helper()
	var api APIError
	if !errors.As(err, &api) || api.ErrorCode() == "" {
		t.Fatalf("got %v", err)
	}
}
