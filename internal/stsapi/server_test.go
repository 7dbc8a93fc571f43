package stsapi

import (
	"context"
	"crypto/sha256"
	"encoding/xml"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/openecr/openecr/internal/policy"
	"github.com/openecr/openecr/internal/registry"
)

// signed is a request whose signature holds over body.
type signed struct {
	caller registry.Caller
	body   string
}

func (s signed) Finish(sum [32]byte) (registry.Caller, error) {
	if sum != sha256.Sum256([]byte(s.body)) {
		return registry.Caller{}, coded("InvalidSignatureException")
	}
	return s.caller, nil
}

// coded is an error as package auth has them.
type coded string

func (c coded) Error() string        { return string(c) }
func (c coded) ErrorCode() string    { return string(c) }
func (c coded) ErrorMessage() string { return "What is wrong." }

var (
	root  = registry.Caller{Account: "123456789012", ARN: "arn:aws:iam::123456789012:root", KeyID: "AKIA1"}
	robot = registry.Caller{Account: "123456789012", ARN: "arn:aws:iam::123456789012:user/ci", KeyID: "AKIA2"}
)

// rig is a Server for a body that is signed by the caller.
type rig struct {
	caller   registry.Caller
	body     string
	refusal  error // of Begin
	observed []string
}

func (g *rig) post(t *testing.T, body string) *httptest.ResponseRecorder {
	t.Helper()
	s := New(Options{
		Registry: registry.New(registry.Config{}),
		Begin:    func(*http.Request) (Pending, error) { return signed{g.caller, g.body}, g.refusal },
		IssueToken: func(_ context.Context, c registry.Caller) (string, time.Time, error) {
			if c.KeyID == "BROKEN" {
				return "", time.Time{}, errors.New("the secret cause")
			}
			return "token of " + c.KeyID, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), nil
		},
		Observe: func(_ *http.Request, action string, c registry.Caller, err error) {
			g.observed = append(g.observed, action+" "+c.KeyID)
		},
	})
	w := httptest.NewRecorder()
	w.Header().Set(requestIDHeader, "request-1")
	s.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)))
	if got := w.Header().Get("Content-Type"); got != "text/xml" {
		t.Errorf("Content-Type %s", got)
	}
	return w
}

// call posts what is signed.
func (g *rig) call(t *testing.T, body string) *httptest.ResponseRecorder {
	t.Helper()
	g.body = body
	return g.post(t, body)
}

func TestGetCallerIdentity(t *testing.T) {
	for _, c := range []struct {
		caller registry.Caller
		userID string
	}{{root, "123456789012"}, {robot, "AIDAOVHNVSHBFXE622RSL"}} {
		g := &rig{caller: c.caller}
		w := g.call(t, "Action=GetCallerIdentity&Version=2011-06-15")
		want := `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>` +
			`<Arn>` + c.caller.ARN + `</Arn><UserId>` + c.userID + `</UserId><Account>123456789012</Account></GetCallerIdentityResult>` +
			`<ResponseMetadata><RequestId>request-1</RequestId></ResponseMetadata></GetCallerIdentityResponse>`
		if got := w.Body.String(); w.Code != 200 || got != want {
			t.Errorf("%d\ngot  %s\nwant %s", w.Code, got, want)
		}
		if got := strings.Join(g.observed, ","); got != "GetCallerIdentity "+c.caller.KeyID {
			t.Errorf("observed %s", got)
		}
	}
}

func TestGetServiceBearerToken(t *testing.T) {
	g := &rig{caller: root}
	w := g.call(t, "Action=GetServiceBearerToken&Version=2011-06-15&ServiceName=ecr-public.amazonaws.com")
	want := `<GetServiceBearerTokenResult><Token>token of AKIA1</Token><Expiration>2026-01-02T03:04:05Z</Expiration></GetServiceBearerTokenResult>`
	if w.Code != 200 || !strings.Contains(w.Body.String(), want) {
		t.Errorf("%d %s", w.Code, w.Body)
	}

	denied, err := policy.Parse(`{"Statement":[{"Effect":"Allow","Action":"ecr-public:*","Resource":"*"}]}`, policy.IdentityPolicy)
	if err != nil {
		t.Fatal(err)
	}
	g.caller = robot
	g.caller.Policy = denied
	w = g.call(t, "Action=GetServiceBearerToken&Version=2011-06-15")
	if w.Code != 403 || !strings.Contains(w.Body.String(), "<Code>AccessDenied</Code><Message>User: arn:aws:iam::123456789012:user/ci is not authorized to perform: sts:GetServiceBearerToken") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestRefusals(t *testing.T) {
	const version = "&Version=2011-06-15"
	for name, c := range map[string]struct {
		body    string
		refusal error
		status  int
		want    string // in the answer
	}{
		"another action":    {"Action=AssumeRole" + version, nil, 400, "<Code>InvalidAction</Code><Message>openecr answers GetCallerIdentity and GetServiceBearerToken of STS, not AssumeRole: its access keys are permanent, and it has no roles.</Message>"},
		"another version":   {"Action=GetCallerIdentity&Version=2010-01-01", nil, 400, "<Code>InvalidAction</Code><Message>Could not find operation GetCallerIdentity for version 2010-01-01</Message>"},
		"nothing":           {"", nil, 400, "<Code>InvalidAction</Code>"},
		"no form":           {"Action=%zz", nil, 400, "<Code>MalformedQueryString</Code>"},
		"an endless form":   {strings.Repeat("a", maxBody+1), nil, 413, "<Code>RequestEntityTooLarge</Code>"},
		"unsigned":          {"", coded("MissingAuthenticationTokenException"), 403, "<Type>Sender</Type><Code>MissingAuthenticationToken</Code><Message>What is wrong.</Message>"},
		"unknown key":       {"", coded("UnrecognizedClientException"), 403, "<Code>InvalidClientTokenId</Code>"},
		"half a signature":  {"", coded("IncompleteSignatureException"), 400, "<Code>IncompleteSignature</Code>"},
		"no store":          {"", errors.New("the secret cause"), 500, "<Type>Receiver</Type><Code>InternalFailure</Code><Message>The server failed to answer. Its log says why under request id request-1.</Message>"},
		"an unheard-of one": {"", coded("OtherException"), 500, "<Code>InternalFailure</Code>"},
	} {
		t.Run(name, func(t *testing.T) {
			g := &rig{caller: root, refusal: c.refusal}
			w := g.call(t, c.body)
			if got := w.Body.String(); w.Code != c.status || !strings.Contains(got, c.want) || strings.Contains(got, "secret") {
				t.Errorf("%d\ngot  %s\nwant %s", w.Code, got, c.want)
			}
			if len(g.observed) != 1 {
				t.Errorf("observed %q", g.observed)
			}
		})
	}
}

func TestBodyThatIsNotTheSignedOne(t *testing.T) {
	g := &rig{caller: root, body: "Action=GetCallerIdentity&Version=2011-06-15"}
	w := g.post(t, g.body+"&x=1")
	if w.Code != 403 || !strings.Contains(w.Body.String(), "<Code>SignatureDoesNotMatch</Code>") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestTokenThatCannotBeIssued(t *testing.T) {
	broken := root
	broken.KeyID = "BROKEN"
	g := &rig{caller: broken}
	w := g.call(t, "Action=GetServiceBearerToken&Version=2011-06-15")
	if w.Code != 500 || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// Whatever form is signed and sent: an answer in XML that is no failure of the server's.
func FuzzForm(f *testing.F) {
	for _, body := range []string{
		"Action=GetCallerIdentity&Version=2011-06-15", "Action=GetServiceBearerToken&Version=2011-06-15", "Action=%00&Version=2011-06-15",
		"Action=<a>&Version=2011-06-15", "%zz", "", "a=b;c=d", "Action=" + strings.Repeat("x", 200),
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		w := (&rig{caller: root}).call(t, body)
		if err := xml.Unmarshal(w.Body.Bytes(), new(struct{})); err != nil || w.Code >= 500 {
			t.Errorf("%q: %d %v %s", body, w.Code, err, w.Body)
		}
	})
}
