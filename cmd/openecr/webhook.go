package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/openecr/openecr/internal/app"
)

type webhookCommand struct {
	Add    webhookAdd    `cmd:"" help:"Have events sent to an address; prints the secret that they are signed with, once."`
	List   webhookList   `cmd:"" help:"List webhooks."`
	Remove webhookRemove `cmd:"" help:"Send no events to an address any more."`
	Test   webhookTest   `cmd:"" help:"Send an event now, and tell whether it arrived."`
}

type webhookAdd struct {
	target         `embed:""`
	app.AddWebhook `embed:""`
}

func (c *webhookAdd) Run() error {
	return administer(c.target, c.AddWebhook, func(w io.Writer, h app.WebhookInfo) {
		fmt.Fprintf(w, "webhook\t%s\nsecret\t%s\n", h.ID, h.Secret)
	})
}

type webhookList struct {
	target           `embed:""`
	app.ListWebhooks `embed:""`
}

func (c *webhookList) Run() error {
	return administer(c.target, c.ListWebhooks, func(w io.Writer, hooks []app.WebhookInfo) {
		fmt.Fprintln(w, "WEBHOOK\tACCOUNT\tEVENTS\tCREATED\tURL")
		for _, h := range hooks {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", h.ID, cmp.Or(h.Account, "all"), cmp.Or(strings.Join(h.Events, ","), "all"), date(h.CreatedAt), h.URL)
		}
	})
}

type webhookRemove struct {
	target            `embed:""`
	app.RemoveWebhook `embed:""`
}

func (c *webhookRemove) Run() error { return administer(c.target, c.RemoveWebhook, printNothing) }

type webhookTest struct {
	target          `embed:""`
	app.TestWebhook `embed:""`
}

func (c *webhookTest) Run() error {
	return administer(c.target, c.TestWebhook, func(w io.Writer, t app.WebhookTested) { fmt.Fprintf(w, "event %s has arrived\n", t.EventID) })
}
