package awscli

import (
	"context"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/awscli/document"
)

// inputSkeleton prints a sample of the operation's input.
func (s *session) inputSkeleton(c *command, kind string) error {
	text := document.Skeleton.String(sample(c.op.Input, "", false)) + "\n"
	if kind == "yaml-input" {
		text = yamlSkeleton(c.op.Input)
	}
	_, err := fmt.Fprint(s.Stdout, text)
	return err
}

// outputSkeleton checks the parameters and prints a sample of the operation's answer. Nothing is sent, but the settings
// for sending must be complete.
func (s *session) outputSkeleton(ctx context.Context, c *command, parameters *document.Object) error {
	caller, err := s.newCaller(ctx)
	if err != nil {
		return err
	}
	if _, err := input(c.op, parameters, caller.rawBlobs); err != nil {
		return err
	}
	return s.print(ctx, c, sample(c.op.Output, "", true).(*document.Object))
}

// sample is a value of a shape: every member there and every list with one item. Strings are empty, or the first of the
// values that they may have; if named, they are their own name.
func sample(s *ecrpublic.Shape, name string, named bool) any {
	switch s.Kind {
	case ecrpublic.KindStructure:
		object := document.NewObject()
		for _, m := range s.Members {
			object.Set(m.Name, sample(m.Shape, m.Name, named))
		}
		return object
	case ecrpublic.KindList:
		return document.NewList(sample(s.Item, itemName(name), named))
	case ecrpublic.KindString, ecrpublic.KindEnum:
		switch {
		case named:
			return name
		case len(s.Enum) > 0:
			return s.Enum[0]
		}
		return ""
	case ecrpublic.KindLong, ecrpublic.KindInteger:
		return int64(0)
	case ecrpublic.KindBoolean:
		return true
	case ecrpublic.KindTimestamp:
		return document.Datetime("1970-01-01 00:00:00")
	}
	return nil // a blob
}

// itemName is the name of one item of a list: "imageTags" has items "ImageTag".
func itemName(list string) string {
	first, size := utf8.DecodeRuneInString(list)
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(list[size:], "s")
}

// yamlSkeleton is a sample input as YAML, with what each member is in a comment behind it.
func yamlSkeleton(s *ecrpublic.Shape) string {
	if len(s.Members) == 0 {
		return "{}\n"
	}
	var b strings.Builder
	yamlMembers(&b, s, "", "")
	return b.String()
}

// yamlMembers writes the members of a structure; first stands before the first line and indent before the others.
func yamlMembers(b *strings.Builder, s *ecrpublic.Shape, first, indent string) {
	for i, m := range s.Members {
		lead := indent
		if i == 0 {
			lead = first
		}
		comment := "# "
		if m.Required {
			comment += "[REQUIRED] "
		}
		comment += describe(s, m)
		if values := m.Shape.Enum; len(values) > 0 {
			comment += " Valid values are: " + strings.Join(values, ", ") + "."
		}
		fmt.Fprintf(b, "%s%s:%s %s\n", lead, m.Name, yamlSample(m.Shape), comment)
		switch {
		case m.Shape.Kind == ecrpublic.KindStructure:
			yamlMembers(b, m.Shape, indent+"  ", indent+"  ")
		case m.Shape.Kind == ecrpublic.KindList && m.Shape.Item.Kind == ecrpublic.KindStructure:
			yamlMembers(b, m.Shape.Item, indent+"- ", indent+"  ")
		case m.Shape.Kind == ecrpublic.KindList:
			fmt.Fprintf(b, "%s-%s\n", indent, yamlSample(m.Shape.Item))
		}
	}
}

// yamlSample is the value behind a name, or nothing where it stands on lines of its own.
func yamlSample(s *ecrpublic.Shape) string {
	switch s.Kind {
	case ecrpublic.KindStructure, ecrpublic.KindList:
		return ""
	case ecrpublic.KindBlob:
		return " !!binary ''"
	case ecrpublic.KindEnum:
		return " " + s.Enum[0]
	case ecrpublic.KindLong, ecrpublic.KindInteger:
		return " 0"
	case ecrpublic.KindBoolean:
		return " true"
	}
	return " ''"
}
