//go:build e2e

package e2e

import (
	"strconv"
	"strings"
	"testing"
)

// TestEveryOperationByBotocoresModel has boto3 break every constraint of the model that AWS publishes, and call every
// operation without permission and without a signature.
func TestEveryOperationByBotocoresModel(t *testing.T) {
	s := startServer(t)
	var denied accessKey
	s.administer(t, &denied, "key", "create", "--user", "nobody", "--policy", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`)
	out := newBoto3(t, s, "constraints.py").run(t, denied.AccessKeyID, denied.SecretAccessKey)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	for _, line := range lines[:len(lines)-1] {
		t.Error(line)
	}
	if count, err := strconv.Atoi(lines[len(lines)-1]); err != nil || count < 150 {
		t.Errorf("%s requests were made, want at least 150", lines[len(lines)-1])
	}
}
