package app

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestMemoryIsGivenBack(t *testing.T) {
	before := fromFiles(t)
	giveBackMemory()
	if after := fromFiles(t); after > before/2 {
		t.Errorf("%d KiB of files are in memory, and were %d before", after, before)
	}
}

// fromFiles is how much of this process's memory is parts of files: of the program, before all.
func fromFiles(t *testing.T) (kib int) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "RssFile:")
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		t.Fatal(err)
	}
	return kib
}
