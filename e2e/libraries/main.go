// Program libraries uses a registry as programs do that are written against Go libraries: oras-go, ociregistry's
// ociclient, and estargz, which makes layers. It fails when one of them does not find what it pushed. It is a module of its own, so that the project does
// not depend on them; the end-to-end tests run it.
//
//	libraries HOST REPOSITORY OTHER PASSWORD
//
// REPOSITORY and OTHER exist and are empty.
package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// target is the registry that is used.
type target struct {
	host, repository, other, password string
}

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: libraries HOST REPOSITORY OTHER PASSWORD")
		os.Exit(2)
	}
	t := target{os.Args[1], os.Args[2], os.Args[3], os.Args[4]}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for name, use := range map[string]func(context.Context, target) error{"oras-go": useORAS, "ociclient": useOCIClient, "estargz": useEStargz} {
		if err := use(ctx, t); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
			os.Exit(1)
		}
	}
}
