package ecrpublic

import (
	"math/rand"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// generator makes structures at random. With full every member is present and not empty and every enum value known;
// without, members are absent, empty or present, and enum values may be unknown.
type generator struct {
	*rand.Rand
	full bool
}

// structure returns a pointer to a new structure of the shape.
func (g generator) structure(s *Shape) any {
	v := reflect.New(s.goType)
	g.fill(s, v.Elem())
	return v.Interface()
}

func (g generator) fill(s *Shape, v reflect.Value) {
	switch s.Kind {
	case KindStructure:
		for _, m := range s.Members {
			if g.full || g.Intn(3) > 0 {
				g.fill(m.Shape, m.alloc(v))
			}
		}
	case KindList:
		list := reflect.MakeSlice(s.goType, g.length(), 4)
		for i := range list.Len() {
			g.fill(s.Item, list.Index(i))
		}
		v.Set(list)
	case KindString:
		v.SetString(g.text())
	case KindEnum:
		v.SetString(s.Enum[g.Intn(len(s.Enum))])
		if !g.full && g.Intn(3) == 0 {
			v.SetString("FROM_THE_FUTURE")
		}
	case KindLong, KindInteger:
		v.SetInt(g.Int63() >> (64 - v.Type().Bits()) >> g.Intn(v.Type().Bits()))
		if !g.full && g.Intn(2) == 0 {
			v.SetInt(-v.Int() - 1)
		}
	case KindBoolean:
		v.SetBool(g.full || g.Intn(2) == 0)
	case KindTimestamp:
		v.Set(reflect.ValueOf(time.UnixMilli(g.Int63n(4e12) - 1e12).UTC()))
	case KindBlob:
		blob := make([]byte, g.length())
		g.Read(blob)
		v.SetBytes(blob)
	}
}

func (g generator) length() int {
	if g.full {
		return 1 + g.Intn(4)
	}
	return g.Intn(4)
}

func (g generator) text() string {
	const letters = "aZ0/_:\"\\<&>\x00\x1f\x7f\n\t é€😀\u2028\uFFFD"
	runes := []rune(letters)
	var b strings.Builder
	for range g.length() {
		b.WriteRune(runes[g.Intn(len(runes))])
	}
	return b.String()
}

// eachShape runs a test for every structure of the API, exceptions included, with a generator that always makes the
// same values.
func eachShape(t *testing.T, test func(*testing.T, *Shape, generator)) {
	all := make([]*Shape, 0, len(api.shapes))
	for _, s := range api.shapes {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *Shape) int { return strings.Compare(a.Name, b.Name) })
	for i, s := range all {
		t.Run(s.Name, func(t *testing.T) {
			test(t, s, generator{Rand: rand.New(rand.NewSource(int64(i)))})
		})
	}
}
