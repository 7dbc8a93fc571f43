package ociapi

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/openecr/openecr/internal/registry"
)

// Scopes are what a bearer token is good for at most, in docker's words: "repository:a1b2c3d4/hello:pull,push". Nil is a
// token without limits of its own; an empty list is good for nothing. What its caller may do is decided anew at every
// request all the same, so that a change holds at once.
type Scopes []string

// allScope is what the real service asks for everywhere. It limits nothing.
const allScope = "aws"

// maxScopes keeps a token short enough for a header. Clients ask for one and, to mount, for each source.
const maxScopes = 16

// Actions of a scope (distribution project, "auth/scope").
const (
	actionPull   = "pull"
	actionPush   = "push"
	actionDelete = "delete"
)

// permissions are those of which an action needs one at least. Pulls need none.
func permissions(action string) []string {
	switch action {
	case actionPush:
		return []string{"InitiateLayerUpload", "PutImage"}
	case actionDelete:
		return []string{"BatchDeleteImage"}
	default:
		return nil
	}
}

// action is what a token must be good for to make the request.
func (q Request) action() string {
	switch {
	case q.Kind == BlobDelete || q.Kind == ManifestDelete:
		return actionDelete
	case q.Kind.pushes():
		return actionPush
	default:
		return actionPull
	}
}

// allow says whether the token is good for the action on the repository.
func (s Scopes) allow(p registry.Path, action string) bool {
	return s == nil || slices.ContainsFunc(s, func(scope string) bool {
		granted, actions, ok := parseScope(scope)
		if !ok || granted != p {
			return false
		}
		for granted := range strings.SplitSeq(actions, ",") {
			if granted == action {
				return true
			}
		}
		return false
	})
}

// Narrow leaves of the scopes that a client asks for what the caller may do. Whoever asks for none, or for everything as
// at the real service, gets a token without limits. Scopes of other things than repositories are good for nothing.
func Narrow(ctx context.Context, reg *registry.Registry, c registry.Caller, asked []string) (Scopes, error) {
	if len(asked) == 0 || slices.Contains(asked, allScope) {
		return nil, nil
	}
	if len(asked) > maxScopes {
		return nil, refusef(http.StatusBadRequest, codeUnsupported, "%d scopes are too many: ask for at most %d with one token.", len(asked), maxScopes)
	}
	narrowed := Scopes{}
	for _, scope := range asked {
		p, actions, ok := parseScope(scope)
		if !ok {
			continue
		}
		var granted []string
		for _, action := range meant(strings.Split(actions, ",")) {
			err := authorize(ctx, reg, c, p, action)
			if err == nil {
				granted = append(granted, action)
			} else if denial(err) == nil {
				return nil, err
			}
		}
		if len(granted) > 0 {
			narrowed = append(narrowed, repositoryScope(p, granted...))
		}
	}
	return narrowed, nil
}

// authorize is an error of kind AccessDenied when the caller may not do it. What is not there may be asked for: the
// request that follows is told that it is missing, instead of being sent for another token.
func authorize(ctx context.Context, reg *registry.Registry, c registry.Caller, p registry.Path, action string) error {
	needed := permissions(action)
	if c.Anonymous() && len(needed) > 0 {
		return &registry.Error{Kind: registry.AccessDenied, Message: "Nobody may " + action + " without signing in."}
	}
	var denied error
	for _, permission := range needed {
		err := reg.Authorize(ctx, c, permission, p)
		kind := registry.KindOf(err)
		switch {
		case err == nil || kind == registry.RegistryNotFound || kind == registry.RepositoryNotFound:
			return nil
		case kind != registry.AccessDenied:
			return err
		}
		denied = err
	}
	return denied
}

// checkScopes refuses what the token is not good for. A caller who could not get a better one hears why instead.
func (s *Server) checkScopes(r *http.Request, q Request, c registry.Caller, scopes Scopes) error {
	if q.Kind == Ping || scopes.allow(q.Repository(), q.action()) {
		return nil
	}
	if err := authorize(r.Context(), s.Registry, c, q.Repository(), q.action()); err != nil {
		if q.action() == actionPush {
			s.Registry.NoteRefusedPush(c, q.Repository(), err)
		}
		return err
	}
	return s.unauthorized(r, q, "The bearer token is not good for this: get one with the scope that the Www-Authenticate header names.", challengeInsufficient)
}

func repositoryScope(p registry.Path, actions ...string) string {
	return "repository:" + p.Registry + "/" + string(p.Name) + ":" + strings.Join(actions, ",")
}

// parseScope reads a scope of a repository. Actions have commas between them.
func parseScope(s string) (p registry.Path, actions string, ok bool) {
	rest, ok := strings.CutPrefix(s, "repository:")
	if !ok {
		return registry.Path{}, "", false
	}
	i := strings.LastIndexByte(rest, ':')
	var q Request
	if i < 0 || q.readName(rest[:i]) != nil {
		return registry.Path{}, "", false
	}
	return q.Repository(), rest[i+1:], true
}

// meant are the actions that a client wants. Before a delete some clients ask for push, others for "delete" or "*".
func meant(asked []string) []string {
	var actions []string
	for action, words := range map[string][]string{
		actionPull: {actionPull, "*"}, actionPush: {actionPush, "*"}, actionDelete: {actionDelete, actionPush, "*"},
	} {
		if slices.ContainsFunc(words, func(word string) bool { return slices.Contains(asked, word) }) {
			actions = append(actions, action)
		}
	}
	slices.Sort(actions)
	return actions
}
