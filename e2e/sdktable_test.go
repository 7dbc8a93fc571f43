//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecrpublic"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	"github.com/google/go-cmp/cmp"

	"github.com/openecr/openecr/ecrpublic"
)

// TestSDKTableOfEveryOperation has the AWS SDK for Go call every operation of the table in package ecrpublic: with each
// constraint broken that the SDK's types can break, without permission, from another account, without a signature, and
// last, when none of that has changed anything, rightly.
func TestSDKTableOfEveryOperation(t *testing.T) {
	s := startServer(t)
	var account struct{ AccountID string }
	s.administer(t, &account, "account", "create")
	var other, robot accessKey
	s.administer(t, &other, "key", "create", "--account", account.AccountID)
	s.administer(t, &robot, "key", "create", "--user", "robot", "--policy", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`)
	options := newSDK(t, s).Options()
	client := func(p aws.CredentialsProvider) *sdk.Client {
		return sdk.New(options, func(o *sdk.Options) { o.Credentials = p })
	}
	signing := func(k accessKey) *sdk.Client {
		return client(credentials.NewStaticCredentialsProvider(k.AccessKeyID, k.SecretAccessKey, ""))
	}
	owner, anonymous := client(options.Credentials), client(aws.AnonymousCredentials{})

	broken := 0
	for _, op := range ecrpublic.Operations() {
		t.Run(op.Name, func(t *testing.T) {
			r := newTableRepository(t, owner, s.accountID(t), strings.ToLower(op.Name))
			before, request := r.state(t), r.good(op)
			broken += r.checkBreaches(t, op)
			t.Run("without permission", func(t *testing.T) {
				checkDenied(t, signing(robot), op, request, robot.ARN, "no identity-based policy")
			})
			t.Run("from another account", func(t *testing.T) {
				if op.Input.Member("registryId") == nil && op.Input.Member("resourceArn") == nil {
					_, err := callSDK(t, signing(other), op, request)
					must(t, err) // it is about that account's own registry
					return
				}
				checkDenied(t, signing(other), op, request, other.ARN, "no resource-based policy")
			})
			t.Run("without a signature", func(t *testing.T) {
				_, err := callSDK(t, anonymous, op, request)
				checkError(t, err, "MissingAuthenticationTokenException", "Missing Authentication Token")
			})
			if diff := cmp.Diff(before, r.state(t)); diff != "" {
				t.Errorf("refused calls changed something (-before +after):\n%s", diff)
			}
			r.right["layerPartBlob"] = []byte("xyz") // had the other bytes been taken, these would be refused
			out, err := callSDK(t, owner, op, r.good(op))
			must(t, err)
			checkOutput(t, op, out)
		})
	}
	if broken < 150 {
		t.Errorf("%d constraints were broken, want at least 150", broken)
	}
}

// callSDK calls the SDK's method for an operation. Its inputs have fields of the members' names, but for the case of the
// first letter, which JSON does not look at.
func callSDK(t *testing.T, client *sdk.Client, op *ecrpublic.Operation, request any, optFns ...func(*sdk.Options)) (out any, err error) {
	t.Helper()
	text, err := json.Marshal(request)
	must(t, err)
	method := reflect.ValueOf(client).MethodByName(op.Name)
	in := reflect.New(method.Type().In(1).Elem())
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	must(t, decoder.Decode(in.Interface()))
	results := method.CallSlice([]reflect.Value{reflect.ValueOf(t.Context()), in, reflect.ValueOf(optFns)})
	err, _ = results[1].Interface().(error)
	return results[0].Interface(), err
}

// unvalidated has requests travel that lack a required member.
func unvalidated(o *sdk.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		_, _ = stack.Initialize.Remove("OperationInputValidation") // an operation that requires nothing has none
		return nil
	})
}

// checkError wants an error of the API with this code and message.
func checkError(t *testing.T, err error, code, message string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code || api.ErrorMessage() != message {
		t.Errorf("error %.600v, want %s: %s", err, code, message)
	}
}

// checkDenied wants a refusal that says who was refused what, and why.
func checkDenied(t *testing.T, client *sdk.Client, op *ecrpublic.Operation, request any, arn, reason string) {
	t.Helper()
	_, err := callSDK(t, client, op, request)
	var api smithy.APIError
	start := fmt.Sprintf("User: %s is not authorized to perform: ecr-public:%s on resource: ", arn, op.Name)
	end := fmt.Sprintf(" because %s allows the ecr-public:%s action", reason, op.Name)
	if !errors.As(err, &api) || api.ErrorCode() != "AccessDeniedException" || !strings.HasPrefix(api.ErrorMessage(), start) || !strings.HasSuffix(api.ErrorMessage(), end) {
		t.Errorf("error %v, want AccessDeniedException: %s…%s", err, start, end)
	}
}

// checkOutput wants every member that the operation models, but failures and the token of a next page.
func checkOutput(t *testing.T, op *ecrpublic.Operation, out any) {
	t.Helper()
	for _, m := range op.Output.Members {
		field := reflect.ValueOf(out).Elem().FieldByName(strings.ToUpper(m.Name[:1]) + m.Name[1:])
		absent := field.IsZero() || field.Kind() == reflect.Slice && field.Len() == 0
		if absent != (m.Name == "failures" || m.Name == "nextToken") {
			t.Errorf("the answer has %s: %+v", m.Name, field)
		}
	}
}

// tableRepository is a repository in which every operation can succeed: it has an image, a policy, a tag and an upload
// of which the first part has arrived.
type tableRepository struct {
	owner *sdk.Client
	right map[string]any // by the name of a member: what makes a request succeed
}

func newTableRepository(t *testing.T, owner *sdk.Client, account, name string) tableRepository {
	t.Helper()
	var logo bytes.Buffer
	must(t, png.Encode(&logo, image.NewGray(image.Rect(0, 0, 60, 60))))
	const policy = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"ecr-public:%s"}}`
	p := provoker{owner, t.Context()}
	manifest := p.manifest("{}")
	_, err := owner.CreateRepository(p.ctx, &sdk.CreateRepositoryInput{RepositoryName: &name, Tags: []types.Tag{{Key: &name, Value: &name}}})
	must(t, err)
	_, err = owner.SetRepositoryPolicy(p.ctx, &sdk.SetRepositoryPolicyInput{RepositoryName: &name, PolicyText: aws.String(fmt.Sprintf(policy, "PutImage"))})
	must(t, err)
	_, err = p.upload(&name, "{}")
	must(t, err)
	_, err = owner.PutImage(p.ctx, &sdk.PutImageInput{RepositoryName: &name, ImageManifest: &manifest, ImageTag: aws.String("1")})
	must(t, err)
	upload, err := p.parts(&name, "abc")
	must(t, err)
	digest := digestOf([]byte(manifest))
	return tableRepository{owner, map[string]any{
		"registryId":       account,
		"repositoryName":   name,
		"repositoryNames":  []any{name},
		"resourceArn":      "arn:aws:ecr-public::" + account + ":repository/" + name,
		"tagKeys":          []any{name},
		"policyText":       fmt.Sprintf(policy, "DescribeImages"),
		"force":            true,
		"architectures":    []any{"x86-64"},
		"operatingSystems": []any{"Linux"},
		"logoImageBlob":    logo.Bytes(),
		"imageManifest":    manifest, "imageManifestMediaType": ociManifestType, "imageDigest": digest, "imageTag": "2",
		"imageIds":     []any{map[string]any{"imageDigest": digest, "imageTag": "1"}},
		"layerDigests": []any{digestOf([]byte("abc"))},
		"uploadId":     upload, "partFirstByte": 3, "partLastByte": 5, "layerPartBlob": []byte("def"),
	}}
}

// state is what the operations that only read answer, but for passwords, which are never the same.
func (r tableRepository) state(t *testing.T) map[string]string {
	t.Helper()
	reads := regexp.MustCompile(`^(BatchCheck|Describe|Get|List)`)
	state := make(map[string]string)
	for _, op := range ecrpublic.Operations() {
		if !reads.MatchString(op.Name) || op.Name == "GetAuthorizationToken" {
			continue
		}
		request := r.good(op)
		maps.DeleteFunc(request, func(name string, _ any) bool { return !op.Input.Member(name).Required })
		out, err := callSDK(t, r.owner, op, request)
		must(t, err)
		text, err := json.MarshalIndent(out, "", " ")
		must(t, err)
		state[op.Name] = string(text)
	}
	return state
}

// good is a request that succeeds, with every member but those that turn pages.
func (r tableRepository) good(op *ecrpublic.Operation) map[string]any {
	request := r.value("", op.Input).(map[string]any)
	if op.Pages != nil {
		delete(request, op.Pages.InputToken)
		delete(request, op.Pages.Limit)
	}
	if op.Name == "CreateRepository" {
		request["repositoryName"] = "new"
	}
	return request
}

// value is one that keeps every constraint of the shape, with every member of a structure.
func (r tableRepository) value(name string, s *ecrpublic.Shape) any {
	if right, ok := r.right[name]; ok {
		return right
	}
	if s.Kind == ecrpublic.KindStructure {
		members := make(map[string]any)
		for _, m := range s.Members {
			members[m.Name] = r.value(m.Name, m.Shape)
		}
		return members
	}
	return r.sized(s, 1)
}

// sized is a value of n characters, bytes or items, or the number n.
func (r tableRepository) sized(s *ecrpublic.Shape, n int64) any {
	switch s.Kind {
	case ecrpublic.KindString:
		if s.Pattern != "" {
			return strings.Repeat("a", int(n)) // right for names; there is no other pattern with a length
		}
		return strings.Repeat("é", int(n)) // characters count, not bytes
	case ecrpublic.KindBlob:
		return make([]byte, n)
	case ecrpublic.KindList:
		return slices.Repeat([]any{r.value("", s.Item)}, int(n))
	default:
		return n
	}
}

// checkBreaches sends requests with one constraint broken, and says how many.
func (r tableRepository) checkBreaches(t *testing.T, op *ecrpublic.Operation) (count int) {
	t.Helper()
	r.breaches(op.Input, "", r.good(op), func(v any) any { return v }, func(path, constraint string, request any) {
		count++
		t.Run(path+" "+constraint, func(t *testing.T) {
			_, err := callSDK(t, r.owner, op, request, unvalidated)
			checkException(t, err, "InvalidParameterException")
			checkError(t, err, "InvalidParameterException", "Invalid parameter at '"+path+"' failed to satisfy constraint: '"+constraint+"'")
		})
	})
	return count
}

// breaches breaks every constraint of the shape in turn. It starts from a value that is right; in makes a request that
// has another one in its place.
func (r tableRepository) breaches(s *ecrpublic.Shape, path string, value any, in func(any) any, found func(path, constraint string, request any)) {
	for unit, bounds := range map[string]ecrpublic.Bounds{"length": s.Length, "value": s.Range} {
		if least := bounds.Min; least != nil && (unit == "value" || *least > 0) {
			found(path, fmt.Sprintf("Member must have %s greater than or equal to %d", unit, *least), in(r.sized(s, *least-1)))
		}
		if most := bounds.Max; most != nil {
			found(path, fmt.Sprintf("Member must have %s less than or equal to %d", unit, *most), in(r.sized(s, *most+1)))
		}
	}
	if s.Pattern != "" {
		found(path, fmt.Sprintf("must satisfy regular expression '%s'", s.Pattern), in("A B"))
	}
	switch s.Kind {
	case ecrpublic.KindStructure:
		members := value.(map[string]any)
		for _, m := range s.Members {
			path := strings.TrimPrefix(path+"."+m.Name, ".")
			in := func(v any) any {
				changed := maps.Clone(members)
				changed[m.Name] = v
				return in(changed)
			}
			if m.Required {
				found(path, "Member must not be null", in(nil))
			}
			r.breaches(m.Shape, path, members[m.Name], in, found)
		}
	case ecrpublic.KindList:
		r.breaches(s.Item, path+".1.member", value.([]any)[0], func(v any) any { return in([]any{v}) }, found)
	}
}
