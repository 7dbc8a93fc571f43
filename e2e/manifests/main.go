// Command manifests judges deployment files as strictly as those who will read them: Kubernetes manifests against the
// types of its API, compose files against the reference implementation of the Compose specification. It is a module of
// its own, so that what it needs is no dependency of openecr.
//
//	manifests kubernetes < RENDERED
//	manifests compose FILE ENVFILE
//
// It prints what it found, for the tests to look at, and fails at an unknown field or a wrong type.
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "manifests:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 1 && args[0] == "kubernetes":
		return kubernetes(os.Stdin, os.Stdout)
	case len(args) == 3 && args[0] == "compose":
		return compose(args[1], args[2], os.Stdout)
	}
	return fmt.Errorf("usage: manifests kubernetes < RENDERED | manifests compose FILE ENVFILE")
}
