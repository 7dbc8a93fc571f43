package main

import (
	"fmt"
	"io"

	"github.com/openecr/openecr/internal/app"
)

type tokenKeyCommand struct {
	List   tokenKeyList   `cmd:"" help:"Show since when keys sign and until when they verify; their secrets are never shown."`
	Rotate tokenKeyRotate `cmd:"" help:"Make a key that signs from now on; a server also does it by itself, see --token-key-age."`
}

type tokenKeyList struct {
	target            `embed:""`
	app.ListTokenKeys `embed:""`
}

func (c *tokenKeyList) Run() error { return administer(c.target, c.ListTokenKeys, printTokenKeys) }

type tokenKeyRotate struct {
	target             `embed:""`
	app.RotateTokenKey `embed:""`
}

func (c *tokenKeyRotate) Run() error { return administer(c.target, c.RotateTokenKey, printTokenKeys) }

func printTokenKeys(w io.Writer, keys []app.TokenKeyInfo) {
	fmt.Fprintln(w, "TOKEN KEY\tSIGNS FROM\tVERIFIES UNTIL")
	for _, k := range keys {
		until := "-"
		if k.Verifies != nil {
			until = date(*k.Verifies)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", k.ID, date(k.Signs), until)
	}
}
