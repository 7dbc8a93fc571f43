package app

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
)

func TestMigrateALiveServer(t *testing.T) {
	c := newConfig(t)
	r := serve(t, c)
	client := newClient(t, r, readEnvironment(t, c))
	makeRepository(t, client)
	push(t, client, layerOf("first"))
	target := newConfig(t)
	m := Migrate{Copying: copying, From: c.Data, To: target.Data, ReadOnly: true}

	ctx, p := stopping(t, "copying metadata") // after pushes were stopped
	if _, err := m.Run(ctx, p); !errors.Is(err, context.Canceled) {
		t.Fatalf("stopped: error %v", err)
	}
	push(t, client, layerOf("second")) // a migration that failed gives the old place back

	done, err := m.Run(t.Context(), unheard{})
	must(t, err)
	if !done.ReadOnly || done.Blobs.Count != 2 || done.Copied.Count != 1 {
		t.Errorf("migrated %+v", done)
	}
	_, err = client.InitiateLayerUpload(t.Context(), &ecrpublic.InitiateLayerUploadInput{RepositoryName: aws.String("hello")})
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorCode() != "ServiceUnavailableException" {
		t.Errorf("a push to the old place: %v", err)
	}
	if !hasLayer(t, client, layerOf("second")) {
		t.Error("the old place answers no more")
	}
	checkLayers(t, target, layerOf("first"), layerOf("second"))
	if _, err := m.Run(t.Context(), unheard{}); err == nil || !strings.Contains(err.Error(), "holds a registry already") {
		t.Errorf("migrated once more: %v", err)
	}

	if state := do(t, c.Stores, ReadOnly{}); state.ReadOnly {
		t.Errorf("switched off: %+v", state)
	}
	push(t, client, layerOf("third"))
}

func TestMigrateWithoutReadOnlyLeavesTheOldPlaceOpen(t *testing.T) {
	c := newConfig(t)
	r := serve(t, c)
	client := newClient(t, r, readEnvironment(t, c))
	makeRepository(t, client)
	target := newConfig(t)
	pair := "sqlite:" + filepath.Join(c.Data, "openecr.db") + ",file:" + filepath.Join(c.Data, "blobs")
	m := Migrate{Copying: copying, From: pair, To: target.Data}
	if _, err := m.Run(t.Context(), unheard{}); err == nil || !strings.Contains(err.Error(), "OPENECR_MASTER_KEY") {
		t.Errorf("without a master key: %v", err)
	}
	key, err := findKey("", []string{c.file(masterKeyFile)})
	must(t, err)
	m.MasterKey = string(masterKeyText(key))
	done, err := m.Run(t.Context(), unheard{})
	must(t, err)
	if done.ReadOnly {
		t.Error("the old place is said to be read-only")
	}
	push(t, client, layerOf("later"))
}

func TestReadOnlyOnTheDockerWire(t *testing.T) {
	c := newConfig(t)
	r := serve(t, c)
	env := readEnvironment(t, c)
	makeRepository(t, newClient(t, r, env))
	if state := do(t, c.Stores, ReadOnly{On: true}); !state.ReadOnly {
		t.Errorf("switched on: %+v", state)
	}
	password, err := newClient(t, r, env).GetAuthorizationToken(t.Context(), &ecrpublic.GetAuthorizationTokenInput{})
	must(t, err)
	header := http.Header{"Authorization": {"Basic " + aws.ToString(password.AuthorizationData.AuthorizationToken)}}
	res, body := r.do(t, http.MethodPost, env.URL+"/v2/"+env.Alias+"/hello/blobs/uploads/", header)
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" || !strings.Contains(body, "read-only since") {
		t.Errorf("%s, %v, %s", res.Status, res.Header, body)
	}
	r.stop()
	must(t, r.wait())
	serve(t, c) // also starts while it is read-only
	if state := do(t, c.Stores, ReadOnly{}); state.ReadOnly {
		t.Errorf("switched off: %+v", state)
	}
}

func TestParsePlace(t *testing.T) {
	for place, want := range map[string]Stores{
		"./data":                              {Data: "./data"},
		"a,b":                                 {Data: "a,b"},
		"sqlite:m.db,file:blobs":              {Metadata: "sqlite:m.db", Blobs: "file:blobs"},
		"postgres://u@h1,h2/db,s3://b/p?x=,y": {Metadata: "postgres://u@h1,h2/db", Blobs: "s3://b/p?x=,y"},
	} {
		got, err := parsePlace("--to", place)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", place, err, diff)
		}
	}
	for _, place := range []string{"sqlite:m.db", "postgres://h/db", "file:blobs", "s3://bucket"} {
		if _, err := parsePlace("--to", place); err == nil || !strings.Contains(err.Error(), "--to names metadata or blobs alone") {
			t.Errorf("%s: error %v", place, err)
		}
	}
}
