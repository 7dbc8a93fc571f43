package ecrpublic

import (
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestValueRoundTripKeepsEveryShape(t *testing.T) {
	eachShape(t, func(t *testing.T, s *Shape, g generator) {
		for range 200 {
			want := g.structure(s)
			value := want.(interface{ ToValue() Structure }).ToValue()
			got := reflect.New(s.goType).Interface()
			if err := FromValue(value, got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("-want +got:\n%s", diff)
			}
		}
	})
}

func TestToValueGivesKindsInTheOrderOfTheAPI(t *testing.T) {
	at := time.UnixMilli(1705072146123)
	tests := map[string]struct {
		in   interface{ ToValue() Structure }
		want Structure
	}{
		"layers": {
			BatchCheckLayerAvailabilityResponse{
				Layers: []Layer{
					{LayerSize: new(int64(3)), LayerDigest: new("d"), LayerAvailability: new(LayerAvailability("NEW"))},
					{},
				},
				Failures: []LayerFailure{},
			},
			Structure{
				{"layers", List{
					Structure{{"layerDigest", String("d")}, {"layerAvailability", Enum("NEW")}, {"layerSize", Long(3)}},
					Structure{},
				}},
				{"failures", List{}},
			},
		},
		"absent members": {&BatchCheckLayerAvailabilityResponse{}, Structure{}},
		"integer":        {DescribeRegistriesRequest{MaxResults: new(int32(5))}, Structure{{"maxResults", Integer(5)}}},
		"boolean":        {DeleteRepositoryRequest{Force: new(false)}, Structure{{"force", Boolean(false)}}},
		"timestamp":      {Repository{CreatedAt: &at}, Structure{{"createdAt", Timestamp{at}}}},
		"blob":           {UploadLayerPartRequest{LayerPartBlob: []byte{}}, Structure{{"layerPartBlob", Blob{}}}},
		"exception":      {&ServerException{Message: new("m")}, Structure{{"message", String("m")}}},
		"nil exception":  {(*ServerException)(nil), Structure{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, test.in.ToValue()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestFromValueRefuses(t *testing.T) {
	tests := map[string]struct {
		value Value
		want  string
	}{
		"nothing":           {nil, "BatchCheckLayerAvailabilityResponse has no value; leave an absent member out"},
		"a list":            {List{}, "BatchCheckLayerAvailabilityResponse takes a value of kind structure, not list"},
		"an unknown member": {Structure{{"Layers", List{}}}, `BatchCheckLayerAvailabilityResponse has no member "Layers"`},
		"another kind": {
			Structure{{"layers", List{Structure{}, Structure{{"layerSize", Integer(1)}}}}},
			"BatchCheckLayerAvailabilityResponse.layers[1].layerSize takes a value of kind long, not integer",
		},
		"a string for an enum": {
			Structure{{"layers", List{Structure{{"layerAvailability", String("AVAILABLE")}}}}},
			"BatchCheckLayerAvailabilityResponse.layers[0].layerAvailability takes a value of kind enum, not string",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			into := BatchCheckLayerAvailabilityResponse{Failures: []LayerFailure{}}
			err := FromValue(test.value, &into)
			if err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
			if into.Layers != nil || into.Failures == nil {
				t.Error("a bad value changed the structure")
			}
		})
	}
}

func TestFromValueCopiesBlobs(t *testing.T) {
	blob := Blob("a")
	var in UploadLayerPartRequest
	if err := FromValue(Structure{{"layerPartBlob", blob}}, &in); err != nil {
		t.Fatal(err)
	}
	blob[0] = 'b'
	if string(in.LayerPartBlob) != "a" {
		t.Error("the structure shares the blob's bytes")
	}
}
