//go:build e2e

package ecrpublic

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// defaultModel is where Debian's python3-botocore keeps the description of the service that AWS publishes. Another one
// is taken from beside the file that OPENECR_BOTOCORE_MODEL names.
const defaultModel = "/usr/lib/python3/dist-packages/botocore/data/ecr-public/2020-10-30/service-2.json"

// The parts of that description which our table must equal.
type (
	serviceModel struct {
		Metadata   map[string]any
		Operations map[string]struct {
			Input, Output shapeRef
			Errors        []shapeRef
		}
		Shapes map[string]serviceShape
	}
	shapeRef     struct{ Shape string }
	serviceShape struct {
		Type      string
		Members   orderedMembers
		Required  []string
		Member    shapeRef // of a list
		Min, Max  *int64
		Pattern   string
		Enum      []string
		Exception bool
		Fault     bool
	}
	serviceMember  struct{ Name, Shape string }
	orderedMembers []serviceMember
)

// UnmarshalJSON keeps the order of the members, which a map would lose.
func (o *orderedMembers) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(strings.NewReader(string(data)))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		var ref shapeRef
		if err := d.Decode(&ref); err != nil {
			return err
		}
		*o = append(*o, serviceMember{name.(string), ref.Shape})
	}
	return nil
}

// readModel decodes a file of the service description, plain or compressed, which lies beside service-2.json.
func readModel(t *testing.T, name string, into any) {
	t.Helper()
	path := os.Getenv("OPENECR_BOTOCORE_MODEL")
	if path == "" {
		path = defaultModel
	}
	path = filepath.Join(filepath.Dir(path), name)
	var r io.Reader
	f, err := os.Open(path)
	if err != nil {
		f, err = os.Open(path + ".gz")
	}
	if err != nil {
		t.Fatalf("%s is not there, plain or with .gz; `make tools` installs it, or set OPENECR_BOTOCORE_MODEL: %v", path, err)
	}
	t.Cleanup(func() { _ = f.Close() })
	r = f
	if strings.HasSuffix(f.Name(), ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := json.NewDecoder(r).Decode(into); err != nil {
		t.Fatalf("%s: %v", f.Name(), err)
	}
}

// olderModel lists what the service has changed between botocore 1.29.27 (Debian 12) and 1.43.11, which our table
// follows: a difference a line. A model must have none of them or exactly all.
const olderModel = "testdata/model_1.29.27.txt"

func TestModelOfTheServiceEqualsTheTable(t *testing.T) {
	d := new(differences)
	var model serviceModel
	readModel(t, "service-2.json", &model)
	for key, want := range map[string]string{"targetPrefix": TargetPrefix, "signingName": SigningName, "serviceId": serviceID, "jsonVersion": "1.1"} {
		if model.Metadata[key] != want {
			t.Errorf("%s: got %q, the model has %q", key, want, model.Metadata[key])
		}
	}
	d.equal("operations", slices.Sorted(maps.Keys(api.byName)), slices.Sorted(maps.Keys(model.Operations)))
	used := map[string]bool{}
	for _, op := range api.operations {
		want := model.Operations[op.Name]
		d.equal(op.Name+" input", op.Input.Name, want.Input.Shape)
		d.equal(op.Name+" output", op.Output.Name, want.Output.Shape)
		d.equal(op.Name+" errors", sortedNames(op.Errors, func(s *Shape) string { return s.Name }),
			sortedNames(want.Errors, func(r shapeRef) string { return r.Shape }))
	}
	for _, s := range api.shapes {
		used[s.Name] = true
		want := model.Shapes[s.Name]
		if want.Exception {
			compareException(d, s, want)
		}
		compareStructure(d, model, s, want)
	}
	for name, s := range model.Shapes {
		if s.Type == "structure" && !used[name] {
			d.add("the table lacks the structure %s", name)
		}
	}
	older, err := os.ReadFile(olderModel)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(*d)
	if got := strings.Join(*d, ""); got != "" && got != string(older) {
		t.Errorf("differences from the model, which are not those of %s:\n%s", olderModel, got)
	}
}

// differences are sentences, one a line.
type differences []string

func (d *differences) add(format string, args ...any) {
	*d = append(*d, fmt.Sprintf(format, args...)+"\n")
}

func (d *differences) equal(what string, got, want any) {
	if fmt.Sprint(got) != fmt.Sprint(want) {
		d.add("%s: got %v, the model has %v", what, got, want)
	}
}

func TestModelOfThePaginatorsEqualsTheTable(t *testing.T) {
	var model struct {
		Pagination map[string]struct {
			InputToken  string `json:"input_token"`
			OutputToken string `json:"output_token"`
			Limit       string `json:"limit_key"`
			Result      string `json:"result_key"`
		}
	}
	readModel(t, "paginators-1.json", &model)
	got := map[string]string{}
	for _, op := range api.operations {
		if op.Pages != nil {
			got[op.Name] = fmt.Sprint(*op.Pages)
		}
	}
	want := map[string]string{}
	for name, p := range model.Pagination {
		want[name] = fmt.Sprint(Pagination(p))
	}
	if !maps.Equal(got, want) {
		t.Errorf("paginators: got %v, the model has %v", got, want)
	}
}

func compareException(d *differences, s *Shape, want serviceShape) {
	for _, op := range api.operations {
		if e := op.exception(s.Name); e != nil {
			d.equal(s.Name+" is a fault of the server", e.ErrorFault().String() == "server", want.Fault)
			return
		}
	}
	d.add("no operation has the exception %s", s.Name)
}

func compareStructure(d *differences, model serviceModel, s *Shape, want serviceShape) {
	d.equal(s.Name+" type", "structure", want.Type)
	d.equal(s.Name+" members", names(s.Members, func(m *Member) string { return m.Name }),
		names(want.Members, func(m serviceMember) string { return m.Name }))
	for i, m := range s.Members {
		if i >= len(want.Members) {
			return
		}
		path := s.Name + "." + m.Name
		d.equal(path+" required", m.Required, slices.Contains(want.Required, m.Name))
		compareShape(d, model, path, m.Shape, want.Members[i].Shape)
	}
}

func compareShape(d *differences, model serviceModel, path string, s *Shape, name string) {
	want, ok := model.Shapes[name]
	if !ok {
		d.add("%s: the model has no shape %s", path, name)
		return
	}
	kind := s.Kind.String()
	if s.Kind == KindEnum {
		kind = "string"
		d.equal(path+" enum name", s.Name, name)
	}
	d.equal(path+" type", kind, want.Type)
	d.equal(path+" pattern", s.Pattern, want.Pattern)
	d.equal(path+" enum", fmt.Sprint(s.Enum), fmt.Sprint(want.Enum))
	bounds := s.Length
	if s.Kind == KindLong || s.Kind == KindInteger {
		bounds = s.Range
	}
	d.equal(path+" min", end(bounds.Min), end(want.Min))
	d.equal(path+" max", end(bounds.Max), end(want.Max))
	switch s.Kind {
	case KindStructure:
		d.equal(path+" structure", s.Name, name)
	case KindList:
		compareShape(d, model, path+"[]", s.Item, want.Member.Shape)
	}
}

func end(n *int64) string {
	if n == nil {
		return "open"
	}
	return fmt.Sprint(*n)
}

func names[T any](list []T, name func(T) string) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = name(v)
	}
	return out
}

func sortedNames[T any](list []T, name func(T) string) []string {
	return slices.Sorted(slices.Values(names(list, name)))
}
