//go:build e2e

package e2e

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The tour of the README works as it is pasted, against a server that has started.
func TestReadmeTour(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	must(t, err)
	_, tour, _ := strings.Cut(string(readme), "## Two minutes with openecr")
	tour, _, _ = strings.Cut(tour, "\n## ")
	var script strings.Builder
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(tour, -1) {
		if block[1] != "make serve\n" {
			script.WriteString(block[1])
		}
	}

	s := startServer(t)
	engine := startDocker(t)
	// The engine of the test in place of the machine's, and what the README says about an older aws.
	const machine = `set -eu -o pipefail
cd ..
docker() { command $DOCKER "$@"; }
aws() { command /usr/bin/aws --endpoint-url "$AWS_ENDPOINT_URL_ECR_PUBLIC" "$@"; }
`
	bash := newTool(t, "bash", "-c", machine+script.String()).
		with("DOCKER="+strings.Join(engine.argv, " "), "OPENECR_DATA="+s.data)
	said := bash.run(t)
	for _, want := range []string{"Login Succeeded", "Layer already exists", `"imageTag": "1"`, `"AVAILABLE"`, `"UNAVAILABLE"`, "Image is up to date"} {
		if !strings.Contains(said, want) {
			t.Errorf("the tour did not print %q; it printed:\n%s", want, said)
		}
	}
}
