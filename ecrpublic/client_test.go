package ecrpublic

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testConfig points at a server of the test, with retries that do not wait.
func testConfig(t *testing.T, handler http.HandlerFunc) aws.Config {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return aws.Config{
		Region:       "eu-central-1",
		BaseEndpoint: aws.String(server.URL),
		Credentials:  credentials.NewStaticCredentialsProvider("AKID", "SECRET", "TOKEN"),
		HTTPClient:   server.Client(),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
			})
		},
	}
}

func newTestClient(t *testing.T, cfg aws.Config) *Client {
	t.Helper()
	c, err := NewClient(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestClientSendsSignedRequestsAndReadsAnswers(t *testing.T) {
	var got http.Header
	var body string
	c := newTestClient(t, testConfig(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got, body = r.Header, r.Method+" "+r.URL.Path+" "+string(b)
		_, _ = io.WriteString(w, `{"layers":[{"layerDigest":"sha256:0","layerAvailability":"AVAILABLE","layerSize":3}],"failures":[]}`)
	}))
	out, err := c.BatchCheckLayerAvailability(t.Context(), &BatchCheckLayerAvailabilityRequest{
		RepositoryName: new("hello"),
		LayerDigests:   []string{"sha256:0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := &BatchCheckLayerAvailabilityResponse{
		Layers:   []Layer{{LayerDigest: new("sha256:0"), LayerAvailability: new(LayerAvailabilityAvailable), LayerSize: new(int64(3))}},
		Failures: []LayerFailure{},
	}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if want := `POST / {"layerDigests":["sha256:0"],"repositoryName":"hello"}`; body != want {
		t.Errorf("sent %s, want %s", body, want)
	}
	if got.Get("X-Amz-Target") != "SpencerFrontendService.BatchCheckLayerAvailability" || got.Get("Content-Type") != ContentType {
		t.Errorf("headers %v", got)
	}
	date := got.Get("X-Amz-Date")[:8]
	if auth := got.Get("Authorization"); !strings.HasPrefix(auth, "AWS4-HMAC-SHA256 Credential=AKID/"+date+"/eu-central-1/ecr-public/aws4_request, SignedHeaders=content-length;content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature=") {
		t.Errorf("Authorization: %s", auth)
	}
}

// Every method named like an operation, and every iterator of one that pages, sends that operation with its own input
// and gives its own output.
func TestClientHasAMethodForEveryOperation(t *testing.T) {
	for i, op := range Operations() {
		t.Run(op.Name, func(t *testing.T) {
			g := generator{Rand: rand.New(rand.NewSource(int64(i))), full: true}
			in, out := g.structure(op.Input), g.structure(op.Output)
			c := newTestClient(t, testConfig(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				got := op.NewInput()
				if err := Unmarshal(body, got); err != nil || !cmp.Equal(in, got) || r.Header.Get("X-Amz-Target") != op.Target() {
					t.Errorf("%s was sent %s: %v", r.Header.Get("X-Amz-Target"), body, err)
				}
				answer, _ := Marshal(out)
				_, _ = w.Write(answer)
			}))
			arguments := []reflect.Value{reflect.ValueOf(t.Context()), reflect.ValueOf(in)}
			results := reflect.ValueOf(c).MethodByName(op.Name).Call(arguments)
			if diff := cmp.Diff([]any{out, nil}, []any{results[0].Interface(), results[1].Interface()}); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			pages := reflect.ValueOf(c).MethodByName(op.Name + "Pages")
			if pages.IsValid() != (op.Pages != nil) {
				t.Fatalf("the client has an iterator: %t, the operation pages: %t", pages.IsValid(), op.Pages != nil)
			}
			if op.Pages == nil {
				return
			}
			for page, err := range pages.Call(arguments)[0].Seq2() {
				if diff := cmp.Diff([]any{out, nil}, []any{page.Interface(), err.Interface()}); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
				break
			}
		})
	}
}

func TestClientTakesNilForAnEmptyInput(t *testing.T) {
	c := newTestClient(t, testConfig(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
	if _, err := c.GetAuthorizationToken(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

func TestClientReportsExceptions(t *testing.T) {
	c := newTestClient(t, testConfig(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("x-amzn-RequestId", "r-1")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type":"RepositoryNotFoundException","message":"no such thing"}`)
	}))
	_, err := c.DescribeImages(t.Context(), &DescribeImagesRequest{RepositoryName: new("hello")})
	var notFound *RepositoryNotFoundException
	var response *ResponseError
	if !errors.As(err, &notFound) || !errors.As(err, &response) {
		t.Fatalf("got %v", err)
	}
	if want := "DescribeImages: RepositoryNotFoundException: no such thing (HTTP status 400, request r-1)"; err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestClientTriesAgain(t *testing.T) {
	tests := map[string]struct {
		status int
		body   string
		calls  int32
	}{
		"throttling":              {400, `{"__type":"ThrottlingException"}`, 3},
		"a failing server":        {500, `{"__type":"ServerException"}`, 3},
		"a gateway":               {503, `<html>`, 3},
		"the caller's own fault":  {400, `{"__type":"InvalidParameterException"}`, 1},
		"an answer it can't read": {200, `<html>`, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var calls atomic.Int32
			c := newTestClient(t, testConfig(t, func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				body, err := io.ReadAll(r.Body)
				if err != nil || string(body) != "{}" {
					t.Errorf("attempt %d had the body %q: %v", calls.Load(), body, err)
				}
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			}))
			if _, err := c.DescribeRegistries(t.Context(), nil); err == nil {
				t.Error("no error")
			}
			if calls.Load() != test.calls {
				t.Errorf("%d calls, want %d", calls.Load(), test.calls)
			}
		})
	}
}

func TestClientRecoversOnTheSecondAttempt(t *testing.T) {
	var calls atomic.Int32
	c := newTestClient(t, testConfig(t, func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) == 1 {
			panic(http.ErrAbortHandler) // a connection cut before the answer
		}
		_, _ = io.WriteString(w, `{"registries":[]}`)
	}))
	out, err := c.DescribeRegistries(t.Context(), nil)
	if err != nil || out.Registries == nil {
		t.Errorf("got %v, %v", out, err)
	}
}

func TestClientStopsWhenTheCallerGivesUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var calls atomic.Int32
	c := newTestClient(t, testConfig(t, func(_ http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		_, _ = io.Copy(io.Discard, r.Body) // the server sees the client leave only once it has read the request
		cancel()
		<-r.Context().Done()
	}))
	if _, err := c.DescribeRegistries(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if calls.Load() != 1 {
		t.Errorf("%d calls, want 1", calls.Load())
	}
}

func TestClientRefusesAnEndlessAnswer(t *testing.T) {
	c := newTestClient(t, testConfig(t, func(w http.ResponseWriter, _ *http.Request) {
		chunk := bytes.Repeat([]byte(" "), 1<<20)
		for range maxResponseBytes/len(chunk) + 1 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}))
	_, err := c.DescribeRegistries(t.Context(), nil)
	if want := fmt.Sprintf("DescribeRegistries: the answer has more than %d bytes", maxResponseBytes); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestClientKeepsTheStatusOfAnErrorItCannotRead(t *testing.T) {
	c := newTestClient(t, testConfig(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write(bytes.Repeat([]byte(" "), maxErrorBytes+1))
	}))
	_, err := c.DescribeRegistries(t.Context(), nil)
	if want := "DescribeRegistries: Forbidden (HTTP status 403)"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestClientValidatesOnlyWhenAsked(t *testing.T) {
	c := newTestClient(t, testConfig(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{}`) }))
	if _, err := c.CreateRepository(t.Context(), nil); err != nil {
		t.Errorf("the service is the judge, but: %v", err)
	}
	c.ValidateInput = true
	var invalid *ValidationError
	if _, err := c.CreateRepository(t.Context(), nil); !errors.As(err, &invalid) {
		t.Errorf("got %v", err)
	}
}

func TestCallTakesTheTypesOfItsOperationOnly(t *testing.T) {
	c := newTestClient(t, testConfig(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{}`) }))
	op := operation(t, "DescribeImages")
	if err := c.Call(t.Context(), op, op.NewInput(), op.NewOutput()); err != nil {
		t.Error(err)
	}
	if err := c.Call(t.Context(), op, new(Layer), op.NewOutput()); err == nil {
		t.Error("a Layer was taken for an input")
	}
	if err := c.Call(t.Context(), op, op.NewInput(), DescribeImagesResponse{}); err == nil {
		t.Error("an output that cannot be written to was taken")
	}
}

func TestClientNeedsCredentials(t *testing.T) {
	cfg := testConfig(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	cfg.Credentials = nil
	_, err := newTestClient(t, cfg).DescribeRegistries(t.Context(), nil)
	if err == nil || !strings.Contains(err.Error(), "no credentials") {
		t.Errorf("got %v", err)
	}
}
