package registry

import "errors"

// ErrUnsettled is an Update of which nobody knows whether it was made: the store went away while it committed.
var ErrUnsettled = errors.New("the update may have been made or not")

// maxSettling bounds how often an update is made again. A store that is away has Update wait for it already.
const maxSettling = 3

// settle makes an update again that is unsettled, so that a push outlives the restart of a store: clients retry what a
// broken connection cost them, but many give up at an answer that says failure. It is for updates that can be told to
// have been made before: again says that they may have.
func settle(update func(again bool) error) error {
	err := update(false)
	for range maxSettling {
		if !errors.Is(err, ErrUnsettled) {
			break
		}
		err = update(true)
	}
	return err
}
