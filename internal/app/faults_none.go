//go:build !crash

package app

import "github.com/openecr/openecr/internal/registry"

// withFaults has the stores as they are. What tests of crashes need is in faults_crash.go.
func withFaults(meta registry.Meta, blobs registry.Blobs) (registry.Meta, registry.Blobs, error) {
	return meta, blobs, nil
}
