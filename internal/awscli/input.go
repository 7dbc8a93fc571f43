package awscli

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/openecr/openecr/internal/awscli/argparse"
	"github.com/openecr/openecr/internal/awscli/document"
	"github.com/openecr/openecr/internal/awscli/output"
)

// maxInput bounds what is read of standard input: more than the largest request has.
const maxInput = 64 << 20

// addInput adds the members that --cli-input-json or --cli-input-yaml has and the other options do not set. A text of "-"
// is what stands on standard input, which the AWS CLI cannot do: to it "-" is malformed.
func addInput(r *argparse.Result, parameters *document.Object, stdin io.Reader) error {
	name := inputJSON
	if r.Has(inputYAML) {
		name = inputYAML
	}
	text, ok := r.One(name)
	if !ok {
		return nil
	}
	if r.Has(inputJSON) && r.Has(inputYAML) {
		return failf(exitUsage, "Only one --cli-input- parameter may be specified.")
	}
	text, err := inputText(name, text, stdin)
	if err != nil {
		return err
	}
	read, notation := document.ParseJSON, "JSON"
	if name == inputYAML {
		read, notation = parseYAML, "YAML"
	}
	v, err := read(text)
	if err != nil {
		return parameterError(strings.TrimPrefix(name, "--"), "Invalid %s received.", notation)
	}
	object, ok := v.(*document.Object)
	if !ok {
		return parameterError(name, "Invalid type: expecting map, received %s", document.TypeName(v))
	}
	for key, value := range object.All() {
		if _, given := parameters.Get(key); !given {
			parameters.Set(key, value)
		}
	}
	return nil
}

// inputText is the document that an option stands for: itself, a file, or standard input.
func inputText(name, text string, stdin io.Reader) (string, error) {
	if text == "-" && stdin != nil {
		data, err := io.ReadAll(io.LimitReader(stdin, maxInput+1))
		if err == nil && len(data) > maxInput {
			err = fmt.Errorf("it has more than %d bytes", maxInput)
		}
		if err != nil {
			return "", parameterError(name, "Unable to read standard input: %v", err)
		}
		return string(data), nil
	}
	loaded, err := load(name, text)
	if err != nil || loaded == nil {
		return text, err
	}
	if data, ok := loaded.([]byte); ok {
		return string(data), nil
	}
	return document.Text(loaded), nil
}

// parseYAML reads one document of YAML 1.2.
func parseYAML(text string) (any, error) {
	decoder := yaml.NewDecoder(strings.NewReader(text))
	var root yaml.Node
	if err := decoder.Decode(&root); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("expected a single document")
	}
	y := yamlReader{open: map[*yaml.Node]bool{}}
	return y.value(&root)
}

// maxYAMLNodes bounds what aliases can blow a small text up to.
const maxYAMLNodes = 1_000_000

// yamlReader turns nodes into values. open are the nodes around the current one, so that none contains itself.
type yamlReader struct {
	open  map[*yaml.Node]bool
	nodes int
}

func (y *yamlReader) value(n *yaml.Node) (any, error) {
	if y.nodes++; y.nodes > maxYAMLNodes || y.open[n] {
		return nil, errors.New("the document contains itself or is too large")
	}
	y.open[n] = true
	defer delete(y.open, n)
	if n.Style&yaml.TaggedStyle != 0 && n.Kind != yaml.ScalarNode && n.ShortTag() != "!!map" && n.ShortTag() != "!!seq" {
		return nil, fmt.Errorf("unknown tag %s", n.Tag)
	}
	switch n.Kind {
	case yaml.DocumentNode:
		return y.value(n.Content[0])
	case yaml.AliasNode:
		return y.value(n.Alias)
	case yaml.SequenceNode:
		list := document.NewList()
		for _, item := range n.Content {
			v, err := y.value(item)
			if err != nil {
				return nil, err
			}
			list.Items = append(list.Items, v)
		}
		return list, nil
	case yaml.MappingNode:
		return y.object(n)
	}
	return yamlScalar(n)
}

func (y *yamlReader) object(n *yaml.Node) (any, error) {
	object := document.NewObject()
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, err := y.value(n.Content[i])
		if err != nil {
			return nil, err
		}
		value, err := y.value(n.Content[i+1])
		if err != nil {
			return nil, err
		}
		if !document.IsScalar(key) {
			return nil, errors.New("a key is no scalar")
		}
		name := document.Text(key)
		if _, twice := object.Get(name); twice {
			return nil, fmt.Errorf("the key %q is there twice", name)
		}
		object.Set(name, value)
	}
	return object, nil
}

// yamlScalar reads a scalar by its tag or, if it is plain and has none, by its form.
func yamlScalar(n *yaml.Node) (any, error) {
	if n.Style&yaml.TaggedStyle == 0 {
		if n.Style != 0 {
			return n.Value, nil
		}
		return plainYAML(n.Value)
	}
	switch n.ShortTag() {
	case "!!str":
		return n.Value, nil
	case "!!binary":
		return base64.StdEncoding.DecodeString(strings.Join(strings.Fields(n.Value), ""))
	case "!!int", "!!float", "!!bool", "!!null":
		return plainYAML(n.Value)
	}
	return nil, fmt.Errorf("unknown tag %s", n.Tag)
}

// These are compiled when YAML is first read: most command lines have none.
var (
	yamlInt  = compiled(`^[-+]?(?:0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|[0-9_]+)$`)
	yamlDate = compiled(`^(\d{4})-(\d\d?)-(\d\d?)(?:(?:[Tt]|[ \t]+)(\d\d?):(\d\d):(\d\d)(?:\.\d*)?[ \t]*(?:Z|[-+]\d\d?(?::\d\d)?)?)?$`)
)

func compiled(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

func plainYAML(text string) (any, error) {
	if output.IsText(text) {
		return text, nil
	}
	switch strings.ToLower(text) {
	case "", "~", "null":
		return nil, nil
	case "true", "false":
		return strings.EqualFold(text, "true"), nil
	case "<<", "=":
		return text, nil
	}
	if m := yamlDate().FindStringSubmatch(text); m != nil {
		if m[4] == "" {
			return document.Datetime(text), nil
		}
		return document.Datetime(fmt.Sprintf("%s-%02s-%02s %02s:%s:%s", m[1], m[2], m[3], m[4], m[5], m[6])), nil
	}
	plain := strings.ToLower(strings.ReplaceAll(text, "_", ""))
	if yamlInt().MatchString(text) {
		return yamlInteger(plain)
	}
	if strings.HasSuffix(plain, ".inf") {
		return math.Inf(map[bool]int{true: -1, false: 1}[plain[0] == '-']), nil
	}
	if plain == ".nan" {
		return math.NaN(), nil
	}
	f, err := strconv.ParseFloat(plain, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return nil, err
	}
	return f, nil
}

// yamlInteger reads an integer. A zero before decimal digits means nothing in YAML 1.2.
func yamlInteger(plain string) (any, error) {
	sign, digits, base := "", plain, 10
	if strings.HasPrefix(digits, "-") || strings.HasPrefix(digits, "+") {
		sign, digits = digits[:1], digits[1:]
	}
	if len(digits) > 1 && digits[0] == '0' {
		if b := map[byte]int{'b': 2, 'o': 8, 'x': 16}[digits[1]]; b != 0 {
			base, digits = b, digits[2:]
		}
	}
	n, ok := new(big.Int).SetString(sign+digits, base)
	if !ok {
		return nil, fmt.Errorf("%s is no integer", plain)
	}
	return document.Integer(n), nil
}
