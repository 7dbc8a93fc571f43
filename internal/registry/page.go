package registry

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// Page asks for a part of a list: at most Size entries (at least 1) from where Token points, from the start when it is
// empty.
type Page struct {
	Token string
	Size  int
}

// NextPage is the token of the page that follows, empty after the last.
type NextPage = string

const pageMACBytes = 16

// pageScope is what a token is bound to: it opens only for the same account, operation and list.
func pageScope(c Caller, action, list string) string {
	return strings.Join([]string{string(c.Account), action, list}, "\x00")
}

// sealPage makes a token that says where the next page begins. Tokens hold a key, not a count, so that what exists
// throughout a listing is seen exactly once however the list changes. They are authenticated: a client cannot make one
// up, nor carry one to another list.
func (r *Registry) sealPage(scope, after string) NextPage {
	return base64.RawURLEncoding.EncodeToString(append(r.pageMAC(scope, after), after...))
}

// openPage is where the page begins.
func (r *Registry) openPage(scope string, page Page) (after string, err error) {
	if page.Token == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(page.Token)
	if err != nil || len(raw) < pageMACBytes {
		return "", invalid("nextToken", "Invalid token")
	}
	after = string(raw[pageMACBytes:])
	if !hmac.Equal(raw[:pageMACBytes], r.pageMAC(scope, after)) {
		return "", invalid("nextToken", "Invalid token")
	}
	return after, nil
}

func (r *Registry) pageMAC(scope, after string) []byte {
	mac := hmac.New(sha256.New, r.pageKey)
	mac.Write([]byte(scope + "\x00\x00" + after))
	return mac.Sum(nil)[:pageMACBytes]
}
