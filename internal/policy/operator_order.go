package policy

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// numberIs compares decimal numbers, as 64-bit floating point.
type numberIs struct {
	comparison
	want float64
}

func (n numberIs) matches(value string, _ Request) bool {
	got, ok := readNumber(value)
	return ok && n.holds(cmp.Compare(got, n.want))
}

func parseNumber(c comparison) func(*grammar, string) (matcher, error) {
	return func(_ *grammar, value string) (matcher, error) {
		want, ok := readNumber(value)
		if !ok {
			return nil, fmt.Errorf("%q is no number: write an integer or decimal", value)
		}
		return numberIs{c, want}, nil
	}
}

// decimal keeps out what ParseFloat takes and no policy means: infinities, hexadecimal, underscores.
var decimal = regexp.MustCompile(`^[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$`)

func readNumber(s string) (float64, bool) {
	if !decimal.MatchString(s) {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

// dateIs compares instants.
type dateIs struct {
	comparison
	want time.Time
}

func (d dateIs) matches(value string, _ Request) bool {
	got, ok := readDate(value)
	return ok && d.holds(got.Compare(d.want))
}

func parseDate(c comparison) func(*grammar, string) (matcher, error) {
	return func(_ *grammar, value string) (matcher, error) {
		want, ok := readDate(value)
		if !ok {
			return nil, fmt.Errorf("%q is no date: write one such as 2026-01-31T12:00:00Z, or seconds since 1970", value)
		}
		return dateIs{c, want}, nil
	}
}

// readDate accepts the W3C profile of ISO 8601, from a year to fractions of a second, and seconds since 1970. Four digits
// are a year.
func readDate(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", time.DateOnly, "2006-01", "2006"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	seconds, err := strconv.ParseInt(s, 10, 64)
	return time.Unix(seconds, 0).UTC(), err == nil
}
