package awscli

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/awscli/document"
)

// helpFor prints the help of the operation that is the first of the words, or that of the whole.
func (c *CLI) helpFor(words []string) error {
	p := servicePage()
	if len(words) > 0 {
		var ok bool
		if p, ok = commandPage(words[0]); !ok {
			return failf(exitUsage, "There is no operation %s. `openecr ecr-public help` lists them.", words[0])
		}
	}
	s := &session{CLI: c, globals: globals{pager: true}, settings: profileSettings("")}
	pager := s.newPager(context.Background())
	w, err := pager.writer()
	if err == nil {
		_, err = fmt.Fprint(w, p.text())
	}
	return cmp.Or(err, pager.close())
}

// ManPages returns the man pages of section 1 by their names, such as "openecr-ecr-public-put-image".
func ManPages() map[string]string {
	pages := map[string]string{}
	add := func(p *page) { pages[strings.ReplaceAll(p.name, " ", "-")] = p.man() }
	add(servicePage())
	for _, name := range commandNames() {
		if p, ok := commandPage(name); ok {
			add(p)
		}
	}
	return pages
}

func servicePage() *page {
	p := &page{name: "openecr " + Name, summary: "The API of Amazon ECR Public as a command line."}
	p.add("Description", block{text: p.summary}, block{text: "Options, results, errors and exit codes are those of `aws ecr-public` of the " +
		"AWS CLI v2. It calls the endpoint that --endpoint-url, AWS_ENDPOINT_URL_ECR_PUBLIC, AWS_ENDPOINT_URL or the profile names, else the " +
		"real service. With no endpoint, profile or AWS_ variable given, it calls the openecr whose data folder is ./openecr-data, or the one " +
		"that OPENECR_DATA names."})
	p.add("Synopsis", block{text: "openecr ecr-public [options] <operation> [parameters]", literal: true})
	for _, name := range commandNames() {
		p.add("Operations", block{term: name, text: operationTexts[name].summary})
	}
	p.add("Operations", block{term: "help", text: "Show this. `openecr ecr-public <operation> help` explains one."})
	for _, o := range globalOptions() {
		text := o.help
		if len(o.Choices) > 0 {
			text += " One of: " + strings.Join(o.Choices, ", ") + "."
		}
		p.add("Global options", block{term: o.Name, text: text})
	}
	p.add("Exit codes", block{term: "0", text: "It worked."}, block{term: "130", text: "The user has interrupted it."},
		block{term: "252", text: "The command line or a parameter is wrong; nothing was sent."},
		block{term: "253", text: "The settings or the credentials are wrong or missing."},
		block{term: "254", text: "The service has answered an error."}, block{term: "255", text: "Anything else went wrong."})
	return p
}

// add adds blocks to the section of that title.
func (p *page) add(title string, blocks ...block) {
	if n := len(p.sections); n == 0 || p.sections[n-1].title != title {
		p.sections = append(p.sections, section{title: title})
	}
	last := &p.sections[len(p.sections)-1]
	last.blocks = append(last.blocks, blocks...)
}

func commandPage(name string) (*page, bool) {
	text, ok := operationTexts[name]
	if !ok {
		return nil, false
	}
	p := &page{name: "openecr " + Name + " " + name, summary: text.summary}
	p.add("Description", block{text: text.summary})
	if text.more != "" {
		p.add("Description", block{text: text.more})
	}
	if text.note != "" {
		p.add("Note", block{text: text.note})
	}
	c, err := newCommand(name)
	if err != nil { // get-login-password
		p.add("Synopsis", block{text: name, literal: true})
		p.add("Output", block{text: "The password and a line end, whatever --output and --query say."})
		return p, true
	}
	p.add("Synopsis", block{text: c.synopsis(), literal: true})
	c.describeOptions(p)
	p.add("Global options", block{text: "`openecr ecr-public help` has the options that every operation takes."})
	members := c.op.Output.Members
	for _, m := range members {
		describeOutput(p, c.op.Output, m, 0)
	}
	if len(members) == 0 {
		p.add("Output", block{text: "None."})
	}
	return p, true
}

// hidden tells whether help leaves a member out, because options for pages stand in for it.
func (c *command) hidden(m *ecrpublic.Member) bool {
	return c.op.Pages != nil && (m.Name == c.op.Pages.InputToken || m.Name == c.op.Pages.Limit)
}

func (c *command) synopsis() string {
	lines := []string{c.name}
	for _, m := range c.op.Input.Members {
		line := option(m) + " <value>"
		if m.Shape.Kind == ecrpublic.KindBoolean {
			line = option(m) + " | " + off(m)
		}
		if !m.Required {
			line = "[" + line + "]"
		}
		if !c.hidden(m) {
			lines = append(lines, line)
		}
	}
	lines = append(lines, "["+inputJSON+" | "+inputYAML+"]")
	if c.op.Pages != nil {
		lines = append(lines, "["+startingToken+" <value>]", "["+pageSize+" <value>]", "["+maxItems+" <value>]")
	}
	return strings.Join(append(lines, "["+skeleton+" <value>]"), "\n")
}

func (c *command) describeOptions(p *page) {
	for _, m := range c.op.Input.Members {
		if c.hidden(m) {
			continue
		}
		term := option(m)
		if m.Shape.Kind == ecrpublic.KindBoolean {
			term += " | " + off(m)
		}
		p.add("Options", block{term: fmt.Sprintf("%s (%s)", term, typeWord(m.Shape)), text: describe(c.op.Input, m) + valuesOf(m.Shape)})
		describeInside(p, "Options", m.Shape, 1, func(m *ecrpublic.Member) string { return m.Name + " -> " })
		describeSyntax(p, m.Shape)
	}
	p.add("Options", block{term: inputJSON + " | " + inputYAML + " (string)", text: "All parameters at once, as JSON or YAML in the form that " +
		skeleton + " prints, or - to read that from standard input. Other options override it. Only one of the two may be given."})
	if c.op.Pages != nil {
		p.add("Options",
			block{term: startingToken + " (string)", text: "The NextToken of an earlier result: go on from there."},
			block{term: pageSize + " (integer)", text: "How many results one call asks for. It changes the number of calls, not the result."},
			block{term: maxItems + " (integer)", text: "How many results to print at most. If there are more, NextToken in the result says where to go on."})
	}
	p.add("Options", block{term: skeleton + " (string)", text: "Print a sample and send nothing: of the parameters as JSON with no value or " +
		"input, as YAML with yaml-input; with output, check the parameters and print a sample of the result."})
}

// typeWord is the type of a value as help names it.
func typeWord(s *ecrpublic.Shape) string {
	if s.Kind == ecrpublic.KindEnum {
		return "string"
	}
	return s.Kind.String()
}

func valuesOf(s *ecrpublic.Shape) string {
	if len(s.Enum) == 0 {
		return ""
	}
	return " One of: " + strings.Join(s.Enum, ", ") + "."
}

// describeInside describes the items of a list and the members of a structure.
func describeInside(p *page, title string, s *ecrpublic.Shape, depth int, term func(*ecrpublic.Member) string) {
	switch s.Kind {
	case ecrpublic.KindList:
		p.add(title, block{depth: depth, term: "(" + typeWord(s.Item) + ")", text: structureTexts[s.Item.Name]})
		describeInside(p, title, s.Item, depth+1, term)
	case ecrpublic.KindStructure:
		for _, m := range s.Members {
			p.add(title, block{depth: depth, term: term(m) + "(" + typeWord(m.Shape) + ")", text: describe(s, m) + valuesOf(m.Shape)})
			describeInside(p, title, m.Shape, depth+1, term)
		}
	}
}

func describeOutput(p *page, s *ecrpublic.Shape, m *ecrpublic.Member, depth int) {
	p.add("Output", block{depth: depth, term: m.Name + " -> (" + typeWord(m.Shape) + ")", text: describe(s, m) + valuesOf(m.Shape)})
	describeInside(p, "Output", m.Shape, depth+1, func(m *ecrpublic.Member) string { return m.Name + " -> " })
}

// describeSyntax shows how lists and structures are written.
func describeSyntax(p *page, s *ecrpublic.Shape) {
	if s.Kind != ecrpublic.KindList && s.Kind != ecrpublic.KindStructure {
		return
	}
	if !takesShorthand(s) {
		p.add("Options", block{depth: 1, text: "Syntax:"}, block{depth: 1, text: `"string" "string" ...`, literal: true})
		return
	}
	short := shortSyntax(s)
	if s.Kind == ecrpublic.KindList {
		short = shortSyntax(s.Item) + " ..."
	}
	p.add("Options", block{depth: 1, text: "Shorthand syntax:"}, block{depth: 1, text: short, literal: true},
		block{depth: 1, text: "JSON syntax:"}, block{depth: 1, text: document.Result.String(sample(s, "", false)), literal: true})
}

func shortSyntax(s *ecrpublic.Shape) string {
	parts := make([]string, len(s.Members))
	for i, m := range s.Members {
		parts[i] = m.Name + "=" + typeWord(m.Shape)
		if m.Shape.Kind == ecrpublic.KindList {
			parts[i] = m.Name + "=string,string"
		}
	}
	return strings.Join(parts, ",")
}
