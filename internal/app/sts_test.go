package app

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awscredentials "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

func newSTSClient(r *running, env Environment) *sts.Client {
	return sts.New(sts.Options{
		Region:           "eu-west-3",
		BaseEndpoint:     aws.String(env.URL),
		Credentials:      awscredentials.NewStaticCredentialsProvider(env.AccessKeyID, env.SecretAccessKey, ""),
		HTTPClient:       r.client,
		RetryMaxAttempts: 1,
	})
}

func TestGetCallerIdentityTellsTheHolderOfTheKey(t *testing.T) {
	c := newConfig(t)
	c.AccountID = testAccount
	r := serve(t, c)
	env := readEnvironment(t, c)
	user := do(t, c.Stores, CreateKey{User: "ci"})
	for arn, key := range map[string][2]string{
		"arn:aws:iam::123456789012:root":    {env.AccessKeyID, env.SecretAccessKey},
		"arn:aws:iam::123456789012:user/ci": {user.ID, user.Secret},
	} {
		env.AccessKeyID, env.SecretAccessKey = key[0], key[1]
		out, err := newSTSClient(r, env).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		must(t, err)
		if aws.ToString(out.Arn) != arn || aws.ToString(out.Account) != testAccount || aws.ToString(out.UserId) == "" {
			t.Errorf("%s, %s, %s", *out.Arn, *out.Account, *out.UserId)
		}
	}
	if !strings.Contains(r.log.String(), `"operation":"GetCallerIdentity","caller":"arn:aws:iam::123456789012:user/ci"`) {
		t.Error("the log does not tell who called")
	}
}

func TestSTSRefuses(t *testing.T) {
	c := newConfig(t)
	r := serve(t, c)
	env := readEnvironment(t, c)
	unknown, wrong := env, env
	unknown.AccessKeyID = "AKIAUNKNOWN"
	wrong.SecretAccessKey += "x"
	identity := func(env Environment) error {
		_, err := newSTSClient(r, env).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		return err
	}
	_, session := newSTSClient(r, env).GetSessionToken(t.Context(), &sts.GetSessionTokenInput{})
	for _, refusal := range []struct {
		err        error
		code, text string
	}{
		{identity(unknown), "InvalidClientTokenId", "The security token included in the request is invalid."},
		{identity(wrong), "SignatureDoesNotMatch", "does not match"},
		{session, "InvalidAction", "openecr"},
	} {
		var e smithy.APIError
		if !errors.As(refusal.err, &e) || e.ErrorCode() != refusal.code || !strings.Contains(e.ErrorMessage(), refusal.text) {
			t.Errorf("%v instead of %s", refusal.err, refusal.code)
		}
	}
}

// signed is a request of the service with the key of env.
func signed(t *testing.T, env Environment, method, path, service, contentType, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequest(method, env.URL+path, strings.NewReader(body))
	must(t, err)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	sum := sha256.Sum256([]byte(body))
	credentials := aws.Credentials{AccessKeyID: env.AccessKeyID, SecretAccessKey: env.SecretAccessKey}
	must(t, v4.NewSigner().SignHTTP(t.Context(), credentials, req, hex.EncodeToString(sum[:]), service, "us-east-1", time.Now()))
	return req
}

const form = "application/x-www-form-urlencoded; charset=utf-8"

func TestServiceBearerTokenOpensTheRegistry(t *testing.T) {
	c := newConfig(t)
	r := serve(t, c)
	env := readEnvironment(t, c)
	res, body := r.send(t, signed(t, env, http.MethodPost, "/", "sts", form, "Action=GetServiceBearerToken&Version=2011-06-15"))
	var answer struct {
		Result struct{ Token string } `xml:"GetServiceBearerTokenResult"`
	}
	if err := xml.Unmarshal([]byte(body), &answer); err != nil || res.StatusCode != http.StatusOK || answer.Result.Token == "" {
		t.Fatalf("%s %v %s", res.Status, err, body)
	}
	res, body = r.do(t, http.MethodGet, env.URL+"/v2/", http.Header{"Authorization": {"Bearer " + answer.Result.Token}})
	if res.StatusCode != http.StatusOK {
		t.Errorf("%s %s", res.Status, body)
	}
}

// With AWS_ENDPOINT_URL set, tools send here what they want of any service.
func TestOtherServicesAreTurnedAwayByName(t *testing.T) {
	c := newConfig(t)
	r := serve(t, c)
	env := readEnvironment(t, c)
	for name, req := range map[string]*http.Request{
		"s3":                   signed(t, env, http.MethodGet, "/", "s3", "", ""),
		"lambda":               signed(t, env, http.MethodGet, "/2015-03-31/functions/", "lambda", "", ""),
		"apigateway":           signed(t, env, http.MethodGet, "/v2/apis", "apigateway", "", ""),
		"ec2":                  signed(t, env, http.MethodPost, "/", "ec2", form, "Action=DescribeInstances"),
		"ecr":                  signed(t, env, http.MethodPost, "/", "ecr", "application/x-amz-json-1.1", "{}"),
		"one with an odd name": signed(t, env, http.MethodPost, "/", "<&>", form, ""),
	} {
		res, body := r.send(t, req)
		if res.StatusCode != http.StatusBadRequest || !strings.Contains(body, "This is openecr") || !strings.Contains(body, "UnknownOperationException") {
			t.Errorf("%s: %s %s", name, res.Status, body)
		}
		if strings.HasPrefix(body, "<") {
			if err := xml.NewDecoder(bytes.NewReader([]byte(body))).Decode(new(struct{})); err != nil {
				t.Errorf("%s: %v in %s", name, err, body)
			}
		}
	}
	// What is meant for ECR Public stays there, whatever it is signed for.
	req := signed(t, env, http.MethodPost, "/", "sts", "application/x-amz-json-1.1", "{}")
	req.Header.Set("X-Amz-Target", "SpencerFrontendService.DescribeRegistries")
	if _, body := r.send(t, req); !strings.Contains(body, "ecr-public") {
		t.Errorf("an operation signed for STS: %s", body)
	}
	res, body := r.do(t, http.MethodPost, env.URL+"/", http.Header{"Content-Type": {form}})
	if res.StatusCode != http.StatusForbidden || !strings.Contains(body, "<Code>MissingAuthenticationToken</Code>") {
		t.Errorf("an unsigned form: %s %s", res.Status, body)
	}
}
