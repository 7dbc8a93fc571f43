//go:build e2e

package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/auth"
	"github.com/openecr/openecr/internal/enginetest"
	"github.com/openecr/openecr/internal/ref"
)

const (
	fleetKey    = "AKIAFLEET"
	fleetSecret = "fleet-secret"
)

// fleet makes configurations of nodes that share metadata and layers and nothing else.
func fleet(t *testing.T) func() Config {
	metadata, layers := enginetest.Postgres(t).Database(t), filepath.Join(t.TempDir(), "layers")
	return func() Config {
		c := newConfig(t)
		c.Metadata, c.Blobs = metadata, "file:"+layers
		c.MasterKey = strings.Repeat("5e", 32)
		c.PublicURL = "http://registry.example"
		c.AccessKeyID, c.SecretAccessKey = fleetKey, fleetSecret
		return c
	}
}

// roundTripper has a handler answer without a network.
type roundTripper struct{ http.Handler }

func (h roundTripper) Do(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	r.Host = "registry.example"
	r.RemoteAddr = "192.0.2.1:1234"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), nil
}

// client calls the API of one node.
func (a *App) client(t *testing.T) *ecrpublic.Client {
	t.Helper()
	c, err := ecrpublic.NewClient(t.Context(), aws.Config{
		Region:       "us-east-1",
		BaseEndpoint: aws.String("http://registry.example"),
		HTTPClient:   roundTripper{a.Handler()},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: fleetKey, SecretAccessKey: fleetSecret}, nil
		}),
	})
	must(t, err)
	return c
}

func TestNodesThatStartAtOnceAgree(t *testing.T) {
	config := fleet(t)
	const nodes = 4
	infos := make([]Info, nodes)
	var starts sync.WaitGroup
	for i := range nodes {
		c := config()
		starts.Go(func() {
			a, err := New(context.Background(), c, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Error(err)
				return
			}
			infos[i] = a.Info()
			must(t, a.Close())
		})
	}
	starts.Wait()
	for _, info := range infos[1:] {
		if info.AccountID != infos[0].AccountID || info.Alias != infos[0].Alias {
			t.Errorf("two nodes have made different accounts: %+v and %+v", info, infos[0])
		}
	}
	c := config()
	openClose(t, c)
	accounts, err := Administer(t.Context(), c.Stores, ListAccounts{})
	must(t, err)
	if len(accounts) != 1 {
		t.Errorf("there are %d accounts, want one", len(accounts))
	}
}

// A key that was drawn would be in the folder of one node, where the operators of the others do not find it.
func TestFleetDrawsNoKey(t *testing.T) {
	c := fleet(t)()
	c.AccessKeyID, c.SecretAccessKey = "", ""
	openClose(t, c)
	if _, err := os.Stat(c.file(CredentialsFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the credentials file: error %v, want none", err)
	}
	elsewhere := c
	elsewhere.Data = filepath.Join(t.TempDir(), "another machine")
	key, err := Administer(t.Context(), elsewhere.Stores, CreateKey{})
	must(t, err)
	keys, err := Administer(t.Context(), c.Stores, ListKeys{})
	must(t, err)
	if len(keys) != 1 || keys[0].ID != key.ID {
		t.Errorf("keys are %v, want %s", keys, key.ID)
	}
}

func TestFleetHasOneMasterKey(t *testing.T) {
	config := fleet(t)
	openClose(t, config())
	other := config()
	other.MasterKey = strings.Repeat("6f", 32)
	if got := refusal(t, other); !strings.Contains(got, "the master key does not open this data: set OPENECR_MASTER_KEY") {
		t.Errorf("refused by %q", got)
	}
}

func TestTokensOfOneNodeHoldOnAnother(t *testing.T) {
	config := fleet(t)
	a, b := open(t, config()), open(t, config())
	for i := range 3 {
		_, err := a.client(t).CreateRepository(t.Context(), &ecrpublic.CreateRepositoryRequest{RepositoryName: aws.String(fmt.Sprint("app", i))})
		must(t, err)
	}
	first, err := a.client(t).DescribeRepositories(t.Context(), &ecrpublic.DescribeRepositoriesRequest{MaxResults: aws.Int32(2)})
	must(t, err)
	second, err := b.client(t).DescribeRepositories(t.Context(), &ecrpublic.DescribeRepositoriesRequest{MaxResults: aws.Int32(2), NextToken: first.NextToken})
	must(t, err)
	if len(second.Repositories) != 1 || *second.Repositories[0].RepositoryName != "app2" {
		t.Errorf("the second page has %d repositories, want app2", len(second.Repositories))
	}
	login, err := a.client(t).GetAuthorizationToken(t.Context(), &ecrpublic.GetAuthorizationTokenRequest{})
	must(t, err)
	password, err := auth.ParseAuthorizationToken(*login.AuthorizationData.AuthorizationToken)
	must(t, err)
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/v2/"+a.Info().Alias+"/app0/blobs/uploads/", nil)
	r.SetBasicAuth(loginUser, password)
	res, err := roundTripper{b.Handler()}.Do(r)
	must(t, err)
	if res.StatusCode != http.StatusAccepted {
		t.Errorf("a login of node A on node B: %s", res.Status)
	}
}

// A repository is deleted and made again on node A while node B still knows the old one and its layers.
func TestPushAfterARepositoryWasMadeAgainElsewhere(t *testing.T) {
	config := fleet(t)
	a, b := open(t, config()), open(t, config())
	name := aws.String("app")
	_, err := a.client(t).CreateRepository(t.Context(), &ecrpublic.CreateRepositoryRequest{RepositoryName: name})
	must(t, err)
	layer := bytes.Repeat([]byte("layer"), 100)
	must(t, pushLayer(t, a.client(t), name, layer))
	if !isAvailable(t, b.client(t), name, layer) {
		t.Fatal("node B does not see the layer that was pushed through node A")
	}
	_, err = a.client(t).DeleteRepository(t.Context(), &ecrpublic.DeleteRepositoryRequest{RepositoryName: name, Force: aws.Bool(true)})
	must(t, err)
	_, err = a.client(t).CreateRepository(t.Context(), &ecrpublic.CreateRepositoryRequest{RepositoryName: name})
	must(t, err)
	made := time.Now()
	for isAvailable(t, b.client(t), name, layer) {
		if time.Since(made) > 3*time.Second {
			t.Fatal("after 3 seconds node B still answers from the repository that is gone")
		}
		time.Sleep(20 * time.Millisecond) // a client that tries again
	}
	must(t, pushLayer(t, b.client(t), name, layer))
	if !isAvailable(t, a.client(t), name, layer) {
		t.Error("node A does not see the layer that was pushed through node B")
	}
}

func pushLayer(t *testing.T, c *ecrpublic.Client, repository *string, content []byte) error {
	t.Helper()
	begun, err := c.InitiateLayerUpload(t.Context(), &ecrpublic.InitiateLayerUploadRequest{RepositoryName: repository})
	if err != nil {
		return err
	}
	_, err = c.UploadLayerPart(t.Context(), &ecrpublic.UploadLayerPartRequest{
		RepositoryName: repository, UploadId: begun.UploadId, LayerPartBlob: content,
		PartFirstByte: aws.Int64(0), PartLastByte: aws.Int64(int64(len(content) - 1)),
	})
	if err != nil {
		return err
	}
	_, err = c.CompleteLayerUpload(t.Context(), &ecrpublic.CompleteLayerUploadRequest{
		RepositoryName: repository, UploadId: begun.UploadId, LayerDigests: []string{ref.DigestBytes(ref.SHA256, content).String()},
	})
	return err
}

func isAvailable(t *testing.T, c *ecrpublic.Client, repository *string, content []byte) bool {
	t.Helper()
	out, err := c.BatchCheckLayerAvailability(t.Context(), &ecrpublic.BatchCheckLayerAvailabilityRequest{
		RepositoryName: repository, LayerDigests: []string{ref.DigestBytes(ref.SHA256, content).String()},
	})
	must(t, err)
	return *out.Layers[0].LayerAvailability == ecrpublic.LayerAvailabilityAvailable
}
