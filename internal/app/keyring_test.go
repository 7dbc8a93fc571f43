package app

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"testing"

	"github.com/openecr/openecr/internal/auth"
	"github.com/openecr/openecr/internal/registry"
)

func TestKeyBringsItsHolderAndPolicy(t *testing.T) {
	r := newIdentityRig(t)
	_, err := r.registry.CreateAccessKey(context.Background(), registry.AccessKey{
		ID: "CI", Account: testAccount, User: "ci", SealedSecret: r.stores.sealer.Seal([]byte(someSecret), []byte("CI")),
		Policy: `{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`,
	})
	must(t, err)
	known, err := r.find(context.Background(), "CI")
	must(t, err)
	c := known.caller()
	if c.ARN != "arn:aws:iam::123456789012:user/ci" || c.Account != testAccount || c.KeyID != "CI" || c.Policy == nil {
		t.Errorf("%+v", c)
	}
	root, err := r.find(context.Background(), "GOOD")
	must(t, err)
	if root.caller().Policy != nil {
		t.Error("the root key has a policy")
	}
}

func TestForgetMakesChangesHoldAtOnce(t *testing.T) {
	r := newIdentityRig(t)
	disabled := func() bool {
		t.Helper()
		key, err := r.key(context.Background(), "GOOD")
		must(t, err)
		return key.Disabled
	}
	disabled() // now it is remembered
	_, err := r.registry.SetAccountDisabled(context.Background(), testAccount, true)
	must(t, err)
	if disabled() {
		t.Error("the key is looked up every time")
	}
	r.forget()
	if !disabled() {
		t.Error("the key of a disabled account stands")
	}
}

// An answer that was read before a change must not be remembered after it.
func TestForgetDuringALookup(t *testing.T) {
	r := newIdentityRig(t)
	lookingUp := make(chan struct{})
	release := make(chan struct{})
	r.keyring.registry = registry.New(registry.Config{Meta: slowMeta{r.stores.meta, lookingUp, release}})
	done := make(chan error, 1)
	go func() {
		_, err := r.find(context.Background(), "GOOD")
		done <- err
	}()
	<-lookingUp
	r.forget()
	close(release)
	must(t, <-done)
	if len(r.keys) != 0 {
		t.Error("it is remembered")
	}
}

// slowMeta says when a view has begun, and ends none before it is told to.
type slowMeta struct {
	registry.Meta
	begun, release chan struct{}
}

func (m slowMeta) View(ctx context.Context, fn func(registry.Tx) error) error {
	err := m.Meta.View(ctx, fn)
	close(m.begun)
	<-m.release
	return err
}

func TestKeyThatGoesWhileTheBodyTravels(t *testing.T) {
	r := newIdentityRig(t)
	env := Environment{Info: Info{URL: "http://registry.example"}, AccessKeyID: "GOOD", SecretAccessKey: someSecret}
	p, err := r.beginAPI(signed(t, env, http.MethodPost, "/", "ecr-public", "application/x-amz-json-1.1", "{}"))
	must(t, err)
	finish := func() error {
		_, err := p.Finish(sha256.Sum256([]byte("{}")))
		return err
	}
	must(t, finish())
	_, err = r.registry.SetAccessKeyDisabled(context.Background(), "GOOD", true)
	must(t, err)
	r.forget()
	var refused *auth.Error
	if err := finish(); !errors.As(err, &refused) || refused.Code != "UnrecognizedClientException" {
		t.Errorf("disabled: %v", err)
	}
	must(t, r.registry.DeleteAccessKey(context.Background(), "GOOD"))
	r.forget()
	if err := finish(); !errors.As(err, &refused) || refused.Code != "UnrecognizedClientException" {
		t.Errorf("deleted: %v", err)
	}
}
