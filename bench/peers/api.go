package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const account = "123456789012"

var key = aws.Credentials{AccessKeyID: "AKIABENCHBENCHBENCHB", SecretAccessKey: "bench-secret"}

// api makes signed calls. Requests may be prepared before they are timed, and sent more than once: a signature holds
// for minutes.
type api struct {
	origin
	signer *v4.Signer
}

func newAPI(at origin) *api { return &api{at, v4.NewSigner()} }

// prepare is the bytes of a signed call.
func (a *api) prepare(ctx context.Context, operation string, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url()+"/", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "SpencerFrontendService."+operation)
	hash := sha256.Sum256(body)
	if err := a.signer.SignHTTP(ctx, key, r, hex.EncodeToString(hash[:]), "ecr-public", "us-east-1", time.Now()); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.Grow(len(body) + 1024)
	err = r.Write(&out)
	return out.Bytes(), err
}

// call makes one call and decodes what it answers.
func (a *api) call(ctx context.Context, operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	request, err := a.prepare(ctx, operation, body)
	if err != nil {
		return err
	}
	c, err := a.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	answer, err := c.do(request, true)
	if err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	if answer.status != http.StatusOK {
		return fmt.Errorf("%s: status %d: %s", operation, answer.status, answer.body)
	}
	return json.Unmarshal(answer.body, out)
}

// bearer is the header with a token for pushes to and pulls from the one repository.
func (a *api) bearer(ctx context.Context) (string, error) {
	var login struct {
		AuthorizationData struct{ AuthorizationToken string }
	}
	if err := a.call(ctx, "GetAuthorizationToken", struct{}{}, &login); err != nil {
		return "", err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url()+"/token?service="+a.addr+"&scope=repository:"+alias+"/"+repository+":pull,push", nil)
	if err != nil {
		return "", err
	}
	r.Header.Set("Authorization", "Basic "+login.AuthorizationData.AuthorizationToken)
	answer, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return "", err
	}
	var token struct{ Token string }
	if err := json.Unmarshal(text, &token); err != nil || token.Token == "" {
		return "", fmt.Errorf("token: status %d: %s", answer.StatusCode, strings.TrimSpace(string(text)))
	}
	return "Authorization: Bearer " + token.Token, nil
}
