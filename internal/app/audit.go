package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/openecr/openecr/internal/audit"
	"github.com/openecr/openecr/internal/auth"
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/stsapi"
)

// Auditing is where account is kept of changes.
type Auditing struct {
	Audit     string `help:"File for the audit log: a line of JSON, in the fields of AWS CloudTrail, for each call that changes something or is refused. - is the standard output. Commands that find no server write to it themselves. Default: no audit log." env:"OPENECR_AUDIT" placeholder:"FILE"`
	AuditSize int64  `help:"How large the audit log may grow, in MiB, before it moves aside. 0: without bound, for instance because logrotate moves it. Default: ${default}." default:"100" env:"OPENECR_AUDIT_SIZE" placeholder:"MIB"`
	AuditKeep int    `help:"How many audit logs that moved aside to keep. 0: all. Default: ${default}." default:"10" env:"OPENECR_AUDIT_KEEP" placeholder:"N"`
}

func (o Auditing) check() error {
	if o.AuditSize < 0 || o.AuditKeep < 0 {
		return errors.New("--audit-size and --audit-keep must not be negative: 0 is without bound")
	}
	return nil
}

// open is nil when no account is to be kept.
func (o Auditing) open(stdout *os.File) (*audit.Log, error) {
	if err := o.check(); err != nil || o.Audit == "" {
		return nil, err
	}
	if o.Audit == "-" {
		return audit.To(stdout), nil
	}
	l, err := audit.Open(o.Audit, o.AuditSize<<20, o.AuditKeep)
	if err != nil {
		return nil, fmt.Errorf("--audit %s cannot be written: %w", o.Audit, err)
	}
	return l, nil
}

// openAudit opens the log for as long as the data is open.
func (a *App) openAudit(o Auditing, stdout *os.File) (*audit.Log, error) {
	l, err := o.open(stdout)
	if l != nil {
		a.closers = append(a.closers, l.Close)
	}
	return l, err
}

// auditor writes down who changed what, and who was refused. A nil one keeps no account.
//
// A record is in the file before the answer goes out. When it cannot be written, the call goes on all the same: a
// registry that stops because a disk is full helps nobody. The record goes to the log of the server instead, and a metric
// counts it.
type auditor struct {
	to       *audit.Log
	log      *slog.Logger
	registry *registry.Registry
	count    func(outcome string)

	// Strangers could fill the file, so that it moves aside and what matters is removed in the end. What is refused to
	// nobody in particular is therefore written at a limited rate, and what was left out is counted in the next record.
	strangers *throttle
	leftOut   atomic.Int64
}

var strangersRate = rate{perSecond: 1, burst: 100}

// newAuditor is nil without a log to write to.
func newAuditor(to *audit.Log, log *slog.Logger, reg *registry.Registry, count func(outcome string)) *auditor {
	if to == nil {
		return nil
	}
	return &auditor{to: to, log: log, registry: reg, count: count, strangers: newThrottle(nil)}
}

// auditFunc is what wires tell changes to.
type auditFunc = func(r *http.Request, caller registry.Caller, change registry.Change)

// hook is nil for a nil auditor, so that wires do not even gather what to tell.
func (a *auditor) hook() auditFunc {
	if a == nil {
		return nil
	}
	return a.note
}

// note writes the record of a request.
func (a *auditor) note(r *http.Request, caller registry.Caller, change registry.Change) {
	var additional any
	if caller.Anonymous() {
		if a.strangers.spend(bucketKey{}, strangersRate) > 0 {
			a.leftOut.Add(1)
			a.count(auditLeftOut)
			return
		}
		if n := a.leftOut.Swap(0); n > 0 {
			additional = map[string]int64{"refusalsLeftOut": n}
		}
	}
	rec := newAuditRecord(r.Context(), change)
	rec.AdditionalData = additional
	rec.UserIdentity = identityOfCaller(r, caller)
	rec.UserAgent = r.UserAgent()
	if account := a.owner(r.Context(), caller, change.Repository); account != "" {
		rec.RecipientAccount = string(account)
		if change.Repository.Name != "" {
			rec.Resources = []audit.Resource{{ARN: ref.RepositoryARN(account, change.Repository.Name), AccountID: string(account)}}
		}
	}
	a.write(rec)
}

// owner is whose registry a request is about, empty when nobody's.
func (a *auditor) owner(ctx context.Context, caller registry.Caller, p registry.Path) ref.AccountID {
	if p.Registry == "" {
		return caller.Account
	}
	account, err := a.registry.AccountOf(context.WithoutCancel(ctx), caller, p.Registry)
	if err != nil {
		return ""
	}
	return account
}

// command writes the record of what an operator has done.
func (a *auditor) command(ctx context.Context, command, out any, err error) {
	if a == nil {
		return
	}
	if c, ok := command.(interface{ readsOnly() bool }); ok && c.readsOnly() {
		return
	}
	if s, ok := out.(interface{ withoutSecret() any }); ok {
		out = s.withoutSecret()
	}
	change := registry.Change{Action: commandName(command), Request: command, Err: err}
	if err == nil && out != (Nothing{}) {
		change.Answer = out
	}
	rec := newAuditRecord(ctx, change)
	rec.EventSource, rec.EventType = "openecr", audit.OperatorCommand
	rec.UserIdentity = audit.Identity{Type: audit.Operator, PrincipalID: "operator"}
	rec.SourceIPAddress, rec.UserAgent = "localhost", "openecr"
	a.write(rec)
}

func (a *auditor) write(rec audit.Record) {
	line := rec.Line()
	if err := a.to.Write(line); err != nil {
		a.count(auditFailed)
		a.log.Error("the audit log could not be written: its record is here", "error", err.Error(), "record", strings.TrimSuffix(string(line), "\n"))
		return
	}
	a.count(auditWritten)
}

// What has become of a record.
const (
	auditWritten = "written"
	auditFailed  = "failed"
	auditLeftOut = "left_out"
)

// auditSyncInterval is how much of the audit log a power cut may cost.
const auditSyncInterval = time.Second

// keep makes durable what was written. It returns when ctx ends; the last lines are synced when the log is closed.
func (a *auditor) keep(ctx context.Context) {
	if a == nil {
		return
	}
	ticks := time.NewTicker(auditSyncInterval)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
			if err := a.to.Sync(); err != nil {
				a.log.Error("the audit log is in trouble", "error", err.Error())
			}
		}
	}
}

// newAuditRecord is what is known of a change whoever made it.
func newAuditRecord(ctx context.Context, change registry.Change) audit.Record {
	r := audit.Record{
		EventVersion: "1.08", EventTime: time.Now(), EventSource: "ecr-public.amazonaws.com", EventName: change.Action, AWSRegion: onlyRegion,
		RequestParameters: change.Request, ResponseElements: change.Answer, EventID: uuid.NewString(), ReadOnly: registry.ReadsOnly(change.Action),
		EventType: audit.APICall, ManagementEvent: true, EventCategory: "Management",
	}
	rec, ok := ctx.Value(recordKey{}).(*record)
	if !ok { // a command without a server
		rec = &record{id: uuid.NewString()}
	}
	r.RequestID, r.SourceIPAddress = rec.id, rec.from.remote
	r.ErrorCode, r.ErrorMessage = auditError(change, rec)
	switch rec.wire {
	case "sts":
		r.EventSource = "sts.amazonaws.com"
	case "gallery":
		r.FromConsole = "true"
	}
	if change.Action == consoleLogin {
		r.EventSource, r.EventType, r.FromConsole = "signin.amazonaws.com", audit.SignIn, ""
		r.ResponseElements = map[string]string{consoleLogin: map[bool]string{true: "Success", false: "Failure"}[change.Err == nil]}
	}
	return r
}

// identityOfCaller is who makes a request. Of credentials that do not hold it says what they claim.
func identityOfCaller(r *http.Request, c registry.Caller) audit.Identity {
	switch {
	case c.Anonymous() && r.Header.Get("Authorization") == "" && r.Method != http.MethodPost:
		return audit.Identity{Type: audit.Anonymous, AccountID: audit.AnonymousAccount}
	case c.Anonymous():
		return audit.Identity{Type: audit.Unknown, AccessKeyID: auth.ClaimedKeyID(r.Header)}
	}
	id := audit.Identity{Type: audit.Root, PrincipalID: stsapi.UserID(c), ARN: c.ARN, AccountID: string(c.Account), AccessKeyID: c.KeyID}
	if _, user, ok := strings.Cut(c.ARN, ":user/"); ok {
		id.Type, id.UserName = audit.IAMUser, user[strings.LastIndexByte(user, '/')+1:]
	}
	return id
}
