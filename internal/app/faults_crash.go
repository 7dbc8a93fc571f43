//go:build crash

package app

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/openecr/openecr/internal/faults"
	"github.com/openecr/openecr/internal/registry"
)

// withFaults has the stores die or fail as OPENECR_FAULTS says: from the beginning, or with OPENECR_FAULTS_ARMED=later
// once the signal USR2 has come.
func withFaults(meta registry.Meta, blobs registry.Blobs) (registry.Meta, registry.Blobs, error) {
	plan, err := faults.Parse(os.Getenv("OPENECR_FAULTS"), func() {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // until it has come
	})
	if err != nil {
		return nil, nil, fmt.Errorf("OPENECR_FAULTS: %w", err)
	}
	if os.Getenv("OPENECR_FAULTS_ARMED") != "later" {
		plan.Armed.Store(true)
	}
	armed := make(chan os.Signal, 1)
	signal.Notify(armed, syscall.SIGUSR2)
	go func() {
		<-armed
		plan.Armed.Store(true)
	}()
	return plan.Meta(meta), plan.Blobs(blobs), nil
}
