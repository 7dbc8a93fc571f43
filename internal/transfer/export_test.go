package transfer

import (
	"context"
	"time"
)

// TimeForBytes is how long it takes n pieces of a size to pass.
func TimeForBytes(ctx context.Context, perSecond int64, n, size int) time.Duration {
	began := time.Now()
	p := pace{perSecond: perSecond}
	for range n {
		if p.wait(ctx, size) != nil {
			break
		}
	}
	return time.Since(began)
}
