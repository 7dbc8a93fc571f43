//go:build e2e

package app

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openecr/openecr/internal/enginetest"
)

// findings are texts of a check by what they are about.
func findings(t *testing.T, c Config) map[string]string {
	t.Helper()
	found := make(map[string]string)
	for _, f := range Check(t.Context(), c) {
		found[f.About] = f.Good
		if f.Err != nil {
			found[f.About] = "FAIL " + f.Err.Error()
		}
	}
	return found
}

func TestReadinessAndCheckOverPostgresAndS3(t *testing.T) {
	cluster, bucket := enginetest.Postgres(t), enginetest.S3(t)
	c := newConfig(t)
	c.Metadata, c.Blobs = cluster.Database(t), bucket.Blobs(t)
	c.MasterKey = strings.Repeat("5e", 32)
	c.AccessKeyID, c.SecretAccessKey = "AKIAFLEET", "fleet-secret"
	for _, setting := range bucket.Env() {
		switch name, value, _ := strings.Cut(setting, "="); name {
		case "OPENECR_S3_ACCESS_KEY_ID":
			c.S3AccessKeyID = value
		case "OPENECR_S3_SECRET_ACCESS_KEY":
			c.S3SecretAccessKey = value
		}
	}
	if got := findings(t, c); !strings.HasPrefix(got["metadata"], "there is no metadata yet") || !strings.HasSuffix(got["layers"], " answers") {
		t.Errorf("before the first start: %v", got)
	}
	r := serve(t, c)
	if got := findings(t, c); got["metadata"] != "schema version 2" || got["master key"] != "it opens the secrets" {
		t.Errorf("beside a server: %v", got)
	}
	ready := func(status int, body string) {
		t.Helper()
		r.ready.mu.Lock()
		r.ready.until = time.Time{} // ask anew
		r.ready.mu.Unlock()
		res, got := r.get(t, r.Info().URL+"/readyz")
		if res.StatusCode != status || got != body {
			t.Errorf("%s %s", res.Status, got)
		}
	}
	ready(http.StatusOK, "ok\n")
	bucket.Stop()
	ready(http.StatusServiceUnavailable, "The store of layers does not answer; the log says why.\n")
	if got := findings(t, c)["layers"]; !strings.HasPrefix(got, "FAIL ") || strings.Contains(got, enginetest.S3SecretAccessKey) {
		t.Errorf("without S3: %s", got)
	}
	bucket.Start()
	ready(http.StatusOK, "ok\n")
	cluster.Stop()
	ready(http.StatusServiceUnavailable, "The metadata store does not answer; the log says why.\n")
	if got := findings(t, c)["metadata"]; !strings.HasPrefix(got, "FAIL ") {
		t.Errorf("without PostgreSQL: %s", got)
	}
	cluster.Start()
	ready(http.StatusOK, "ok\n")
}
