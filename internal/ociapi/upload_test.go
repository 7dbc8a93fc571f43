package ociapi

import (
	"errors"
	"fmt"
	"testing"
)

func TestChunkRange(t *testing.T) {
	const refused = -2
	tests := []struct {
		header        string
		contentLength int64
		first, length int64
	}{
		{"", -1, -1, -1},
		{"", 0, -1, 0},
		{"", 7, -1, 7},
		{"0-0", 1, 0, 1},
		{"0-0", -1, 0, 1},
		{"10-19", 10, 10, 10},
		{"10-19", 0, refused, 0},
		{"10-19", 11, refused, 0},
		{"10-9", 0, 10, 0},
		{"10-9", 1, refused, 0},
		{"10-8", 0, refused, 0},
		{"0-0", 0, 0, 0},
		{"1-1", 0, refused, 0},
		{"-9", -1, refused, 0},
		{"10-", -1, refused, 0},
		{"+1-2", -1, refused, 0},
		{"1-2 ", -1, refused, 0},
		{"bytes 0-9/10", 10, refused, 0},
		{"0-9223372036854775806", -1, 0, 9223372036854775807},
		{"0-9223372036854775807", -1, refused, 0},
		{"0-99999999999999999999", -1, refused, 0},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%q with Content-Length %d", test.header, test.contentLength), func(t *testing.T) {
			first, length, err := chunkRange(test.header, test.contentLength)
			if test.first == refused {
				var e *Error
				if !errors.As(err, &e) || e.Status != 400 {
					t.Errorf("got %d, %d, %v, want a refusal", first, length, err)
				}
				return
			}
			if err != nil || first != test.first || length != test.length {
				t.Errorf("got %d, %d, %v, want %d, %d", first, length, err, test.first, test.length)
			}
		})
	}
}

func FuzzChunkRange(f *testing.F) {
	f.Add("0-1023", int64(1024))
	f.Add("5-4", int64(-1))
	f.Add("0-9223372036854775807", int64(-1))
	f.Fuzz(func(t *testing.T, header string, contentLength int64) {
		first, length, err := chunkRange(header, contentLength)
		if err != nil || header == "" {
			return
		}
		if first < 0 || length < 0 || first+length < first || contentLength >= 0 && length != contentLength {
			t.Errorf("%q with Content-Length %d is %d bytes from %d", header, contentLength, length, first)
		}
	})
}
