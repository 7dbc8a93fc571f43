//go:build e2e

package e2e

import "testing"

// newBoto3 runs a script of testdata with Debian's boto3. The script's first argument is the endpoint: this boto3 is
// older than the variable that names one.
func newBoto3(t *testing.T, s *server, script string) tool {
	t.Helper()
	return newTool(t, "/usr/bin/python3", "testdata/"+script, s.url).with(s.environment(t)...)
}
