package app

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
)

// Task is a command that may take hours. While it works it tells what happens, and it ends when nobody listens any more
// or the server stops. Through the socket its answer is one JSON object a line: {"event": …} as often as it tells
// something, then {"answer": …}, with {"error": "…"} in it when it failed.
type Task[Event, Out any] interface {
	work(ctx context.Context, a *administration, tell func(Event)) (Out, error)
}

// Do runs a task as Administer runs a command, for as long as it takes. The answer says how far it got, also beside an
// error.
func Do[Event, Out any](ctx context.Context, s Stores, t Task[Event, Out], tell func(Event)) (Out, error) {
	return thereOrHere(ctx, s,
		func() (Out, error) { return followServer(ctx, s, t, tell) },
		func() (Out, error) {
			return runHere(ctx, s, workOut(t, tell))
		})
}

// workOut is carryOut for a task.
func workOut[Event, Out any](t Task[Event, Out], tell func(Event)) func(context.Context, *administration) (Out, error) {
	return func(ctx context.Context, a *administration) (Out, error) {
		out, err := t.work(ctx, a, tell)
		a.auditor.command(ctx, t, out, err)
		return out, err
	}
}

// message is one line of the answer to a task. An answer is the last one.
type message[Event, Out any] struct {
	Event  *Event `json:"event,omitempty"`
	Answer *Out   `json:"answer,omitempty"`
	Error  string `json:"error,omitempty"`
}

func followServer[Event, Out any](ctx context.Context, s Stores, t Task[Event, Out], tell func(Event)) (out Out, err error) {
	res, err := s.sendCommand(ctx, t)
	if err != nil {
		return out, err
	}
	defer res.Body.Close()
	for lines := json.NewDecoder(res.Body); ; {
		var m message[Event, Out]
		if err := lines.Decode(&m); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return out, s.unanswered(err)
		}
		if m.Event != nil {
			tell(*m.Event)
		}
		if m.Answer == nil {
			continue
		}
		if m.Error != "" {
			err = errors.New(m.Error)
		}
		return *m.Answer, err
	}
}

// taskHandler runs a task whose options are JSON, and sends what it says.
type taskHandler func(ctx context.Context, a *administration, options []byte, send func(message any)) error

func taskTable() map[string]taskHandler {
	table := make(map[string]taskHandler)
	addTask[Collect](table)
	addTask[Verify](table)
	return table
}

func addTask[T Task[Event, Out], Event, Out any](table map[string]taskHandler) {
	table[reflect.TypeFor[T]().Name()] = func(ctx context.Context, a *administration, options []byte, send func(any)) error {
		t, err := parseOptions[T](options)
		var out Out
		if err == nil {
			out, err = workOut(t, func(e Event) { send(message[Event, Out]{Event: &e}) })(ctx, a)
		}
		if cause := context.Cause(ctx); err != nil && errors.Is(cause, errStopping) {
			err = cause
		}
		last := message[Event, Out]{Answer: &out}
		if err != nil {
			last.Error = err.Error() // whoever may open the socket may read everything
		}
		send(last)
		return err
	}
}

var errStopping = errors.New("the server stopped before this was done: run it again")

func serveTask(w http.ResponseWriter, r *http.Request, a *administration, work taskHandler) error {
	options, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCommand))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	go func() {
		select {
		case <-a.ending:
			cancel(errStopping)
		case <-ctx.Done():
		}
	}()
	lines, flusher := json.NewEncoder(w), http.NewResponseController(w)
	return work(ctx, a, options, func(m any) {
		if err := errors.Join(lines.Encode(m), flusher.Flush()); err != nil {
			cancel(err) // nobody listens
		}
	})
}
