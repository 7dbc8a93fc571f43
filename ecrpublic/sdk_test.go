package ecrpublic

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecrpublic"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// The AWS SDK's own client is the judge of our JSON: it must send what we read as we would have sent it, and must read
// what we print.

// sdkClient calls a server of the test, once per call.
func sdkClient(t *testing.T, handler http.HandlerFunc) *sdk.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return sdk.New(sdk.Options{
		BaseEndpoint: aws.String(server.URL),
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("AKID", "SECRET", ""),
		Retryer:      aws.NopRetryer{},
		HTTPClient:   server.Client(),
	})
}

// callSDK calls the SDK's method for an operation with a pointer to the SDK's input.
func callSDK(t *testing.T, client *sdk.Client, op *Operation, fill func(in reflect.Value)) (out reflect.Value, err error) {
	t.Helper()
	method := reflect.ValueOf(client).MethodByName(op.Name)
	in := reflect.New(method.Type().In(1).Elem())
	fill(in.Elem())
	results := method.Call([]reflect.Value{reflect.ValueOf(t.Context()), in})
	err, _ = results[1].Interface().(error)
	return results[0], err
}

func TestSDKSendsWhatWeWouldSend(t *testing.T) {
	for i, op := range Operations() {
		t.Run(op.Name, func(t *testing.T) {
			var target string
			var body []byte
			client := sdkClient(t, func(w http.ResponseWriter, r *http.Request) {
				target = r.Header.Get("X-Amz-Target") + " " + r.Header.Get("Content-Type")
				body, _ = io.ReadAll(r.Body)
				_, _ = io.WriteString(w, `{}`)
			})
			g := generator{Rand: rand.New(rand.NewSource(int64(i))), full: true}
			for range 20 {
				want := g.structure(op.Input)
				if _, err := callSDK(t, client, op, func(in reflect.Value) { toSDK(op.Input, reflect.ValueOf(want).Elem(), in) }); err != nil {
					t.Fatal(err)
				}
				if target != op.Target()+" "+ContentType {
					t.Errorf("the SDK sends %s, we %s %s", target, op.Target(), ContentType)
				}
				got := op.NewInput()
				if err := Unmarshal(body, got); err != nil {
					t.Fatalf("%v in %s", err, body)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("-ours +SDK's:\n%s", diff)
				}
				wantSameJSON(t, want, body)
			}
		})
	}
}

// wantSameJSON compares what we print with the SDK's bytes, but for order and spelling.
func wantSameJSON(t *testing.T, v any, theirs []byte) {
	t.Helper()
	ours, err := Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var a, b any
	if err := errors.Join(json.Unmarshal(ours, &a), json.Unmarshal(theirs, &b)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(a, b); diff != "" {
		t.Fatalf("-ours +SDK's:\n%s", diff)
	}
}

func TestSDKReadsWhatWePrint(t *testing.T) {
	for i, op := range Operations() {
		t.Run(op.Name, func(t *testing.T) {
			g := generator{Rand: rand.New(rand.NewSource(int64(i))), full: true}
			var want any
			client := sdkClient(t, func(w http.ResponseWriter, _ *http.Request) {
				body, err := Marshal(want)
				if err != nil {
					t.Error(err)
				}
				w.Header().Set("Content-Type", ContentType)
				_, _ = w.Write(body)
			})
			for range 20 {
				want = g.structure(op.Output)
				out, err := callSDK(t, client, op, func(in reflect.Value) {
					toSDK(op.Input, reflect.ValueOf(g.structure(op.Input)).Elem(), in)
				})
				if err != nil {
					t.Fatal(err)
				}
				got := op.NewOutput()
				fromSDK(op.Output, reflect.ValueOf(got).Elem(), out.Elem())
				// The SDK cuts what it loses in floating point, so its times may be a millisecond early.
				if diff := cmp.Diff(want, got, cmpopts.EquateApproxTime(time.Millisecond)); diff != "" {
					t.Fatalf("-ours +SDK's:\n%s", diff)
				}
			}
		})
	}
}

func TestSDKReadsOurExceptions(t *testing.T) {
	for _, op := range Operations() {
		for _, s := range op.Errors {
			t.Run(op.Name+"/"+s.Name, func(t *testing.T) {
				want := op.exception(s.Name)
				(generator{Rand: rand.New(rand.NewSource(1)), full: true}).fill(s, reflect.ValueOf(want).Elem())
				client := sdkClient(t, func(w http.ResponseWriter, _ *http.Request) {
					body, err := Marshal(want)
					if err != nil {
						t.Error(err)
					}
					w.WriteHeader(http.StatusBadRequest)
					_, _ = fmt.Fprintf(w, `{"__type":%q,%s`, want.ErrorCode(), body[1:])
				})
				_, err := callSDK(t, client, op, func(in reflect.Value) {
					g := generator{Rand: rand.New(rand.NewSource(1)), full: true}
					toSDK(op.Input, reflect.ValueOf(g.structure(op.Input)).Elem(), in)
				})
				var theirs APIError
				if !errors.As(err, &theirs) {
					t.Fatal(err)
				}
				if theirs.ErrorCode() != want.ErrorCode() || theirs.ErrorFault() != want.ErrorFault() {
					t.Errorf("the SDK's is %s of the %s, ours %s of the %s",
						theirs.ErrorCode(), theirs.ErrorFault(), want.ErrorCode(), want.ErrorFault())
				}
				got := op.exception(s.Name)
				fromSDK(s, reflect.ValueOf(got).Elem(), reflect.ValueOf(theirs).Elem())
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("-ours +SDK's:\n%s", diff)
				}
			})
		}
	}
}

// toSDK copies one of our structures into the SDK's, where fields have the same names, enums and some booleans and
// numbers are not pointers, and absent is therefore zero.
func toSDK(s *Shape, ours, theirs reflect.Value) {
	if theirs.Kind() == reflect.Pointer {
		theirs.Set(reflect.New(theirs.Type().Elem()))
		theirs = theirs.Elem()
	}
	switch s.Kind {
	case KindStructure:
		for _, m := range s.Members {
			if member, ok := m.get(ours); ok {
				toSDK(m.Shape, member, sdkField(m, theirs))
			}
		}
	case KindList:
		theirs.Set(reflect.MakeSlice(theirs.Type(), ours.Len(), ours.Len()))
		for i := range ours.Len() {
			toSDK(s.Item, ours.Index(i), theirs.Index(i))
		}
	default:
		theirs.Set(ours.Convert(theirs.Type()))
	}
}

// fromSDK is the way back.
func fromSDK(s *Shape, ours, theirs reflect.Value) {
	if theirs.Kind() == reflect.Pointer {
		theirs = theirs.Elem()
	}
	switch s.Kind {
	case KindStructure:
		for _, m := range s.Members {
			field := sdkField(m, theirs)
			if (field.Kind() == reflect.Pointer || field.Kind() == reflect.Slice) && field.IsNil() {
				continue
			}
			fromSDK(m.Shape, m.alloc(ours), field)
		}
	case KindList:
		ours.Set(reflect.MakeSlice(ours.Type(), theirs.Len(), theirs.Len()))
		for i := range theirs.Len() {
			fromSDK(s.Item, ours.Index(i), theirs.Index(i))
		}
	case KindTimestamp:
		ours.Set(reflect.ValueOf(theirs.Interface().(time.Time).UTC()))
	default:
		ours.Set(theirs.Convert(ours.Type()))
	}
}

// sdkField is the SDK's field for a member.
func sdkField(m *Member, theirs reflect.Value) reflect.Value {
	return theirs.FieldByName(strings.ToUpper(m.Name[:1]) + m.Name[1:])
}
