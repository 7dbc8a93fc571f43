package app

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// byteUnits are what may stand behind a number of bytes, longest first so that none hides another.
var byteUnits = []struct {
	name string
	size int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12},
	{"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {"T", 1 << 40},
	{"B", 1}, {"", 1},
}

// parseBytes reads a number of bytes, such as 512MiB, 1.5G or 1000000.
func parseBytes(s string) (int64, error) {
	for _, unit := range byteUnits {
		number, ok := cutSuffixFold(s, unit.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if n *= float64(unit.size); err != nil || !(n >= 0 && n < math.MaxInt64) {
			break
		}
		return int64(n), nil
	}
	return 0, fmt.Errorf("%q is no number of bytes: write one like 512MiB or 10GiB", s)
}

func cutSuffixFold(s, suffix string) (string, bool) {
	at := len(s) - len(suffix)
	if at < 0 || !strings.EqualFold(s[at:], suffix) {
		return s, false
	}
	return s[:at], true
}

// formatBytes is for people: "1.2 GiB".
func formatBytes(n int64) string {
	for _, unit := range []struct {
		name string
		size int64
	}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n >= unit.size {
			return fmt.Sprintf("%.1f %s", float64(n)/float64(unit.size), unit.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}
