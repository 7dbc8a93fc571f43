package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/openecr/openecr/internal/app"
)

type accountCommand struct {
	Create  accountCreate  `cmd:"" help:"Make an account with a registry of its own."`
	List    accountList    `cmd:"" help:"Show all accounts with their aliases."`
	Disable accountDisable `cmd:"" help:"Stop all keys of an account. What it has pushed can still be pulled."`
	Enable  accountEnable  `cmd:"" help:"Let the keys of an account sign again."`
	Delete  accountDelete  `cmd:"" help:"Remove an account that has no repositories, with its aliases and keys."`
}

type accountCreate struct {
	target            `embed:""`
	app.CreateAccount `embed:""`
}

func (c *accountCreate) Run() error { return administer(c.target, c.CreateAccount, printAccount) }

type accountList struct {
	target `embed:""`
}

func (c *accountList) Run() error { return administer(c.target, app.ListAccounts{}, printAccounts) }

type accountDisable struct {
	target             `embed:""`
	app.DisableAccount `embed:""`
}

func (c *accountDisable) Run() error { return administer(c.target, c.DisableAccount, printAccount) }

type accountEnable struct {
	target             `embed:""`
	app.DisableAccount `embed:""`
}

func (c *accountEnable) Run() error {
	c.Enable = true
	return administer(c.target, c.DisableAccount, printAccount)
}

type accountDelete struct {
	target            `embed:""`
	app.DeleteAccount `embed:""`
}

func (c *accountDelete) Run() error { return administer(c.target, c.DeleteAccount, printNothing) }

func printAccount(w io.Writer, a app.AccountInfo) { printAccounts(w, []app.AccountInfo{a}) }

// printAccounts marks the primary alias with a star.
func printAccounts(w io.Writer, accounts []app.AccountInfo) {
	fmt.Fprintln(w, "ACCOUNT\tSTATUS\tVERIFIED\tALIASES\tCREATED")
	for _, a := range accounts {
		names := make([]string, len(a.Aliases))
		for i, alias := range a.Aliases {
			names[i] = alias.Name
			if alias.Primary {
				names[i] += "*"
			}
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", a.ID, status(a.Disabled), yesNo(a.Verified), strings.Join(names, " "), date(a.CreatedAt))
	}
}
