// Package audit writes down who changed what: one line of JSON for each call, in the field names of AWS CloudTrail, so
// that what reads CloudTrail's records reads these.
//
// It knows how a record looks and how lines come into a file safely. What is worth a record, and who is behind a request,
// package app decides.
//
// Read next: record.go for the fields, log.go for the file.
package audit

import (
	"encoding/json"
	"strings"
	"time"
)

// Record is one call (CloudTrail user guide, "CloudTrail record contents"). The order of the fields is CloudTrail's.
type Record struct {
	EventVersion      string     `json:"eventVersion"`
	UserIdentity      Identity   `json:"userIdentity"`
	EventTime         time.Time  `json:"eventTime"`
	EventSource       string     `json:"eventSource"`
	EventName         string     `json:"eventName"`
	AWSRegion         string     `json:"awsRegion"`
	SourceIPAddress   string     `json:"sourceIPAddress"`
	UserAgent         string     `json:"userAgent"`
	ErrorCode         string     `json:"errorCode,omitempty"`
	ErrorMessage      string     `json:"errorMessage,omitempty"`
	RequestParameters any        `json:"requestParameters"` // null when it is not known
	ResponseElements  any        `json:"responseElements"`  // null when there are none
	AdditionalData    any        `json:"additionalEventData,omitempty"`
	RequestID         string     `json:"requestID"`
	EventID           string     `json:"eventID"`
	ReadOnly          bool       `json:"readOnly"`
	Resources         []Resource `json:"resources,omitempty"`
	EventType         string     `json:"eventType"`
	ManagementEvent   bool       `json:"managementEvent"`
	RecipientAccount  string     `json:"recipientAccountId,omitempty"`
	EventCategory     string     `json:"eventCategory"`
	FromConsole       string     `json:"sessionCredentialFromConsole,omitempty"` // "true" for what was done in the browser
}

// The kinds of identity. All but the last are CloudTrail's.
const (
	Root      = "Root"
	IAMUser   = "IAMUser"
	Anonymous = "AWSAccount" // with AnonymousAccount
	Unknown   = "Unknown"    // whoever sent credentials that do not hold
	Operator  = "Operator"   // whoever runs commands on the data
)

// The types of events. All but the last are CloudTrail's.
const (
	APICall         = "AwsApiCall"
	SignIn          = "AwsConsoleSignIn"
	OperatorCommand = "OperatorCommand"
)

// AnonymousAccount is the account of a caller without credentials.
const AnonymousAccount = "ANONYMOUS_PRINCIPAL"

// Identity is who made the call.
type Identity struct {
	Type        string `json:"type"`
	PrincipalID string `json:"principalId"`
	ARN         string `json:"arn,omitempty"`
	AccountID   string `json:"accountId,omitempty"`
	AccessKeyID string `json:"accessKeyId,omitempty"`
	UserName    string `json:"userName,omitempty"`
}

// Resource is what the call was about.
type Resource struct {
	ARN       string `json:"ARN"`
	AccountID string `json:"accountId"`
}

// CloudTrail's bounds on texts and on documents, in bytes.
const (
	maxText     = 1 << 10
	maxDocument = 100 << 10
)

// omitted stands for a document that is beyond the bound, or that is no JSON.
var omitted = json.RawMessage(`{"omitted":true}`)

// Line is the record as it is written: bounded whatever a client sends, and on one line.
func (r Record) Line() []byte {
	r.EventTime = r.EventTime.UTC().Truncate(time.Second)
	for _, text := range []*string{&r.EventName, &r.SourceIPAddress, &r.UserAgent, &r.ErrorCode, &r.ErrorMessage, &r.UserIdentity.AccessKeyID} {
		*text = strings.ToValidUTF8((*text)[:min(len(*text), maxText)], "")
	}
	for _, document := range []*any{&r.RequestParameters, &r.ResponseElements, &r.AdditionalData} {
		*document = bounded(*document)
	}
	content, err := json.Marshal(r)
	if err != nil {
		panic(err) // texts and valid JSON always encode
	}
	return append(content, '\n')
}

func bounded(document any) any {
	if document == nil {
		return nil
	}
	content, err := json.Marshal(document)
	if err != nil || len(content) > maxDocument {
		return omitted
	}
	return json.RawMessage(content)
}
