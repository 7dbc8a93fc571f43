package main

import "github.com/openecr/openecr/internal/app"

type aliasCommand struct {
	Add     aliasAdd     `cmd:"" help:"Give the registry of an account one more name."`
	Remove  aliasRemove  `cmd:"" help:"Take a name from its registry."`
	Primary aliasPrimary `cmd:"" help:"Make an alias the one that repository URIs show."`
	Verify  aliasVerify  `cmd:"" help:"Mark the registry behind an alias as that of a verified publisher."`
}

type aliasAdd struct {
	target       `embed:""`
	app.AddAlias `embed:""`
}

func (c *aliasAdd) Run() error { return administer(c.target, c.AddAlias, printAccount) }

type aliasRemove struct {
	target          `embed:""`
	app.RemoveAlias `embed:""`
}

func (c *aliasRemove) Run() error { return administer(c.target, c.RemoveAlias, printAccount) }

type aliasPrimary struct {
	target              `embed:""`
	app.SetPrimaryAlias `embed:""`
}

func (c *aliasPrimary) Run() error { return administer(c.target, c.SetPrimaryAlias, printAccount) }

type aliasVerify struct {
	target          `embed:""`
	app.VerifyAlias `embed:""`
}

func (c *aliasVerify) Run() error { return administer(c.target, c.VerifyAlias, printAccount) }
