package ecrpublic

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestJSONRoundTripKeepsEveryShape(t *testing.T) {
	eachShape(t, func(t *testing.T, s *Shape, g generator) {
		for range 200 {
			want := g.structure(s)
			data, err := Marshal(want)
			if err != nil {
				t.Fatal(err)
			}
			if !json.Valid(data) {
				t.Fatalf("not JSON: %s", data)
			}
			got := reflect.New(s.goType).Interface()
			if err := Unmarshal(data, got); err != nil {
				t.Fatalf("%v in %s", err, data)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%s (-want +got):\n%s", data, diff)
			}
		}
	})
}

func TestMarshalPrintsLikeTheService(t *testing.T) {
	at := time.UnixMilli(1705072146000)
	tests := map[string]struct {
		in   any
		want string
	}{
		"members by name, absent ones left out": {
			BatchCheckLayerAvailabilityResponse{
				Layers: []Layer{{
					MediaType:         new("application/vnd.oci.image.layer.v1.tar+gzip"),
					LayerSize:         new(int64(3)),
					LayerAvailability: new(LayerAvailabilityAvailable),
				}},
				Failures: []LayerFailure{},
			},
			`{"failures":[],"layers":[{"layerAvailability":"AVAILABLE","layerSize":3,` +
				`"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip"}]}`,
		},
		"nil list left out":      {&BatchCheckLayerAvailabilityResponse{}, `{}`},
		"no HTML escaping":       {LayerFailure{FailureReason: new("<a href='x'>&</a>")}, `{"failureReason":"<a href='x'>&</a>"}`},
		"control characters":     {LayerFailure{FailureReason: new("\"\\\b\f\n\r\t\x1f")}, `{"failureReason":"\"\\\b\f\n\r\t\u001F"}`},
		"other text as it is":    {LayerFailure{FailureReason: new("é\u2028😀\x7f")}, "{\"failureReason\":\"é\u2028😀\x7f\"}"},
		"not UTF-8":              {LayerFailure{FailureReason: new("a\xffb\xc3")}, "{\"failureReason\":\"a\uFFFDb\uFFFD\"}"},
		"blob":                   {UploadLayerPartRequest{LayerPartBlob: []byte("hello")}, `{"layerPartBlob":"aGVsbG8="}`},
		"empty blob":             {UploadLayerPartRequest{LayerPartBlob: []byte{}}, `{"layerPartBlob":""}`},
		"time in seconds":        {ImageTagDetail{CreatedAt: &at}, `{"createdAt":1.705072146E9}`},
		"capitals before others": {Tag{Value: new("v"), Key: new("k")}, `{"Key":"k","Value":"v"}`},
		"exception":              {&InvalidLayerPartException{LastValidByteReceived: new(int64(9)), Message: new("m")}, `{"lastValidByteReceived":9,"message":"m"}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Append([]byte("before "), test.in)
			if err != nil {
				t.Fatal(err)
			}
			if want := "before " + test.want; string(got) != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestTimestampsPrintAsJavaDoubles(t *testing.T) {
	tests := []struct {
		millis int64
		want   string
	}{
		{0, "0.0"},
		{1, "0.001"},
		{-1, "-0.001"},
		{1500, "1.5"},
		{60_000, "60.0"},
		{9_999_999_999, "9999999.999"},
		{10_000_000_000, "1.0E7"},
		{10_000_000_001, "1.0000000001E7"},
		{1_705_072_146_000, "1.705072146E9"},
		{1_705_072_146_120, "1.70507214612E9"},
		{1_705_072_146_123, "1.705072146123E9"},
		{-1_705_072_146_123, "-1.705072146123E9"},
	}
	for _, test := range tests {
		got := string(appendTimestamp(nil, time.UnixMilli(test.millis).Add(999*time.Microsecond)))
		if got != test.want {
			t.Errorf("%d ms: got %s, want %s", test.millis, got, test.want)
		}
	}
}

func TestUnmarshalReads(t *testing.T) {
	at := time.UnixMilli(1705072146123).UTC()
	tests := map[string]struct {
		data string
		want any
	}{
		"unknown members":           {`{"x":{"y":[1,-0.5e+3,"\"",true,false,null,{}]},"layerSize":1}`, &Layer{LayerSize: new(int64(1))}},
		"names with other case":     {`{"LayerSize":1,"layersize":2}`, &Layer{}},
		"escaped name":              {`{"layer\u0053ize":1}`, &Layer{LayerSize: new(int64(1))}},
		"last of two":               {`{"layers":[{"layerSize":1},{}],"layers":[{"mediaType":"m"}]}`, &BatchCheckLayerAvailabilityResponse{Layers: []Layer{{MediaType: new("m")}}}},
		"last of two structures":    {`{"imageId":{"imageTag":"t"},"imageId":{"imageDigest":"d"}}`, &ImageFailure{ImageId: &ImageIdentifier{ImageDigest: new("d")}}},
		"null":                      {`{"layers":[],"layers":null,"failures":[]}`, &BatchCheckLayerAvailabilityResponse{Failures: []LayerFailure{}}},
		"null in a list":            {`{"layerDigests":["a",null,"b"]}`, &BatchCheckLayerAvailabilityRequest{LayerDigests: []string{"a", "", "b"}}},
		"unknown enum":              {`{"layerAvailability":"SOON"}`, &Layer{LayerAvailability: new(LayerAvailability("SOON"))}},
		"escapes":                   {`{"mediaType":"\"\\\/\b\f\n\r\tA\u00e9\ud83d\ude00"}`, &Layer{MediaType: new("\"\\/\b\f\n\r\tAé😀")}},
		"half a surrogate pair":     {`{"mediaType":"\ud83d|\ude00|\ud83d\u0041"}`, &Layer{MediaType: new("\uFFFD|\uFFFD|\uFFFDA")}},
		"white space":               {" \t\r\n{ \"layerSize\" : 1 ,\n\"mediaType\":\"\" } \n", &Layer{LayerSize: new(int64(1)), MediaType: new("")}},
		"blob":                      {`{"layerPartBlob":"aGVsbG8="}`, &UploadLayerPartRequest{LayerPartBlob: []byte("hello")}},
		"blob with escapes":         {`{"layerPartBlob":"\/\/8\u003d"}`, &UploadLayerPartRequest{LayerPartBlob: []byte{0xff, 0xff}}},
		"empty blob":                {`{"layerPartBlob":""}`, &UploadLayerPartRequest{LayerPartBlob: []byte{}}},
		"time with exponent":        {`{"createdAt":1.705072146123E9}`, &ImageTagDetail{CreatedAt: &at}},
		"time without exponent":     {`{"createdAt":1705072146.1234}`, &ImageTagDetail{CreatedAt: &at}},
		"time as text":              {`{"createdAt":"2024-01-12T16:09:06.123+01:00"}`, &ImageTagDetail{CreatedAt: &at}},
		"last time of all":          {`{"createdAt":253402300799.999}`, &ImageTagDetail{CreatedAt: new(time.UnixMilli(253402300799999).UTC())}},
		"largest long":              {`{"layerSize":9223372036854775807}`, &Layer{LayerSize: new(int64(9223372036854775807))}},
		"replaces what was there":   {`{}`, &Layer{}},
		"a hundred levels":          {`{"x":` + strings.Repeat("[", 99) + strings.Repeat("]", 99) + `}`, &Layer{}},
		"many objects side by side": {`{"x":[` + strings.Repeat("{},", 200) + `{}]}`, &Layer{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := reflect.New(reflect.TypeOf(test.want).Elem()).Interface()
			if l, ok := got.(*Layer); ok {
				l.LayerDigest = new("was there before")
			}
			if err := Unmarshal([]byte(test.data), got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestUnmarshalRefuses(t *testing.T) {
	tests := map[string]struct {
		data, path, problem string
	}{
		"nothing":                  {``, "", "expected an object but found the end at byte 0"},
		"a list":                   {`[]`, "", "expected an object but found a list at byte 0"},
		"null":                     {`null`, "", "expected an object but found null at byte 0"},
		"an open object":           {`{"failures":[]`, "", "expected a comma or '}' but found the end at byte 14"},
		"two objects":              {`{}{}`, "", "something follows the object at byte 2"},
		"a NUL behind":             {"{}\x00", "", "something follows the object at byte 2"},
		"a comma too many":         {`{"layers":[{},]}`, "layers[1]", "expected an object but found ']' at byte 14"},
		"no comma":                 {`{"layers":[] "x":1}`, "", "expected a comma or '}' but found a string at byte 13"},
		"no colon":                 {`{"layers" []}`, "", "expected a colon but found a list at byte 10"},
		"an unquoted name":         {`{layers:[]}`, "", "expected a string but found 'l' at byte 1"},
		"invalid UTF-8":            {"{\"x\":\"\xff\"}", "", "it is not UTF-8"},
		"a structure for a list":   {`{"layers":{}}`, "layers", "expected a list but found an object at byte 10"},
		"a number for a string":    {`{"layers":[{},{"mediaType":1}]}`, "layers[1].mediaType", "expected a string but found a number at byte 27"},
		"a string for a number":    {`{"layers":[{"layerSize":"1"}]}`, "layers[0].layerSize", "expected a number but found a string at byte 24"},
		"a fraction":               {`{"layers":[{"layerSize":1.0}]}`, "layers[0].layerSize", "1.0 is not an integer of 64 bits"},
		"an exponent":              {`{"layers":[{"layerSize":1e3}]}`, "layers[0].layerSize", "1e3 is not an integer of 64 bits"},
		"a long number":            {`{"layers":[{"layerSize":9223372036854775808}]}`, "layers[0].layerSize", "9223372036854775808 is not an integer of 64 bits"},
		"a leading zero":           {`{"layers":[{"layerSize":01}]}`, "layers[0]", "expected a comma or '}' but found a number at byte 25"},
		"a lone minus":             {`{"layers":[{"layerSize":-}]}`, "layers[0].layerSize", "not a number at byte 24"},
		"a word":                   {`{"layers":nil}`, "layers", "expected a list but found null at byte 10"},
		"an open string":           {`{"layers":[{"mediaType":"x`, "layers[0].mediaType", "the string at byte 24 has no end"},
		"an open escape":           {`{"layers":[{"mediaType":"\"`, "layers[0].mediaType", "the string at byte 24 has no end"},
		"a bad escape":             {`{"layers":[{"mediaType":"\x"}]}`, "layers[0].mediaType", "not an escape at byte 26"},
		"a short escape":           {`{"layers":[{"mediaType":"\u12"}]}`, "layers[0].mediaType", "not an escape at byte 26"},
		"a control character":      {"{\"layers\":[{\"mediaType\":\"a\nb\"}]}", "layers[0].mediaType", "a control character in a string at byte 26"},
		"bad in an unknown member": {`{"x":tru}`, "", "expected a value but found a boolean at byte 5"},
		"too many levels":          {`{"x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, "", "more than 100 levels at byte 104"},
		"far too many levels":      {strings.Repeat(`{"x":`, 1e6), "", "more than 100 levels at byte 500"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			before := BatchCheckLayerAvailabilityResponse{Layers: []Layer{{LayerSize: new(int64(7))}}}
			got := before
			err := Unmarshal([]byte(test.data), &got)
			wantSerializationError(t, err, test.path, test.problem)
			if diff := cmp.Diff(before, got); diff != "" {
				t.Errorf("bad input changed the structure:\n%s", diff)
			}
		})
	}
}

func TestUnmarshalRefusesWhatOnlySomeKindsCanGetWrong(t *testing.T) {
	tests := map[string]struct {
		data          string
		into          any
		path, problem string
	}{
		"integer of 32 bits": {`{"maxResults":2147483648}`, new(DescribeImagesRequest), "maxResults", "2147483648 is not an integer of 32 bits"},
		"boolean as text":    {`{"force":"true"}`, new(DeleteRepositoryRequest), "force", "expected true or false but found a string at byte 9"},
		"base64":             {`{"layerPartBlob":"a"}`, new(UploadLayerPartRequest), "layerPartBlob", "it is not base64"},
		"time as text":       {`{"createdAt":"yesterday"}`, new(Repository), "createdAt", `"yesterday" is not a time in the years 1 to 9999, such as 1.7E9 or 2006-01-02T15:04:05Z`},
		"time out of range":  {`{"createdAt":1e300}`, new(Repository), "createdAt", `"1e300" is not a time in the years 1 to 9999, such as 1.7E9 or 2006-01-02T15:04:05Z`},
		"time in the year 0": {`{"createdAt":"0000-12-31T23:59:59Z"}`, new(Repository), "createdAt", `"0000-12-31T23:59:59Z" is not a time in the years 1 to 9999, such as 1.7E9 or 2006-01-02T15:04:05Z`},
		"time beyond floats": {`{"createdAt":1e999}`, new(Repository), "createdAt", `"1e999" is not a time in the years 1 to 9999, such as 1.7E9 or 2006-01-02T15:04:05Z`},
		"time as boolean":    {`{"createdAt":true}`, new(Repository), "createdAt", "expected a number but found a boolean at byte 13"},
		"nested path":        {`{"catalogData":{"architectures":["a",1]}}`, new(CreateRepositoryRequest), "catalogData.architectures[1]", "expected a string but found a number at byte 37"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			wantSerializationError(t, Unmarshal([]byte(test.data), test.into), test.path, test.problem)
		})
	}
}

func wantSerializationError(t *testing.T, err error, path, problem string) {
	t.Helper()
	var got *SerializationError
	if !errors.As(err, &got) {
		t.Fatalf("got %v, want a SerializationError", err)
	}
	if diff := cmp.Diff(&SerializationError{Path: path, Problem: problem}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if !strings.Contains(err.Error(), path) || !strings.HasSuffix(err.Error(), problem) {
		t.Errorf("the text %q does not name the path and the problem", err)
	}
}

func TestOnlyStructuresOfTheAPIAreTaken(t *testing.T) {
	for _, v := range []any{nil, 1, "x", struct{}{}, (*Layer)(nil), []Layer{}, new(new(Layer))} {
		if _, err := Marshal(v); err == nil {
			t.Errorf("Marshal took %T", v)
		}
		if err := Unmarshal([]byte("{}"), v); err == nil {
			t.Errorf("Unmarshal took %T", v)
		}
		if err := Validate(v); err == nil {
			t.Errorf("Validate took %T", v)
		}
		if err := FromValue(Structure{}, v); err == nil {
			t.Errorf("FromValue took %T", v)
		}
	}
	if err := Unmarshal([]byte("{}"), Layer{}); err == nil {
		t.Error("Unmarshal took a structure that it cannot write to")
	}
}

// FuzzUnmarshal holds the decoder to encoding/json: never a panic, nothing taken that is not JSON, and what was taken
// survives a round trip.
func FuzzUnmarshal(f *testing.F) {
	for _, seed := range []string{
		`{"layers":[{"layerDigest":"sha256:00","layerSize":1e3,"layerAvailability":"X"}],"failures":[null]}`,
		`{"layerPartBlob":"aGVsbG8=","partFirstByte":0,"x":[[{"y":null}]]}`,
		`{"createdAt":1.705072146123E9,"createdAt":"2024-01-12T16:09:06.123Z"}`,
		`{"imageIds":[{"imageTag":"\ud83d\ude00\u0000"}],"maxResults":-1}`,
		`{"createdAt":"0000-01-01T0:00:00Z"}`, "{\"\":\"\xc3\x28\"} ", `{"tags":[{"Key":"k"}]`, `-`, ``,
	} {
		f.Add(seed, uint8(0))
		f.Add(seed, uint8(17))
	}
	f.Fuzz(func(t *testing.T, data string, which uint8) {
		op := api.operations[int(which)%len(api.operations)]
		for _, v := range []any{op.NewInput(), op.NewOutput(), new(ImageTagDetail), new(BatchCheckLayerAvailabilityResponse)} {
			if Unmarshal([]byte(data), v) != nil {
				continue
			}
			if !json.Valid([]byte(data)) {
				t.Fatalf("took %q, which is not JSON", data)
			}
			again := reflect.New(reflect.TypeOf(v).Elem()).Interface()
			printed, err := Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			if err := Unmarshal(printed, again); err != nil {
				t.Fatalf("cannot read %s: %v", printed, err)
			}
			if diff := cmp.Diff(v, again); diff != "" {
				t.Fatalf("%q came back changed:\n%s", data, diff)
			}
			_ = Validate(v)
		}
	})
}
