package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/openecr/openecr/internal/app"
)

type keyCommand struct {
	Create  keyCreate  `cmd:"" help:"Make an access key, for the root user of an account or for one who may do less."`
	List    keyList    `cmd:"" help:"Show access keys; secrets are never shown again."`
	Disable keyDisable `cmd:"" help:"Stop a key."`
	Enable  keyEnable  `cmd:"" help:"Let a key sign again."`
	Policy  keyPolicy  `cmd:"" help:"Replace what the holder of a key may do."`
	Delete  keyDelete  `cmd:"" help:"Remove a key for good."`
	Rotate  keyRotate  `cmd:"" help:"Make a new key in the place of another, which is disabled."`
}

type keyCreate struct {
	target        `embed:""`
	app.CreateKey `embed:""`
}

func (c *keyCreate) Run() (err error) {
	if c.CreateKey.Policy, err = readArgument(c.CreateKey.Policy); err != nil {
		return err
	}
	return administer(c.target, c.CreateKey, printNewKey)
}

type keyList struct {
	target       `embed:""`
	app.ListKeys `embed:""`
}

func (c *keyList) Run() error { return administer(c.target, c.ListKeys, printKeys) }

type keyDisable struct {
	target         `embed:""`
	app.DisableKey `embed:""`
}

func (c *keyDisable) Run() error { return administer(c.target, c.DisableKey, printKey) }

type keyEnable struct {
	target         `embed:""`
	app.DisableKey `embed:""`
}

func (c *keyEnable) Run() error {
	c.Enable = true
	return administer(c.target, c.DisableKey, printKey)
}

type keyPolicy struct {
	target           `embed:""`
	app.SetKeyPolicy `embed:""`
}

func (c *keyPolicy) Run() (err error) {
	if c.SetKeyPolicy.Policy, err = readArgument(c.SetKeyPolicy.Policy); err != nil {
		return err
	}
	return administer(c.target, c.SetKeyPolicy, printKey)
}

type keyDelete struct {
	target        `embed:""`
	app.DeleteKey `embed:""`
}

func (c *keyDelete) Run() error { return administer(c.target, c.DeleteKey, printNothing) }

type keyRotate struct {
	target        `embed:""`
	app.RotateKey `embed:""`
}

func (c *keyRotate) Run() error { return administer(c.target, c.RotateKey, printNewKey) }

// readArgument reads a file where the AWS CLI would: file://PATH.
func readArgument(s string) (string, error) {
	path, ok := strings.CutPrefix(s, "file://")
	if !ok {
		return s, nil
	}
	content, err := os.ReadFile(path)
	return string(content), err
}

func printKey(w io.Writer, k app.KeyInfo) { printKeys(w, []app.KeyInfo{k}) }

func printKeys(w io.Writer, keys []app.KeyInfo) {
	fmt.Fprintln(w, "ACCESS KEY\tSTATUS\tHOLDER\tPOLICY\tCREATED")
	for _, k := range keys {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", k.ID, status(k.Disabled), k.ARN, yesNo(len(k.Policy) > 0), date(k.CreatedAt))
	}
}

func printNewKey(w io.Writer, k app.KeyInfo) {
	fmt.Fprintf(w, "access key id\t%s\nsecret access key\t%s\nholder\t%s\n", k.ID, k.Secret, k.ARN)
	fmt.Fprintln(w, "\nKeep the secret: it is not shown again.")
}
