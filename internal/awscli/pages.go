package awscli

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/openecr/openecr/ecrpublic"
	"github.com/openecr/openecr/internal/awscli/argparse"
	"github.com/openecr/openecr/internal/awscli/document"
)

// paging is what the options say about pages.
type paging struct {
	on       bool
	start    *string // --starting-token
	size     any     // --page-size, an integer or nil
	maxItems *int64
}

// paging reads the options about pages. Turning pages by hand, with the operation's own members, turns it off.
func (c *command) paging(r *argparse.Result, on bool) (paging, error) {
	pages := c.op.Pages
	if pages == nil {
		return paging{}, nil
	}
	p := paging{on: on && !r.Has("--"+kebab(pages.InputToken)) && !r.Has("--"+kebab(pages.Limit))}
	var used []string
	if text, ok := r.One(startingToken); ok {
		loaded, err := load(startingToken, text)
		if err != nil {
			return p, err
		}
		if loaded != nil {
			text = document.Text(loaded)
		}
		p.start = &text
		if text != "" {
			used = append(used, startingToken)
		}
	}
	if text, ok := r.One(pageSize); ok {
		p.size, _ = document.ParseInt(text) // the parser has checked it
		if p.size != any(int64(0)) {
			used = append(used, pageSize)
		}
	}
	if text, ok := r.One(maxItems); ok {
		n, _ := document.ParseInt(text)
		limit, fits := n.(int64)
		if !fits {
			return p, parameterError(maxItems, "%s is too large", text)
		}
		p.maxItems = &limit
		if limit != 0 {
			used = append(used, maxItems)
		}
	}
	if !p.on && len(used) > 0 {
		return p, failf(exitUsage, "Cannot specify --no-paginate along with pagination arguments: %s", strings.Join(used, ", "))
	}
	return p, nil
}

// pages tells whether to turn pages, now that the whole input is known.
func (c *command) pages(p paging, parameters *document.Object) bool {
	if !p.on {
		return false
	}
	_, token := parameters.Get(c.op.Pages.InputToken)
	_, limit := parameters.Get(c.op.Pages.Limit)
	return !token && !limit
}

// truncated is the key of a token that says how many items of its page have been seen.
const truncated = "boto_truncate_amount"

// A pageIterator gives the pages of an operation, cut to the items that were asked for.
type pageIterator struct {
	op         *ecrpublic.Operation
	parameters *document.Object
	paging     paging
	fetch      func(*document.Object) (*document.Object, error)

	// resume is the token from which the rest can be had, once the iteration has ended early.
	resume *string
}

// each calls show with every page. The first error ends it.
func (it *pageIterator) each(show func(page *document.Object) error) error {
	token := document.NewObject() // the members of the input that say which page
	token.Set(it.op.Pages.InputToken, nil)
	skip := any(int64(0)) // items at the front of the first page that have been seen before
	if it.paging.start != nil {
		var err error
		if token, skip, err = it.startingPoint(*it.paging.start); err != nil {
			return err
		}
		it.turnTo(token)
	}
	if it.paging.size != nil {
		it.parameters.Set(it.op.Pages.Limit, it.paging.size)
	}
	var seen int64
	var before *document.Object
	for first := true; ; first = false {
		page, err := it.fetch(it.parameters)
		if err != nil {
			return err
		}
		skipped := int64(0)
		if first && it.paging.start != nil {
			if skipped, err = it.skip(page, skip); err != nil {
				return err
			}
		}
		items := it.items(page)
		if most := it.paging.maxItems; most != nil && seen+int64(len(items)) > *most {
			kept := *most - seen
			page.Set(it.op.Pages.Result, document.NewList(pythonSlice(items, 0, kept)...))
			token.Set(truncated, kept+skipped)
			if err := it.resumeFrom(token); err != nil {
				return err
			}
			return show(page)
		}
		if err := show(page); err != nil {
			return err
		}
		seen += int64(len(items))
		next, _ := page.Get(it.op.Pages.OutputToken)
		if next == nil || next == "" {
			return nil
		}
		token = document.NewObject()
		token.Set(it.op.Pages.InputToken, next)
		if it.paging.maxItems != nil && seen == *it.paging.maxItems {
			return it.resumeFrom(token)
		}
		if before != nil && document.Repr(before) == document.Repr(token) {
			return fmt.Errorf("Error during pagination: The same next token was received twice: %s", document.Repr(token))
		}
		it.turnTo(token)
		before = token
	}
}

// eachResult calls show with the result alone of every page and, if there is more, with where to go on.
func (it *pageIterator) eachResult(show func(page *document.Object) error) error {
	name := it.op.Pages.Result
	err := it.each(func(page *document.Object) error {
		result, _ := page.Get(name)
		return show(object(name, result))
	})
	if err != nil || it.resume == nil {
		return err
	}
	return show(object("NextToken", object("NextToken", *it.resume)))
}

// joined is the results of all pages as those of one.
func (it *pageIterator) joined() (*document.Object, error) {
	all := document.NewObject()
	err := it.each(func(page *document.Object) error {
		if v, _ := page.Get(it.op.Pages.Result); v != nil {
			all.Set(it.op.Pages.Result, document.NewList(append(it.items(all), it.items(page)...)...))
		}
		return nil
	})
	if err == nil && it.resume != nil {
		all.Set("NextToken", *it.resume)
	}
	return all, err
}

func object(key string, value any) *document.Object {
	o := document.NewObject()
	o.Set(key, value)
	return o
}

// turnTo puts a token into the input.
func (it *pageIterator) turnTo(token *document.Object) {
	for name, value := range token.All() {
		if value == nil || value == "None" {
			it.parameters.Delete(name)
		} else {
			it.parameters.Set(name, value)
		}
	}
}

func (it *pageIterator) items(page *document.Object) []any {
	v, _ := page.Get(it.op.Pages.Result)
	if l, ok := v.(*document.List); ok {
		return l.Items
	}
	return nil
}

// skip drops items at the front of a page and tells how many that were.
func (it *pageIterator) skip(page *document.Object, count any) (int64, error) {
	v, _ := page.Get(it.op.Pages.Result)
	l, ok := v.(*document.List)
	if !ok {
		page.Set(it.op.Pages.Result, nil)
		l = document.NewList()
	}
	n, isInteger := count.(int64)
	if count != nil && !isInteger {
		return 0, errors.New("slice indices must be integers or None or have an __index__ method")
	}
	if ok {
		page.Set(it.op.Pages.Result, document.NewList(pythonSlice(l.Items, n, int64(len(l.Items)))...))
	}
	return n, nil
}

// pythonSlice is items[from:to], where a negative index counts from the back.
func pythonSlice(items []any, from, to int64) []any {
	n := int64(len(items))
	place := func(i int64) int64 {
		if i < 0 {
			i += n
		}
		return max(0, min(i, n))
	}
	from, to = place(from), place(to)
	return items[from:max(from, to)]
}

// resumeFrom makes the token that users get, which is that of the service with what this package adds.
func (it *pageIterator) resumeFrom(token *document.Object) error {
	for key := range token.All() {
		if key != it.op.Pages.InputToken && key != truncated {
			return fmt.Errorf("Bad starting token: %s", document.Repr(token))
		}
	}
	encoded := base64.StdEncoding.EncodeToString(document.Token.Append(nil, token))
	it.resume = &encoded
	return nil
}

// startingPoint reads a token that resumeFrom has made, one of the older form TOKEN___COUNT, or the service's own.
func (it *pageIterator) startingPoint(text string) (token *document.Object, skip any, err error) {
	if data, err := decodeBase64(text); err == nil {
		v, err := document.ParseJSON(string(data))
		switch v := v.(type) {
		case *document.Object:
			skip, _ := v.Get(truncated)
			if _, ok := v.Get(truncated); !ok {
				skip = int64(0)
			}
			v.Delete(truncated)
			return v, skip, nil
		case *document.List:
		default:
			if err == nil {
				class := strings.TrimSuffix(strings.TrimPrefix(document.TypeName(v), "<class '"), "'>")
				return nil, nil, fmt.Errorf("'%s' object has no attribute 'pop'", class)
			}
		}
	}
	token = document.NewObject()
	parts := strings.Split(text, "___")
	skip = int64(0)
	if len(parts) == 2 {
		if n, err := strconv.ParseInt(parts[1], 10, 64); err == nil {
			skip, parts = n, parts[:1]
		} else {
			parts = []string{text}
		}
	}
	if len(parts) > 1 {
		return nil, nil, fmt.Errorf("Bad starting token: %s", text)
	}
	token.Set(it.op.Pages.InputToken, parts[0])
	if parts[0] == "None" {
		token.Set(it.op.Pages.InputToken, nil)
	}
	return token, skip, nil
}
