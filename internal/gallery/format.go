package gallery

import (
	"fmt"
	"hash/fnv"
	"html/template"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// functions are what templates may call beside html/template's own.
var functions = template.FuncMap{
	"bytes":          formatBytes,
	"count":          func(n reflect.Value) string { return formatCount(n.Int()) }, // of any integer type
	"rounded":        roundCount,
	"date":           formatDate,
	"moment":         func(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04 UTC") },
	"stamp":          func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"short":          shortDigest,
	"clip":           clip,
	"letter":         firstLetter,
	"hue":            hue,
	"kind":           kindName,
	"action":         actionName,
	"who":            func(arn string) string { return strings.TrimPrefix(arn, "arn:aws:iam::") }, // all of them begin so
	"mainKinds":      mainKinds,
	"logoPath":       logoPath,
	"publisherPath":  publisherPath,
	"repositoryPath": repositoryPath,
	"tagPath":        tagPath,
	"digestPath":     digestPath,
	"list":           func(items ...any) []any { return items },
	"add":            func(a, b int) int { return a + b },
	"without":        func(a, b int) int { return a - b },
	"pieces":         func(s string) []string { return strings.SplitAfter(s, "/") }, // between which a line may break
	"shares":         sharesOf,
}

// formatBytes prints a size in units of 1000 bytes, as docker and its users count them: "31.4 MB".
func formatBytes(n int64) string {
	if n < 1000 {
		return strconv.FormatInt(n, 10) + " B"
	}
	f := float64(n)
	for _, unit := range []string{"kB", "MB", "GB", "TB"} {
		f /= 1000
		if f < 9.95 {
			return strconv.FormatFloat(f, 'f', 1, 64) + " " + unit
		}
		if f < 999.5 {
			return strconv.FormatFloat(f, 'f', 0, 64) + " " + unit
		}
	}
	return strconv.FormatFloat(f, 'f', 0, 64) + " TB"
}

// formatCount prints a number with its thousands apart: "12,345".
func formatCount(n int64) string {
	digits := strconv.FormatInt(n, 10)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 && digits[i-1] != '-' {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// roundCount prints a number that is read at a glance: "12k", "3.4M".
func roundCount(n int64) string {
	switch {
	case n < 1000:
		return strconv.FormatInt(n, 10)
	case n < 999_500:
		return trimPoint(float64(n)/1e3) + "k"
	case n < 999_500_000:
		return trimPoint(float64(n)/1e6) + "M"
	default:
		return trimPoint(float64(n)/1e9) + "B"
	}
}

func trimPoint(f float64) string {
	if f >= 9.95 {
		return strconv.FormatFloat(f, 'f', 0, 64)
	}
	return strings.TrimSuffix(strconv.FormatFloat(f, 'f', 1, 64), ".0")
}

func formatDate(t time.Time) string { return t.UTC().Format("2 Jan 2006") }

// shortDigest is enough of a digest to know it again.
func shortDigest(d ref.Digest) string {
	text := d.String()
	return text[:min(len(text), len("sha256:0123456789ab"))]
}

// clip cuts a text after so many characters and says how many are missing. A page stays small whatever it is about.
func clip(most int, s string) string {
	for i := range s {
		if most == 0 {
			return fmt.Sprintf("%s… (%s more characters)", s[:i], formatCount(int64(utf8.RuneCountInString(s[i:]))))
		}
		most--
	}
	return s
}

// firstLetter stands in for a logo.
func firstLetter(name string) string {
	name = name[strings.LastIndexByte(name, '/')+1:]
	for _, r := range name {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return string(unicode.ToUpper(r))
		}
	}
	return "?"
}

// logoPath is where the logo with that address is found under whatever name the visitor reached the server.
func logoPath(address string) string {
	return address[max(0, strings.Index(address, registry.LogoPath)):]
}

// hue is one of the classes hue0 to hue5, always the same for a name.
func hue(name string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // a hash takes everything
	return "hue" + strconv.Itoa(int(h.Sum32()%6))
}

func kindName(k registry.ArtifactKind) string {
	switch k {
	case registry.KindImage:
		return "Container image"
	case registry.KindChart:
		return "Helm chart"
	case registry.KindSignature:
		return "Signature"
	case registry.KindSBOM:
		return "Bill of materials"
	case registry.KindAttestation:
		return "Attestation"
	default:
		return "Other artifact"
	}
}

// mainKinds leaves out what only says something about the images or charts beside it.
func mainKinds(all []registry.ArtifactKind) []registry.ArtifactKind {
	main := slices.DeleteFunc(slices.Clone(all), func(k registry.ArtifactKind) bool {
		return k == registry.KindSignature || k == registry.KindSBOM || k == registry.KindAttestation
	})
	if len(main) == 0 {
		return all
	}
	return main
}

// fraction is part of whole in hundredths, as SVG takes it.
func fraction(part, whole int64) string {
	if whole <= 0 {
		return "0"
	}
	return strconv.FormatFloat(100*float64(part)/float64(whole), 'f', 2, 64)
}

// share is a part of a picture that shows how a whole is made up.
type share struct{ X, Width, Class string }

// sharesOf places layers beside each other, by their size.
func sharesOf(layers []layerRow) []share {
	var total, before int64
	for _, l := range layers {
		total += l.Size
	}
	shares := make([]share, len(layers))
	for i, l := range layers {
		shares[i] = share{fraction(before, total), fraction(l.Size, total), "part" + strconv.Itoa(i%6)}
		before += l.Size
	}
	return shares
}
