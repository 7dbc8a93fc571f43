package registry

import "strings"

// Change is something that a request has changed, or would have, in the words of the API whatever wire it came on; or a
// request that was refused because its sender is not known or may not do it. Wires tell it to whoever keeps account.
//
// Request and Answer become JSON there. They hold names, digests, tags and sizes; never a secret, a manifest or the bytes
// of a layer.
type Change struct {
	Action     string // the operation of the API, "PutImage", or a name of ours where the API has none
	Repository Path   // what it is about, as the caller named it; without Name the whole registry
	Request    any    // nil when it is not known
	Answer     any    // nil when there is nothing to say
	Err        error  // why it was refused or failed
}

// ReadsOnly says whether an action changes nothing. The words that names of actions begin with tell: there is no list of
// actions to keep.
func ReadsOnly(action string) bool {
	for _, word := range []string{"BatchCheck", "BatchGet", "Describe", "Get", "List", "Ping"} {
		if strings.HasPrefix(action, word) {
			return true
		}
	}
	return false
}
