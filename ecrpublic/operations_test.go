package ecrpublic

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTableIsSortedAndFound(t *testing.T) {
	ops := Operations()
	if len(ops) != 23 {
		t.Errorf("%d operations, want 23", len(ops))
	}
	if !slices.IsSortedFunc(ops, func(a, b *Operation) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("the table is not in order")
	}
	for _, op := range ops {
		if got, ok := OperationByName(op.Name); !ok || got != op {
			t.Errorf("%s is not found by its name", op.Name)
		}
		for _, in := range []any{op.NewInput(), reflect.ValueOf(op.NewInput()).Elem().Interface()} {
			if got, ok := OperationByInput(in); !ok || got != op {
				t.Errorf("%s is not found by its input %T", op.Name, in)
			}
		}
		if op.Target() != "SpencerFrontendService."+op.Name {
			t.Errorf("target %s", op.Target())
		}
		if op.Input.Name != op.Name+"Request" || op.Output.Name != op.Name+"Response" {
			t.Errorf("%s takes %s and gives %s", op.Name, op.Input.Name, op.Output.Name)
		}
	}
	if _, ok := OperationByName("batchCheckLayerAvailability"); ok {
		t.Error("names are not case-sensitive")
	}
	for _, in := range []any{nil, 1, Layer{}, new(BatchCheckLayerAvailabilityResponse)} {
		if _, ok := OperationByInput(in); ok {
			t.Errorf("%T was taken for an input", in)
		}
	}
	ops[0] = nil
	if Operations()[0] == nil {
		t.Error("Operations gives its own slice away")
	}
}

func TestBatchCheckLayerAvailabilityModelsFiveErrors(t *testing.T) {
	op, _ := OperationByName("BatchCheckLayerAvailability")
	var got []string
	for _, s := range op.Errors {
		got = append(got, s.Name)
	}
	want := []string{
		"InvalidParameterException", "RegistryNotFoundException", "RepositoryNotFoundException", "ServerException",
		"UnsupportedCommandException",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestOnlyFourOperationsPage(t *testing.T) {
	want := map[string]string{
		"DescribeImageTags":    "imageTagDetails",
		"DescribeImages":       "imageDetails",
		"DescribeRegistries":   "registries",
		"DescribeRepositories": "repositories",
	}
	got := map[string]string{}
	for _, op := range Operations() {
		if op.Pages != nil {
			got[op.Name] = op.Pages.Result
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestFieldsAreNamedLikeTheirMembers(t *testing.T) {
	eachShape(t, func(t *testing.T, s *Shape, _ generator) {
		for _, m := range s.Members {
			field := s.goType.Field(m.field).Name
			if !strings.EqualFold(field, m.Name) || s.Member(m.Name) != m {
				t.Errorf("member %s is field %s", m.Name, field)
			}
		}
	})
}

func TestKindsHaveNames(t *testing.T) {
	if got := KindTimestamp.String() + " " + Kind(0).String() + " " + Kind(99).String(); got != "timestamp  Kind(99)" {
		t.Error(got)
	}
}
