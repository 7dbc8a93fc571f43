package blobfs

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// Check says whether the directory is still there: a mount can go. It looks at the first and the last folder, and reads and
// writes nothing.
func (s *Store) Check(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, i := range []int{0, lastFolder} {
		info, err := os.Stat(filepath.Join(s.dir, folder(i)))
		if err != nil {
			return fmt.Errorf("blob directory: %w", err)
		}
		if !info.IsDir() {
			return fmt.Errorf("blob directory: %s is no folder", filepath.Join(s.dir, folder(i)))
		}
	}
	return nil
}
