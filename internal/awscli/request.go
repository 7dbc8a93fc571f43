package awscli

import (
	"errors"
	"fmt"
	"time"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/awscli/document"
)

// input checks parameters and makes an operation's input of them. Blobs that are given as text are base64, unless raw.
func input(op *ecrpublic.Operation, parameters *document.Object, raw bool) (any, error) {
	if !raw {
		decoded, err := decodeBlobs(op.Input, parameters)
		if err != nil {
			return nil, err
		}
		parameters = decoded.(*document.Object)
	}
	if err := validate(op.Input, parameters); err != nil {
		return nil, err
	}
	in := op.NewInput()
	return in, ecrpublic.FromValue(toValue(op.Input, parameters), in)
}

// decodeBlobs returns parameters with bytes for every text that is a blob. What has a wrong type stays as it is, for
// validation to name.
func decodeBlobs(s *ecrpublic.Shape, value any) (any, error) {
	switch v := value.(type) {
	case *document.Object:
		if s.Kind != ecrpublic.KindStructure {
			return v, nil
		}
		v = v.Clone()
		for _, m := range s.Members {
			if member, ok := v.Get(m.Name); ok {
				decoded, err := decodeBlobs(m.Shape, member)
				if err != nil {
					return nil, err
				}
				v.Set(m.Name, decoded)
			}
		}
		return v, nil
	case string:
		if s.Kind == ecrpublic.KindBlob {
			return decodeBase64(v)
		}
	}
	return value, nil // no list of the API has blobs in it
}

var errASCII = errors.New("string argument should contain only ASCII characters")

// decodeBase64 reads base64 as leniently as the AWS CLI: characters that are none are skipped, and padding ends it.
func decodeBase64(text string) ([]byte, error) {
	for _, r := range text {
		if r > '~' {
			return nil, errASCII
		}
	}
	var data []byte
	var bits uint32
	digits, padding := 0, 0 // of the current group of four
	for _, c := range []byte(text) {
		if c == '=' {
			if padding++; digits >= 2 && digits+padding >= 4 {
				return data, nil
			}
			continue
		}
		value := base64Digit(c)
		if value < 0 {
			continue
		}
		padding = 0
		bits = bits<<6 | uint32(value)
		digits++
		if digits > 1 {
			data = append(data, byte(bits>>(8-2*digits)))
		}
		if digits == 4 {
			digits = 0
		}
	}
	if digits != 0 {
		return nil, fmt.Errorf("Invalid base64: \"%s\"", text) //nolint:staticcheck // the AWS CLI's text
	}
	return data, nil
}

func base64Digit(c byte) int {
	switch {
	case 'A' <= c && c <= 'Z':
		return int(c - 'A')
	case 'a' <= c && c <= 'z':
		return int(c-'a') + 26
	case '0' <= c && c <= '9':
		return int(c-'0') + 52
	case c == '+':
		return 62
	case c == '/':
		return 63
	}
	return -1
}

// toValue turns what validate has let through into a value of the API.
func toValue(s *ecrpublic.Shape, value any) ecrpublic.Value {
	switch v := value.(type) {
	case *document.Object:
		var pairs ecrpublic.Structure
		for _, m := range s.Members {
			if member, ok := v.Get(m.Name); ok {
				pairs = append(pairs, ecrpublic.Pair{Name: m.Name, Value: toValue(m.Shape, member)})
			}
		}
		return pairs
	case *document.List:
		list := make(ecrpublic.List, len(v.Items))
		for i, item := range v.Items {
			list[i] = toValue(s.Item, item)
		}
		return list
	case bool:
		return ecrpublic.Boolean(v)
	case []byte:
		return ecrpublic.Blob(v)
	case int64:
		if s.Kind == ecrpublic.KindInteger {
			return ecrpublic.Integer(v)
		}
		return ecrpublic.Long(v)
	case string:
		switch s.Kind {
		case ecrpublic.KindBlob:
			return ecrpublic.Blob(v)
		case ecrpublic.KindEnum:
			return ecrpublic.Enum(v)
		}
		return ecrpublic.String(v)
	}
	return nil
}

// fromValue is the document of an answer. Times are local and in ISO 8601 or, on the wire, seconds.
func fromValue(value ecrpublic.Value, wire bool) any {
	switch v := value.(type) {
	case ecrpublic.Structure:
		object := document.NewObject()
		for _, pair := range v {
			object.Set(pair.Name, fromValue(pair.Value, wire))
		}
		return object
	case ecrpublic.List:
		list := document.NewList()
		for _, item := range v {
			list.Items = append(list.Items, fromValue(item, wire))
		}
		return list
	case ecrpublic.Timestamp:
		if wire {
			return float64(v.UnixMilli()) / 1000
		}
		return isoTime(v.Local())
	case ecrpublic.Boolean:
		return bool(v)
	case ecrpublic.Long:
		return int64(v)
	case ecrpublic.Integer:
		return int64(v)
	case ecrpublic.Enum:
		return string(v)
	case ecrpublic.String:
		return string(v)
	case ecrpublic.Blob:
		return string(v)
	}
	return nil
}

// isoTime has a fraction only if it is not zero, and then six digits.
func isoTime(t time.Time) string {
	layout := "2006-01-02T15:04:05.000000-07:00"
	if t.Nanosecond()/1000 == 0 {
		layout = "2006-01-02T15:04:05-07:00"
	}
	return t.Format(layout)
}
