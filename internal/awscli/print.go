package awscli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/openecr/openecr/internal/awscli/document"
	"github.com/openecr/openecr/internal/awscli/output"
)

// format is that of the results: the option, AWS_DEFAULT_OUTPUT, the profile's, or JSON.
func (s *session) format() (string, error) {
	format := s.globals.output
	fromEnv, set := os.LookupEnv("AWS_DEFAULT_OUTPUT")
	switch {
	case format != "":
	case set:
		format = fromEnv
	default:
		format = cmp.Or(s.settings["output"], "json")
	}
	if !output.Known(format) {
		return "", fmt.Errorf("Unknown output type: %s", format) //nolint:staticcheck // the AWS CLI's text
	}
	return format, nil
}

// print prints an answer that is not paged.
func (s *session) print(ctx context.Context, c *command, answer *document.Object) error {
	format, err := s.format()
	if err != nil {
		return err
	}
	picked, err := s.pick(answer)
	if o, ok := picked.(*document.Object); err != nil || ok && o.Len() == 0 {
		return err // an operation without a result prints nothing
	}
	return s.paged(ctx, c, format, func(write func(any) error) error { return write(picked) })
}

// printPages prints the pages of an operation: text and yaml-stream one by one, every other format all in one.
func (s *session) printPages(ctx context.Context, c *command, it *pageIterator) error {
	format, err := s.format()
	if err != nil {
		return err
	}
	return s.paged(ctx, c, format, func(write func(any) error) error {
		show := func(page *document.Object) error {
			picked, err := s.pick(page)
			if err != nil {
				return err
			}
			return write(picked)
		}
		switch format {
		case "yaml-stream":
			return it.each(show)
		case "text":
			return it.eachResult(show)
		}
		all, err := it.joined()
		if err != nil {
			return err
		}
		return show(all)
	})
}

// pick applies --query.
func (s *session) pick(v any) (any, error) {
	if s.query == nil {
		return v, nil
	}
	return s.query.Search(v)
}

// paged gives print a function that writes a value in the format: to a pager if standard output is a terminal, else to
// standard output. That nobody reads on is no error.
func (s *session) paged(ctx context.Context, c *command, format string, print func(write func(any) error) error) error {
	table := output.Table{Title: c.op.Name, Width: s.width(), Color: s.color == "on" || s.color == "auto" && isTerminal(s.Stdout)}
	pager := s.newPager(ctx)
	err := print(func(v any) error {
		w, err := pager.writer()
		if err != nil {
			return err
		}
		return output.Write(w, format, table, v)
	})
	err = errors.Join(err, pager.close())
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) {
		return nil
	}
	return err
}

// width is that of the terminal, or 80 where there is none.
func (s *session) width() int {
	f, ok := s.Stdout.(*os.File)
	if !ok {
		return 80
	}
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 80
	}
	return int(size.Col)
}

// A pager is a program that shows long output. It is started when there is something to show.
type pager struct {
	command []string // empty: write to out
	ctx     context.Context
	out     io.Writer
	cmd     *exec.Cmd
	pipe    io.WriteCloser
}

func (s *session) newPager(ctx context.Context) *pager {
	p := &pager{ctx: ctx, out: s.Stdout}
	if s.globals.pager && isTerminal(s.Stdout) {
		p.command = splitWords(s.pagerCommand())
	}
	return p
}

// pagerCommand is the first that is set; one that is set to nothing turns paging off.
func (s *session) pagerCommand() string {
	if command, ok := os.LookupEnv("AWS_PAGER"); ok {
		return command
	}
	if command, ok := s.settings["cli_pager"]; ok {
		return command
	}
	if command, ok := os.LookupEnv("PAGER"); ok {
		return command
	}
	return "less"
}

func (p *pager) writer() (io.Writer, error) {
	if len(p.command) == 0 {
		return p.out, nil
	}
	if p.cmd != nil {
		return p.pipe, nil
	}
	cmd := exec.CommandContext(p.ctx, p.command[0], p.command[1:]...)
	cmd.Stdout, cmd.Stderr, cmd.Env = p.out, os.Stderr, os.Environ()
	if _, ok := os.LookupEnv("LESS"); !ok {
		cmd.Env = append(cmd.Env, "LESS=FRX")
	}
	pipe, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, failf(exitConfiguration, "Unable to redirect output to pager. Received the following error when opening pager:\n%w\n\n"+
			"Set AWS_PAGER to another program, or to nothing for none.", err)
	}
	p.cmd, p.pipe = cmd, pipe
	return pipe, nil
}

// close waits until the user has left the pager.
func (p *pager) close() error {
	if p.cmd == nil {
		return nil
	}
	_ = p.pipe.Close()
	_ = p.cmd.Wait() // how the pager ends is its own affair
	return nil
}
