package awscli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/awscli/document"
)

// A caller makes calls with documents.
type caller struct {
	client      *ecrpublic.Client
	credentials aws.CredentialsProvider
	transport   *transport
	rawBlobs    bool
	wireTimes   bool
	maxAttempts int // of one call
}

// call checks the parameters and makes one call, with what the client does about failures that may pass.
func (c *caller) call(ctx context.Context, op *ecrpublic.Operation, parameters *document.Object) (*document.Object, error) {
	in, err := input(op, parameters, c.rawBlobs)
	if err != nil {
		return nil, err
	}
	if err := c.findCredentials(ctx); err != nil {
		return nil, err
	}
	c.transport.attempts = 0
	out := op.NewOutput()
	if err := c.client.Call(ctx, op, in, out); err != nil {
		return nil, c.explain(op, err)
	}
	answer := out.(interface{ ToValue() ecrpublic.Structure }).ToValue()
	return fromValue(answer, c.wireTimes).(*document.Object), nil
}

func (c *caller) findCredentials(ctx context.Context) error {
	if c.transport.unsigned {
		return nil
	}
	_, err := c.credentials.Retrieve(ctx)
	if err == nil {
		return nil
	}
	id, secret := os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY")
	if id != "" && secret == "" {
		return errors.New("Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY") //nolint:staticcheck // the AWS CLI's text
	}
	if strings.Contains(err.Error(), "EC2 IMDS") { // the last place to look
		return failf(exitConfiguration, `Unable to locate credentials. You can configure credentials by running "aws configure".`)
	}
	return fmt.Errorf("finding credentials: %w", err)
}

// explain words the error of a call as the AWS CLI does.
func (c *caller) explain(op *ecrpublic.Operation, err error) error {
	if r := (*ecrpublic.ResponseError)(nil); errors.As(err, &r) {
		retries := ""
		if n := c.transport.attempts; n >= c.maxAttempts {
			retries = fmt.Sprintf(" (reached max retries: %d)", n-1)
		}
		code, message := errorIn(r.StatusCode, c.transport.body)
		return failf(exitService, "An error occurred (%s) when calling the %s operation%s: %s", code, op.Name, retries, message)
	}
	sending := (*smithyhttp.RequestSendError)(nil)
	if !errors.As(err, &sending) {
		return err
	}
	address := c.transport.address
	timeout := net.Error(nil)
	dial := (*net.OpError)(nil)
	isDial := errors.As(err, &dial) && dial.Op == "dial"
	switch {
	case errors.As(err, &timeout) && timeout.Timeout() && isDial:
		return fmt.Errorf("Connect timeout on endpoint URL: \"%s\"", address) //nolint:staticcheck // the AWS CLI's text
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("Read timeout on endpoint URL: \"%s\"", address) //nolint:staticcheck // the AWS CLI's text
	case isDial:
		return fmt.Errorf("Could not connect to the endpoint URL: \"%s\"", address) //nolint:staticcheck // the AWS CLI's text
	case errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET):
		return fmt.Errorf("Connection was closed before we received a valid response from endpoint URL: \"%s\".", address) //nolint:staticcheck // the AWS CLI's text
	case strings.HasPrefix(address, "https:"):
		return fmt.Errorf("SSL validation failed for %s %w", address, sending.Err) //nolint:staticcheck // the AWS CLI's text
	}
	return err
}

// errorIn finds the code and the message in the body of an error. A body that is no JSON is the message.
func errorIn(status int, body []byte) (code, message string) {
	code, message = strconv.Itoa(status), string(body)
	if len(body) == 0 {
		return code, ""
	}
	v, err := document.ParseJSON(string(body))
	o, ok := v.(*document.Object)
	if err != nil || !ok {
		return code, message
	}
	message = ""
	for _, name := range []string{"Message", "message"} {
		if m, ok := o.Get(name); ok {
			message = document.Text(m)
		}
	}
	if t, ok := o.Get("__type"); ok {
		code = document.Text(t)
		code = code[strings.LastIndexByte(code, '#')+1:]
	}
	return code, message
}

// A transport sends requests, and remembers what error texts need of the last one.
type transport struct {
	next     aws.HTTPClient
	unsigned bool
	agent    string
	log      io.Writer // nil: none

	attempts int
	address  string
	body     []byte // of an answer that is an error
}

// maxErrorBody bounds what is remembered of an answer.
const maxErrorBody = 1 << 20

func (t *transport) Do(request *http.Request) (*http.Response, error) {
	request.Header.Set("User-Agent", t.agent)
	if t.unsigned {
		request.Header.Del("Authorization")
		request.Header.Del("X-Amz-Date")
	}
	t.attempts++
	t.address, t.body = request.URL.String(), nil
	t.debug("%s %s %s", request.Method, request.URL, request.Header.Get("X-Amz-Target"))
	response, err := t.next.Do(request)
	if err != nil {
		t.debug("%v", err)
		return nil, err
	}
	t.debug("%s, request id %s", response.Status, response.Header.Get("x-amzn-RequestId"))
	if response.StatusCode != http.StatusOK {
		t.body, err = io.ReadAll(io.LimitReader(response.Body, maxErrorBody))
		_ = response.Body.Close()
		if err != nil {
			return nil, err
		}
		response.Body = io.NopCloser(bytes.NewReader(t.body))
	}
	return response, nil
}

func (t *transport) debug(format string, args ...any) {
	if t.log != nil {
		fmt.Fprintf(t.log, "openecr: "+format+"\n", args...)
	}
}
