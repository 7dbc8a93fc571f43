package bench

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkCommandLine is the whole process of one batch-check-layer-availability, in turn by openecr and by the AWS CLI
// v2, against the same server. Its figures are medians of nothing: compare cpu-ms/op of the two.
func BenchmarkCommandLine(b *testing.B) {
	const reference = "/usr/bin/aws"
	if _, err := os.Stat(reference); err != nil {
		b.Fatalf("%s is not installed: make tools installs it", reference)
	}
	binary := filepath.Join(b.TempDir(), "openecr")
	build := exec.Command("go", "build", "-o", binary, "../cmd/openecr")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	url := start(b)
	arguments := []string{"ecr-public", "batch-check-layer-availability", "--endpoint-url", url,
		"--repository-name", string(repository(0)), "--layer-digests", layer(0, 0).String(), layer(0, layersEach).String()}
	for _, tool := range []struct{ name, path string }{{"openecr", binary}, {"aws", reference}} {
		b.Run(tool.name, func(b *testing.B) {
			var cpu time.Duration
			for b.Loop() {
				c := exec.Command(tool.path, arguments...)
				c.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+key.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+key.SecretAccessKey, "AWS_REGION=us-east-1")
				if out, err := c.CombinedOutput(); err != nil {
					b.Fatalf("%v: %s", err, out)
				}
				cpu += c.ProcessState.UserTime() + c.ProcessState.SystemTime()
			}
			b.ReportMetric(float64(cpu.Microseconds())/1000/float64(b.N), "cpu-ms/op")
		})
	}
}

// start serves a filled store on loopback until the benchmark ends, and returns its URL.
func start(b *testing.B) string {
	b.Helper()
	a := openApp(b)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- a.Run(ctx) }()
	b.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	})
	return a.Info().URL
}
