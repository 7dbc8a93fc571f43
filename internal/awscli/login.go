package awscli

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/awscli/argparse"
	"github.com/openecr/openecr/internal/awscli/document"
)

// loginCommand is the one command that is no operation.
const loginCommand = "get-login-password"

// loginPassword prints a password for `docker login --username AWS`.
func (s *session) loginPassword(ctx context.Context, args []string) error {
	if len(args) == 1 && args[0] == "help" {
		return s.helpFor([]string{loginCommand})
	}
	var none argparse.Parser
	r, err := none.Parse(args)
	if err != nil {
		return usageError(err)
	}
	if len(r.Rest) > 0 {
		return failf(exitUsage, "Unknown options: %s", strings.Join(r.Rest, ","))
	}
	caller, err := s.newCaller(ctx)
	if err != nil {
		return err
	}
	op, _ := ecrpublic.OperationByName("GetAuthorizationToken")
	answer, err := caller.call(ctx, op, document.NewObject())
	if err != nil {
		return err
	}
	data, _ := answer.Get("authorizationData")
	token := any(nil)
	if o, ok := data.(*document.Object); ok {
		token, _ = o.Get("authorizationToken")
	}
	login, err := base64.StdEncoding.DecodeString(document.Text(token))
	_, password, ok := strings.Cut(string(login), ":")
	if err != nil || !ok {
		return errors.New("the service answered GetAuthorizationToken without a password; is this an ECR Public endpoint?")
	}
	_, err = fmt.Fprintln(s.Stdout, password)
	return err
}
