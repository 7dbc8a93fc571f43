//go:build e2e

package registry_test

import (
	"strings"
	"testing"

	"github.com/openecr/openecr/internal/blobs3"
	"github.com/openecr/openecr/internal/enginetest"
	"github.com/openecr/openecr/internal/sqlmeta"
)

func TestPromisesHoldInTheRaceRigOverPostgresAndS3(t *testing.T) {
	cluster, gateway := enginetest.Postgres(t), enginetest.S3(t)
	for _, variable := range gateway.Env() {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(strings.Replace(name, "OPENECR_S3_", "AWS_", 1), value)
	}
	raceRigOver(t, func(f *fixture) {
		f.must(f.meta.Close())
		meta, err := sqlmeta.Open(t.Context(), sqlmeta.Options{URL: cluster.Database(t)})
		f.must(err)
		f.meta.Meta = meta
		f.must(begin(t.Context(), meta))
		options, err := blobs3.ParseURL(gateway.Blobs(t))
		f.must(err)
		f.store, err = blobs3.Open(t.Context(), options)
		f.must(err)
		f.registry = f.node()
	})
}
