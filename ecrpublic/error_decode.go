package ecrpublic

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	smithy "github.com/aws/smithy-go"
)

// An UnknownOperationError is an error that the operation does not model, or whose body could not be read.
type UnknownOperationError struct {
	Code    string
	Message *string // nil if there was none
}

func (e *UnknownOperationError) Error() string                 { return errorText(e) }
func (e *UnknownOperationError) ErrorCode() string             { return e.Code }
func (e *UnknownOperationError) ErrorMessage() string          { return text(e.Message) }
func (e *UnknownOperationError) ErrorFault() smithy.ErrorFault { return smithy.FaultUnknown }

// ErrorFromJSON returns the error that a service answered with, given its code and its JSON body: a new value of the
// exception's type if the operation models that code, else an [*UnknownOperationError]. A body that cannot be read
// gives an UnknownOperationError with the code and without a message.
func (op *Operation) ErrorFromJSON(code string, body []byte) error {
	var e envelope
	if err := e.read(body); err != nil {
		return &UnknownOperationError{Code: code}
	}
	exception := op.exception(code)
	if exception == nil || Unmarshal(body, exception) != nil {
		return &UnknownOperationError{Code: code, Message: e.text()}
	}
	return withMessage(exception, e.text())
}

// ErrorFromXML is [Operation.ErrorFromJSON] for an XML body, as older protocols and some gateways send it. The members
// may stand in the root, in an Error in it, or in an Error in an Errors in it.
func (op *Operation) ErrorFromXML(code string, body []byte) error {
	members, err := xmlMembers(body)
	if err != nil {
		return &UnknownOperationError{Code: code}
	}
	message := firstOf(members, "message", "Message")
	exception := op.exception(code)
	if exception == nil || setText(exception, members) != nil {
		return &UnknownOperationError{Code: code, Message: message}
	}
	return withMessage(exception, message)
}

// ErrorFromResponse finds the code of an error in a response and returns the error. It looks in the header
// x-amzn-ErrorType, then in the members __type and code of a JSON body or Code of an XML body, and cuts a namespace
// ("aws.example#") and a URL (":http://…") off. Without any, the code is the text of the HTTP status.
func (op *Operation) ErrorFromResponse(status int, header http.Header, body []byte) error {
	code := bareCode(header.Get("x-amzn-ErrorType"))
	isXML := bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n\ufeff"), []byte("<"))
	if code == "" {
		code = codeInBody(body, isXML)
	}
	if code == "" {
		code = http.StatusText(status)
	}
	if code == "" {
		code = "HTTP status " + strconv.Itoa(status)
	}
	if isXML {
		return op.ErrorFromXML(code, body)
	}
	return op.ErrorFromJSON(code, body)
}

func codeInBody(body []byte, isXML bool) string {
	if isXML {
		members, err := xmlMembers(body)
		if err != nil {
			return ""
		}
		return bareCode(text(firstOf(members, "Code", "code")))
	}
	var e envelope
	if e.read(body) != nil {
		return ""
	}
	if code := bareCode(text(e.Type)); code != "" {
		return code
	}
	return bareCode(text(e.Code))
}

func bareCode(code string) string {
	code, _, _ = strings.Cut(code, ":")
	if i := strings.LastIndexByte(code, '#'); i >= 0 {
		code = code[i+1:]
	}
	return strings.TrimSpace(code)
}

// envelope is what every JSON error may have, whatever its code.
type envelope struct {
	Type         *string `json:"__type"`
	Code         *string `json:"code"`
	Message      *string `json:"message"`
	UpperMessage *string `json:"Message"` // some front ends of AWS
}

// envelopeShape stands apart from the shapes of the API.
var envelopeShape = shapes{}.structure(reflect.TypeFor[envelope]())

func (e *envelope) read(body []byte) error {
	d := decoder{data: body}
	if err := d.document(envelopeShape, reflect.ValueOf(e).Elem()); err != nil {
		return err
	}
	return nil
}

func (e *envelope) text() *string {
	if e.Message != nil {
		return e.Message
	}
	return e.UpperMessage
}

// exception returns a new exception of that code, or nil if the operation does not model it.
func (op *Operation) exception(code string) APIError {
	for _, s := range op.Errors {
		if s.Name == code {
			return reflect.New(s.goType).Interface().(APIError)
		}
	}
	return nil
}

// withMessage returns the exception with that message, if its body spelled the member in another way and so left it out.
func withMessage(exception APIError, message *string) error {
	s, v, err := targetOf(exception)
	if err != nil {
		return err
	}
	m := s.Member("message")
	if _, ok := m.get(v); !ok && message != nil {
		m.alloc(v).SetString(*message)
	}
	return exception
}

// setText sets the members of an exception from their texts. Exceptions have strings and longs only.
func setText(exception APIError, members map[string]string) error {
	s, v, err := targetOf(exception)
	if err != nil {
		return err
	}
	for _, m := range s.Members {
		text, ok := members[m.Name]
		switch {
		case !ok:
		case m.Shape.Kind == KindString:
			m.alloc(v).SetString(text)
		case m.Shape.Kind == KindLong:
			n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
			if err != nil {
				return fmt.Errorf("%s is no number: %w", m.Name, err)
			}
			m.alloc(v).SetInt(n)
		}
	}
	return nil
}

func firstOf(members map[string]string, names ...string) *string {
	for _, name := range names {
		if text, ok := members[name]; ok {
			return &text
		}
	}
	return nil
}

// element is an XML element without its attributes.
type element struct {
	XMLName  xml.Name
	Text     string    `xml:",chardata"`
	Children []element `xml:",any"`
}

// child returns the first child of that name, or the element itself if it has none.
func (e element) child(name string) element {
	for _, c := range e.Children {
		if c.XMLName.Local == name {
			return c
		}
	}
	return e
}

// xmlMembers returns the texts of the members of an error by their names. Of a member given twice the last counts.
func xmlMembers(body []byte) (map[string]string, error) {
	var root element
	if err := xml.Unmarshal(body, &root); err != nil {
		return nil, err
	}
	members := map[string]string{}
	for _, c := range root.child("Errors").child("Error").Children {
		members[c.XMLName.Local] = c.Text
	}
	return members, nil
}
