package app

import (
	"github.com/openecr/openecr/internal/registry"
)

// Access is how open the registry is beyond what permissions say.
type Access struct {
	Private                 bool   `help:"Let nobody pull without signing in." env:"OPENECR_PRIVATE"`
	CreateOnPush            bool   `help:"Let the first push of an account to its own registry make the repository." env:"OPENECR_CREATE_ON_PUSH"`
	CreateOnPushDescription string `help:"Description that such a repository begins with." env:"OPENECR_CREATE_ON_PUSH_DESCRIPTION" placeholder:"TEXT"`
}

// catalogOfPushed is what a repository begins with that a push makes, nil when pushes make none.
func (a Access) catalogOfPushed() *registry.Catalog {
	if !a.CreateOnPush {
		return nil
	}
	var c registry.Catalog
	if a.CreateOnPushDescription != "" {
		c.Description = &a.CreateOnPushDescription
	}
	return &c
}
