package ecrapi

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/openecr/openecr/ecrpublic"
)

// matching has a string for every pattern of the API, and others one that does not match.
var (
	matching = map[string]string{
		`[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+`: "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		`[0-9]{12}`:                     account,
		`(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*`:              "hello",
		`[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}`: requestID,
	}
	others = []string{"", "?", "A B", "-", strings.Repeat("X", 41)}
)

// sample is a value that keeps every constraint of the shape, with n characters, bytes or items where the shape is of
// that kind.
func sample(t *testing.T, s *ecrpublic.Shape, n int64) any {
	t.Helper()
	switch s.Kind {
	case ecrpublic.KindStructure:
		object := make(map[string]any)
		for _, m := range s.Members {
			object[m.Name] = sample(t, m.Shape, fewest(m.Shape))
		}
		return object
	case ecrpublic.KindList:
		list := make([]any, n)
		for i := range list {
			list[i] = sample(t, s.Item, fewest(s.Item))
		}
		return list
	case ecrpublic.KindLong, ecrpublic.KindInteger:
		return max(1, fewest(s))
	case ecrpublic.KindBoolean:
		return false
	case ecrpublic.KindBlob:
		return base64.StdEncoding.EncodeToString(make([]byte, n))
	case ecrpublic.KindString:
		if s.Pattern == "" {
			return strings.Repeat("é", int(n)) // lengths count characters, not bytes
		}
		if n > int64(len(matching[s.Pattern])) {
			return strings.Repeat("a", int(n)) // only names have a pattern and a length
		}
		if matching[s.Pattern] == "" {
			t.Fatalf("no sample for pattern %s", s.Pattern)
		}
		return matching[s.Pattern]
	}
	t.Fatalf("no sample of a %v", s.Kind)
	return nil
}

// fewest is the least length or value that the shape allows, but for strings, which are not empty.
func fewest(s *ecrpublic.Shape) int64 {
	least := int64(0)
	if s.Kind == ecrpublic.KindString {
		least = 1
	}
	for _, b := range []ecrpublic.Bounds{s.Length, s.Range} {
		if b.Min != nil {
			least = max(least, *b.Min)
		}
	}
	return least
}

// wrongTypes are values that no member of the kind takes.
func wrongTypes(k ecrpublic.Kind) []any {
	text, number, list, object, boolean := any("text"), any(7), any([]any{}), any(map[string]any{}), any(true)
	switch k {
	case ecrpublic.KindStructure:
		return []any{text, number, list, boolean}
	case ecrpublic.KindList:
		return []any{text, number, object, boolean}
	case ecrpublic.KindLong, ecrpublic.KindInteger:
		return []any{text, list, object, boolean, 1.5, json.RawMessage("1e400"), json.RawMessage("9223372036854775808")}
	case ecrpublic.KindBoolean:
		return []any{text, number, list, object}
	case ecrpublic.KindBlob:
		return []any{number, list, object, boolean, "not base64!"}
	}
	return []any{number, list, object, boolean}
}

// breach is a request with one member that breaks one constraint, or keeps it only just.
type breach struct {
	name  string
	body  map[string]any
	code  string // the exception; empty when it must not be refused for this member
	about string // what the message has in it, or must not have
}

// breaches breaks every constraint of an operation, one at a time.
func breaches(t *testing.T, op *ecrpublic.Operation) []breach {
	b := breaker{t: t, root: func() map[string]any { return sample(t, op.Input, 0).(map[string]any) }}
	b.structure(op.Input, nil, "")
	return b.found
}

type breaker struct {
	t     *testing.T
	root  func() map[string]any // a request that is right
	found []breach
}

// add notes a request in which the value at a path of member names is another; absent when it is not given.
func (b *breaker) add(name string, path []string, code, about string, value ...any) {
	body := b.root()
	at := body
	for _, name := range path[:len(path)-1] {
		child := at[name]
		if list, ok := child.([]any); ok {
			child = sample(b.t, b.itemOf(name), 0)
			at[name] = append(list[:0:0], child)
		}
		at = child.(map[string]any)
	}
	last := path[len(path)-1]
	if len(value) == 0 {
		delete(at, last)
	} else {
		at[last] = value[0]
	}
	b.found = append(b.found, breach{strings.Join(path, ".") + " " + name, body, code, about})
}

// itemOf is the structure in a list; of the API's inputs only tags and image ids are such lists.
func (b *breaker) itemOf(list string) *ecrpublic.Shape {
	operation := map[string]string{"tags": "TagResource", "imageIds": "BatchDeleteImage"}[list]
	op, ok := ecrpublic.OperationByName(operation)
	if !ok {
		b.t.Fatalf("no structure known in list %s", list)
	}
	return op.Input.Member(list).Shape.Item
}

func (b *breaker) structure(s *ecrpublic.Shape, path []string, printed string) {
	for _, m := range s.Members {
		path := append(slices.Clone(path), m.Name)
		printed := printed + m.Name
		if m.Required {
			b.add("missing", path, "InvalidParameterException", violation(printed, "Member must not be null"))
			b.add("null", path, "InvalidParameterException", violation(printed, "Member must not be null"), nil)
		}
		for _, wrong := range wrongTypes(m.Shape.Kind) {
			b.add(fmt.Sprintf("of a wrong type, %v", wrong), path, "SerializationException", m.Name, wrong)
		}
		b.value(m.Shape, path, printed)
	}
}

func violation(path, constraint string) string {
	return fmt.Sprintf("Invalid parameter at '%s' failed to satisfy constraint: '%s'", path, constraint)
}

func (b *breaker) value(s *ecrpublic.Shape, path []string, printed string) {
	const invalid = "InvalidParameterException"
	if s.Length.Min != nil && *s.Length.Min > 0 {
		tooShort := sample(b.t, s, *s.Length.Min-1)
		if s.Kind == ecrpublic.KindString {
			tooShort = strings.Repeat("a", int(*s.Length.Min-1))
		}
		b.add("one under its least length", path, invalid, violation(printed, fmt.Sprintf("Member must have length greater than or equal to %d", *s.Length.Min)), tooShort)
		b.add("of its least length", path, "", violation(printed, "Member must have length greater"), sample(b.t, s, *s.Length.Min))
	}
	if s.Length.Max != nil {
		b.add("one over its greatest length", path, invalid, violation(printed, fmt.Sprintf("Member must have length less than or equal to %d", *s.Length.Max)), sample(b.t, s, *s.Length.Max+1))
		b.add("of its greatest length", path, "", violation(printed, "Member must have length less"), sample(b.t, s, *s.Length.Max))
	}
	if s.Range.Min != nil {
		b.add("one under its least value", path, invalid, violation(printed, fmt.Sprintf("Member must have value greater than or equal to %d", *s.Range.Min)), *s.Range.Min-1)
		b.add("of its least value", path, "", violation(printed, "Member must have value"), *s.Range.Min)
	}
	if s.Range.Max != nil {
		b.add("one over its greatest value", path, invalid, violation(printed, fmt.Sprintf("Member must have value less than or equal to %d", *s.Range.Max)), *s.Range.Max+1)
		b.add("of its greatest value", path, "", violation(printed, "Member must have value"), *s.Range.Max)
	}
	if s.Pattern != "" {
		for _, other := range others {
			b.add(fmt.Sprintf("%q", other), path, invalid, violation(printed, "must satisfy regular expression '"+s.Pattern+"'"), other)
		}
	}
	switch s.Kind {
	case ecrpublic.KindStructure:
		b.structure(s, path, printed+".")
	case ecrpublic.KindList:
		b.items(s, path, printed)
	}
}

// items breaks the constraints of what a list holds.
func (b *breaker) items(s *ecrpublic.Shape, path []string, printed string) {
	printed += ".1.member"
	if s.Item.Kind == ecrpublic.KindStructure {
		b.structure(s.Item, path, printed+".")
		return
	}
	inList := breaker{t: b.t, root: b.root}
	inList.value(s.Item, path, printed)
	for _, wrong := range wrongTypes(s.Item.Kind) {
		inList.add(fmt.Sprintf("of a wrong type, %v", wrong), path, "SerializationException", path[len(path)-1], wrong)
	}
	last := path[len(path)-1]
	for _, f := range inList.found {
		at := f.body
		for _, name := range path[:len(path)-1] {
			at = at[name].(map[string]any)
		}
		at[last] = []any{at[last]}
		f.name = "item of " + f.name
		b.found = append(b.found, f)
	}
}

// TestEveryConstraintOfEveryOperation sends every input with one constraint broken, and with it only just kept. The
// requests come from the table of package ecrpublic, so a constraint that is added there is tested here.
func TestEveryConstraintOfEveryOperation(t *testing.T) {
	r := newRig(t)
	count := 0
	for _, op := range ecrpublic.Operations() {
		t.Run(op.Name, func(t *testing.T) {
			for _, b := range breaches(t, op) {
				count++
				r.checkBreach(t, op, b)
			}
		})
	}
	if count < 700 {
		t.Errorf("only %d requests were made of the table", count)
	}
}

func (r *rig) checkBreach(t *testing.T, op *ecrpublic.Operation, b breach) {
	t.Helper()
	body, err := json.Marshal(b.body)
	must(t, err)
	unchanged := r.unchanged(t)
	w := do(r, newRequest(op.Name, string(body)))
	var answer struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	must(t, json.Unmarshal(w.Body.Bytes(), &answer))
	switch {
	case w.Code >= http.StatusInternalServerError:
		t.Errorf("%s: %d %s", b.name, w.Code, w.Body)
	case b.code == "": // something else may be wrong with it
		if strings.Contains(answer.Message, b.about[:len(b.about)-1]) {
			t.Errorf("%s: %d %s", b.name, w.Code, w.Body)
		}
	case w.Code != http.StatusBadRequest || answer.Type != b.code || !strings.Contains(answer.Message, b.about):
		t.Errorf("%s: %d %.300s, want %s with %s", b.name, w.Code, w.Body, b.code, b.about)
	default:
		unchanged()
	}
}
