package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"reflect"
	"time"

	"github.com/openecr/openecr/internal/auth"
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
)

// Command is one thing an operator does to accounts, aliases and keys: its fields are the options, Out is the answer.
// Administer runs it. Options and answers travel as JSON.
type Command[Out any] interface {
	run(ctx context.Context, a *administration) (Out, error)
}

// administration is what commands work on: the registry of a server, or one opened for a single command.
type administration struct {
	registry  *registry.Registry
	sealer    *auth.Sealer
	tokenKeys *tokenKeyStore
	data      Stores
	root      ref.AccountID   // whom a command means that names no account
	level     *slog.LevelVar  // of the server's log; nil where no server runs
	ending    <-chan struct{} // closed when the server begins to stop; nil where no server runs
	auditor   *auditor
}

// Administer runs a command: through the server where one runs on the data, else on the data itself, never both. In
// between, while a server starts or another command runs, it waits a little.
func Administer[Out any](ctx context.Context, s Stores, c Command[Out]) (Out, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	return thereOrHere(ctx, s,
		func() (Out, error) { return askServer(ctx, s, c) },
		func() (Out, error) { return runHere(ctx, s, carryOut(c)) })
}

// thereOrHere asks the server, and does it here when errNoServer says that there is none.
func thereOrHere[Out any](ctx context.Context, s Stores, there, here func() (Out, error)) (Out, error) {
	var none Out
	if _, err := os.Stat(s.file(infoFile)); errors.Is(err, fs.ErrNotExist) && !s.onPostgres() {
		return none, neverServed(s.Data)
	}
	for giveUp := time.Now().Add(maxWaitForData); ; {
		out, err := there()
		if !errors.Is(err, errNoServer) {
			return out, err
		}
		out, err = here()
		var inUse *inUseError
		if !errors.As(err, &inUse) {
			return out, err
		}
		if time.Now().After(giveUp) {
			return none, fmt.Errorf("data folder %s is in use by another openecr (process %s) that takes no commands: it is starting, stopping or stuck, so try again or stop it", s.Data, inUse.holder)
		}
		if err := pause(ctx); err != nil {
			return none, err
		}
	}
}

const (
	commandTimeout = time.Minute
	maxWaitForData = 10 * time.Second // for commands
	maxServerWait  = time.Second      // for a server
)

// takeData locks the data for a server. It waits for commands, which have the data for a moment.
func (a *App) takeData(ctx context.Context, s Stores) error {
	for giveUp := time.Now().Add(maxServerWait); ; {
		err := a.lockData(s)
		var inUse *inUseError
		if !errors.As(err, &inUse) || time.Now().After(giveUp) {
			return err
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

// pause is between two attempts at the lock: the kernel tells nobody when it is free.
func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(20 * time.Millisecond):
		return nil
	}
}

// runHere opens the data for one command. PostgreSQL keeps nodes and commands apart by itself, and other nodes see what a
// command has changed when their caches let go of it.
func runHere[Out any](ctx context.Context, s Stores, run func(context.Context, *administration) (Out, error)) (out Out, err error) {
	a := new(App)
	defer func() { err = errors.Join(err, a.Close()) }()
	if !s.onPostgres() {
		if err := a.lockData(s); err != nil {
			return out, err
		}
		if err := checkOwner(s.file(lockFile)); err != nil {
			return out, err
		}
	}
	auditLog, err := a.openAudit(s.Auditing, os.Stderr) // the standard output is for answers
	if err != nil {
		return out, err
	}
	opened, err := a.openStores(ctx, s, capacity{})
	if err != nil {
		return out, err
	}
	root, _, err := registry.FindRoot(ctx, opened.meta)
	if errors.Is(err, registry.ErrAbsent) {
		return out, errors.New("no openecr has served this metadata yet: start `openecr serve` on it first")
	}
	if err != nil {
		return out, err
	}
	reg := registry.New(registry.Config{Meta: opened.meta, Blobs: opened.blobs})
	account := newAuditor(auditLog, slog.Default(), reg, func(string) {})
	return run(ctx, &administration{registry: reg, sealer: opened.sealer, tokenKeys: opened.tokenKeys(reg), data: s, root: root, auditor: account})
}

// askServer sends the command to the server. errNoServer means that nothing was sent, because nobody listens.
func askServer[Out any](ctx context.Context, s Stores, c Command[Out]) (out Out, err error) {
	res, err := s.sendCommand(ctx, c)
	if err != nil {
		return out, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return out, s.unanswered(err)
	}
	return out, json.Unmarshal(body, &out)
}

// sendCommand returns the answer of a server that does the command; a refusal is an error.
func (s Stores) sendCommand(ctx context.Context, c any) (*http.Response, error) {
	options, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://openecr/"+commandName(c), bytes.NewReader(options))
	if err != nil {
		return nil, err
	}
	conn, err := s.dialSocket(ctx)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) { return conn, nil }}
	res, err := transport.RoundTrip(r)
	if err != nil {
		return nil, s.unanswered(err)
	}
	if res.StatusCode == http.StatusOK {
		return res, nil
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusNotFound {
		return nil, fmt.Errorf("the server on %s does not know this command: it runs another version of openecr", s.Data)
	}
	why, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, s.unanswered(err)
	}
	return nil, errors.New(string(why))
}

func (s Stores) unanswered(err error) error {
	return fmt.Errorf("the server on %s did not answer to the end, so the command may have been done: %w", s.Data, err)
}

// commandHandler runs a command whose options are JSON.
type commandHandler func(ctx context.Context, a *administration, options []byte) (any, error)

func commandTable() map[string]commandHandler {
	table := make(map[string]commandHandler)
	addCommand[CreateAccount](table)
	addCommand[ListAccounts](table)
	addCommand[DisableAccount](table)
	addCommand[DeleteAccount](table)
	addCommand[AddAlias](table)
	addCommand[RemoveAlias](table)
	addCommand[SetPrimaryAlias](table)
	addCommand[VerifyAlias](table)
	addCommand[CreateKey](table)
	addCommand[ListKeys](table)
	addCommand[DisableKey](table)
	addCommand[SetKeyPolicy](table)
	addCommand[DeleteKey](table)
	addCommand[RotateKey](table)
	addCommand[ListTokenKeys](table)
	addCommand[RotateTokenKey](table)
	addCommand[AddWebhook](table)
	addCommand[ListWebhooks](table)
	addCommand[RemoveWebhook](table)
	addCommand[TestWebhook](table)
	addCommand[SetLogLevel](table)
	addCommand[ReadOnly](table)
	return table
}

func addCommand[C Command[Out], Out any](table map[string]commandHandler) {
	table[reflect.TypeFor[C]().Name()] = func(ctx context.Context, a *administration, options []byte) (any, error) {
		c, err := parseOptions[C](options)
		if err != nil {
			return nil, err
		}
		return carryOut(c)(ctx, a)
	}
}

// carryOut has a command run and accounted for.
func carryOut[Out any](c Command[Out]) func(context.Context, *administration) (Out, error) {
	return func(ctx context.Context, a *administration) (Out, error) {
		out, err := c.run(ctx, a)
		a.auditor.command(ctx, c, out, err)
		return out, err
	}
}

// commandName is what the socket knows a command by.
func commandName(command any) string { return reflect.TypeOf(command).Name() }

func parseOptions[C any](options []byte) (c C, err error) {
	decoder := json.NewDecoder(bytes.NewReader(options))
	decoder.DisallowUnknownFields() // an option that is overlooked could be the one that matters
	if err := decoder.Decode(&c); err != nil {
		return c, fmt.Errorf("the server runs another version of openecr and does not understand this command: %w", err)
	}
	return c, nil
}

// newCommandHandler answers commands that come through the socket. Whatever they change, changed is called before the
// answer goes out, so that it holds from then on.
func newCommandHandler(a *administration, changed func(context.Context)) http.Handler {
	table, tasks := commandTable(), taskTable()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.URL.Path[1:]
		if work, ok := tasks[name]; ok && r.Method == http.MethodPost {
			observe(r, name, registry.Caller{}, serveTask(w, r, a, work))
			return
		}
		run, ok := table[name]
		if !ok || r.Method != http.MethodPost {
			http.NotFound(w, r)
			return
		}
		options, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCommand))
		var out any
		if err == nil {
			out, err = run(r.Context(), a, options)
		}
		changed(r.Context())
		observe(r, name, registry.Caller{}, err)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, err.Error()) // whoever may open the socket may read everything
			return
		}
		_ = json.NewEncoder(w).Encode(out)
	})
}

const maxCommand = 1 << 20
