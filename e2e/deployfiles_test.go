//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	chart = "../deploy/helm/openecr"
	// kubernetesVersion is for charts: helm that was built from source thinks of an old one.
	kubernetesVersion = "1.34.0"
)

// Every object that the chart renders is one that the API server would take, without a field that it does not know.
func TestChart(t *testing.T) {
	for values, want := range map[string][]string{
		"fleet":            {"Deployment", "PodDisruptionBudget", "Secret", "Service", "ServiceAccount"},
		"fleet-everything": {"Deployment", "HorizontalPodAutoscaler", "Ingress", "NetworkPolicy", "PodDisruptionBudget", "Service", "Service", "ServiceAccount", "ServiceMonitor"},
		"single":           {"Secret", "Service", "ServiceAccount", "StatefulSet"},
		"single-existing":  {"NetworkPolicy", "Service", "Service", "ServiceMonitor", "StatefulSet"},
	} {
		t.Run(values, func(t *testing.T) {
			helm := newClient(t, "helm")
			file := "testdata/helm/" + values + ".yaml"
			helm.run(t, "lint", "--strict", chart, "--values", file)
			rendered := helm.run(t, "template", "name", chart, "--kube-version", kubernetesVersion, "--values", file)
			var kinds []string
			for line := range strings.Lines(newClient(t, "manifests").runWithInput(t, rendered, "kubernetes")) {
				kind, _, _ := strings.Cut(line, " ")
				kinds = append(kinds, kind)
			}
			slices.Sort(kinds)
			if diff := cmp.Diff(want, kinds); diff != "" {
				t.Errorf("rendered kinds (-want +got):\n%s", diff)
			}
		})
	}
}

func TestManifestsAreJudgedStrictly(t *testing.T) {
	const service = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 80, tagetPort: http}]}\n"
	r := newClient(t, "manifests").try(t, service, "kubernetes")
	if r.err == nil || !strings.Contains(r.stderr, "tagetPort") {
		t.Errorf("a misspelled field passes: %v %s", r.err, r.stderr)
	}
}

func TestChartRefusesMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		values, set, want string
	}{
		"nothing is set":               {"", "", "publicURL is empty"},
		"an address with a path":       {"fleet", "publicURL=https://example.com/registry", "publicURL"},
		"a misspelled value":           {"fleet", "replicaCount=3", "replicaCount"},
		"a misspelled variable":        {"fleet", "env.openecr_private=true", "openecr_private"},
		"a fleet without a database":   {"fleet", "secret.env.OPENECR_METADATA=", "a fleet needs PostgreSQL"},
		"a fleet without S3":           {"fleet", "blobs=", "a fleet needs S3"},
		"no master key":                {"single", "secret.env.OPENECR_MASTER_KEY=", "there is no master key"},
		"two secrets":                  {"single", "secret.existing=mine", "give one of them"},
		"a single node with S3":        {"single", "blobs=s3://bucket", "blobs is for mode fleet"},
		"a single node that scales":    {"single", "autoscaling.enabled=true", "autoscaling is for mode fleet"},
		"an ingress without its host":  {"fleet", "ingress.enabled=true", "host"},
		"a mode that there is not":     {"fleet", "mode=cluster", "mode"},
		"folders in place of a bucket": {"fleet", "blobs=file:/data/blobs", "blobs"},
	} {
		t.Run(name, func(t *testing.T) {
			arguments := []string{"template", "name", chart, "--kube-version", kubernetesVersion}
			if c.values != "" {
				arguments = append(arguments, "--values", "testdata/helm/"+c.values+".yaml")
			}
			if c.set != "" {
				arguments = append(arguments, "--set", c.set)
			}
			if said := newClient(t, "helm").fails(t, arguments...); !strings.Contains(said, c.want) {
				t.Errorf("helm says %q, want it to say %q", said, c.want)
			}
		})
	}
}

// composed is what a compose file comes to, as far as it is looked at here.
type composed struct {
	Services map[string]struct {
		Image       string            `json:"image"`
		Environment map[string]string `json:"environment"`
		ReadOnly    bool              `json:"read_only"`
		CapDrop     []string          `json:"cap_drop"`
	} `json:"services"`
}

// readCompose loads a compose file with the environment of the example, filled in.
func readCompose(t *testing.T, name string) composed {
	t.Helper()
	env := filepath.Join(t.TempDir(), "env")
	must(t, os.WriteFile(env, []byte(strings.ReplaceAll(readFile(t, "../deploy/compose/env.example"), "=\n", "=x\n")), 0o600))
	var project composed
	must(t, json.Unmarshal([]byte(newClient(t, "manifests").run(t, "compose", "../deploy/compose/"+name, env)), &project))
	return project
}

func TestComposeFiles(t *testing.T) {
	for name, nodes := range map[string][]string{"single.yaml": {"openecr"}, "fleet.yaml": {"node1", "node2", "node3"}} {
		project := readCompose(t, name)
		for _, node := range nodes {
			service, ok := project.Services[node]
			if !ok || service.Image != "openecr:latest" || !service.ReadOnly || !slices.Equal(service.CapDrop, []string{"ALL"}) {
				t.Errorf("%s: service %s is %+v, want the image of openecr on a read-only root without capabilities", name, node, service)
			}
		}
	}
}

// The unit is one that systemd understands, and keeps openecr away from all that it does not need.
func TestSystemdUnit(t *testing.T) {
	unit := filepath.Join(t.TempDir(), "openecr.service")
	text := replaceAll(t, readFile(t, "../deploy/systemd/openecr.service"), "/usr/local/bin/openecr serve", openecr+" serve")
	must(t, os.WriteFile(unit, []byte(text), 0o644))
	analyze := newTool(t, "systemd-analyze")
	if r := analyze.try(t, "", "verify", "--man=no", unit); r.err != nil || r.stderr != "" {
		t.Errorf("systemd-analyze verify: %v\n%s", r.err, r.stderr)
	}
	const exposure = "15" // of 100; what is left is mostly the network
	if r := analyze.try(t, "", "security", "--offline=yes", "--threshold="+exposure, unit); r.err != nil {
		t.Errorf("systemd-analyze security: %v\n%s%s", r.err, r.stdout, r.stderr)
	}
}
