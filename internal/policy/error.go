package policy

import (
	"errors"
	"fmt"
	"strings"
)

// What the service itself says of a policy it refuses; it gives no further reason.
const (
	constraintPolicy    = "Invalid repository policy provided"
	constraintPrincipal = "Principal not found"
)

// Error says why Parse refused a policy: where, what was wrong, and what to write instead.
type Error struct {
	Statement int    // which statement, from 1; 0 for the policy as a whole
	Sid       string // of that statement, if it has one
	Element   string // path inside the statement or policy: "Condition/IpAddress/aws:SourceIp"; empty for all of it
	Reason    string
	// Constraint is the service's own short text, for the wire: "Invalid repository policy provided" or "Principal not
	// found".
	Constraint string
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("policy")
	if e.Statement > 0 {
		b.WriteString(" " + statementLabel(e.Statement, e.Sid))
	}
	if e.Element != "" {
		b.WriteString(", element " + e.Element)
	}
	return b.String() + ": " + e.Reason
}

func refuse(element, format string, args ...any) error {
	return &Error{Element: element, Reason: fmt.Sprintf(format, args...), Constraint: constraintPolicy}
}

func refusePrincipal(format string, args ...any) error {
	return &Error{Element: "Principal", Reason: fmt.Sprintf(format, args...), Constraint: constraintPrincipal}
}

// inStatement adds to a refusal which statement it speaks of.
func inStatement(err error, number int, sid string) error {
	var e *Error
	if errors.As(err, &e) {
		e.Statement, e.Sid = number, sid
	}
	return err
}

func statementLabel(number int, sid string) string {
	if sid == "" {
		return fmt.Sprintf("statement %d", number)
	}
	return fmt.Sprintf("statement %d (Sid %q)", number, sid)
}
