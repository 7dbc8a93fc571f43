package main

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

func allLoads() []load {
	everyone := func(o options) []peer { return append([]peer{openecr(), floor()}, registries(o)...) }
	withNginx := func(o options) []peer { return append([]peer{openecr(), nginx(false)}, registries(o)...) }
	encrypted := func(options) []peer { return []peer{openecrTLS(), nginx(true)} }
	ours := func(options) []peer { return []peer{openecr()} }
	oursAndFloor := func(options) []peer { return []peer{openecr(), floor()} }
	withAWS := func(options) []peer { return []peer{openecr(), floor(), {name: "aws"}} }
	return []load{
		{name: "head", who: everyone, run: head},
		{name: "check", who: oursAndFloor, run: check, needs: "head"},
		{name: "growth", who: ours, run: growth},
		{name: "manifest-tag", who: everyone, run: manifestGet(false)},
		{name: "manifest-digest", who: everyone, run: manifestGet(true)},
		{name: "push-1", who: everyone, run: pushStreams(1, 1<<30)},
		{name: "push-8", who: everyone, run: pushStreams(8, 64<<20)},
		{name: "push-api", who: oursAndFloor, run: pushByAPI},
		{name: "small", who: everyone, run: smallImages},
		{name: "pull-1", who: withNginx, run: pullStreams(1, 1<<30)},
		{name: "pull-32", who: withNginx, run: pullStreams(32, 64<<20)},
		{name: "pull-tls", who: encrypted, run: pullStreams(1, 1<<30)},
		{name: "idle", who: everyone, run: idle},
		{name: "memory-push", who: everyone, run: memoryOfPushes},
		{name: "memory-pull", who: everyone, run: memoryOfPulls},
		{name: "start", who: everyone, run: startEmpty},
		{name: "start-large", who: oursAndFloor, run: startLarge},
		{name: "command", who: withAWS, run: command},
	}
}

// head asks for a layer that is there, on 64 connections, as docker does before it pushes one.
func head(ctx context.Context, o options, p peer, dir string) (sample, error) {
	return with(ctx, o, p, dir, func(t *target) (sample, error) {
		if p.name == "floor" {
			r := request("HEAD", t.addr, "/echo?bytes=0")
			return t.closedLoop(ctx, o, 64, http.StatusOK, func(int, int) []byte { return r })
		}
		l := layerOf(1, 64<<10)
		if err := t.pushOn(l); err != nil {
			return nil, err
		}
		r := request("HEAD", t.addr, base+"/blobs/"+l.digest, t.header)
		return t.closedLoop(ctx, o, 64, http.StatusOK, func(int, int) []byte { return r })
	})
}

func manifestGet(byDigest bool) func(context.Context, options, peer, string) (sample, error) {
	return func(ctx context.Context, o options, p peer, dir string) (sample, error) {
		return with(ctx, o, p, dir, func(t *target) (sample, error) {
			if p.name == "floor" {
				r := request("GET", t.addr, "/echo?bytes=400")
				return t.closedLoop(ctx, o, 64, http.StatusOK, func(int, int) []byte { return r })
			}
			manifest, err := t.pushImageOn(ctx, "latest", small([]byte(`{"os":"linux"}`)), layerOf(1, 64<<10))
			if err != nil {
				return nil, err
			}
			reference := "latest"
			if byDigest {
				reference = digestOf(manifest)
			}
			r := request("GET", t.addr, base+"/manifests/"+reference, t.header, "Accept: "+manifestType)
			return t.closedLoop(ctx, o, 64, http.StatusOK, func(int, int) []byte { return r })
		})
	}
}

// check asks for 100 layers a call, of a registry with a million in a thousand repositories.
func check(ctx context.Context, o options, p peer, dir string) (sample, error) {
	if p.name == "floor" {
		return with(ctx, o, p, dir, func(t *target) (sample, error) {
			body := checkBody(0, 0)
			r := requestWith("POST", t.addr, "/echo?bytes=20600", body, "Content-Type: application/x-amz-json-1.1")
			return t.closedLoop(ctx, o, 64, http.StatusOK, func(int, int) []byte { return r })
		})
	}
	return checkStore(ctx, o, p, storeMillion, 157) // 10,048 calls ask for each of the million layers
}

// growth is the price of the same calls in a small and a large registry.
func growth(ctx context.Context, o options, p peer, _ string) (sample, error) {
	few, err := checkStore(ctx, o, p, storeThousand, 32)
	if err != nil {
		return nil, err
	}
	many, err := checkStore(ctx, o, p, storeLarge(o), 32)
	if err != nil {
		return nil, err
	}
	return sample{"few": few[cpuEach], cpuEach: many[cpuEach]}, nil
}

// checkStore has 64 connections make each so many calls of their own, over and over. Before it measures, every call is made
// once: what the server remembers then is what it remembers after minutes of such work.
func checkStore(ctx context.Context, o options, p peer, s store, each int) (sample, error) {
	dir, err := s.folder(ctx, o)
	if err != nil {
		return nil, err
	}
	return with(ctx, o, p, dir, func(t *target) (sample, error) {
		const connections = 64
		requests := make([][]byte, connections*each)
		for i := range requests {
			r := i % s.repositories
			body := checkBody(r, i/s.repositories%(layersEach/batch)*batch)
			if requests[i], err = t.api.prepare(ctx, "BatchCheckLayerAvailability", body); err != nil {
				return nil, err
			}
		}
		_, err := together(connections, func(k int) error { return t.sendAll(requests[k*each : (k+1)*each]) })
		if err != nil {
			return nil, err
		}
		return t.closedLoop(ctx, o, connections, http.StatusOK, func(k, i int) []byte { return requests[k*each+i%each] })
	})
}

func (t *target) sendAll(requests [][]byte) error {
	c, err := t.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	for _, r := range requests {
		if _, err := c.expect(http.StatusOK, r, false); err != nil {
			return err
		}
	}
	return nil
}

func checkBody(r, first int) []byte {
	digests := make([]string, batch)
	for i := range digests {
		digests[i] = layerDigest(r, first+i).String()
	}
	body, err := json.Marshal(map[string]any{"repositoryName": repositoryName(r), "layerDigests": digests})
	if err != nil {
		panic(err) // strings
	}
	return body
}

// pushStreams pushes distinct layers at once.
func pushStreams(n int, size int64) func(context.Context, options, peer, string) (sample, error) {
	return func(ctx context.Context, o options, p peer, dir string) (sample, error) {
		return with(ctx, o, p, dir, func(t *target) (sample, error) {
			return t.timePushes(n, size, t.pushTo(p))
		})
	}
}

// pushTo is how a layer is pushed to that peer.
func (t *target) pushTo(p peer) func(layer) error {
	if p.name == "floor" {
		return func(l layer) error { return t.putFloor("/blob", l.content, l.size) }
	}
	return t.pushOn
}

func (t *target) timePushes(n int, size int64, push func(layer) error) (sample, error) {
	pushed := make([]layer, n)
	for i := range pushed {
		pushed[i] = layerOf(uint64(i+1), size)
	}
	var elapsed time.Duration
	cpu, err := t.used(func() (err error) {
		elapsed, err = together(n, func(i int) error { return push(pushed[i]) })
		return err
	})
	if err != nil {
		return nil, err
	}
	return moved(int64(n)*size, elapsed, cpu), nil
}

func (t *target) putFloor(path string, content []byte, size int64) error {
	c, err := t.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	a, err := c.stream(fmt.Appendf(nil, "PUT %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n", path, t.addr, size), content, size)
	if err == nil && a.status != http.StatusCreated {
		err = fmt.Errorf("PUT %s: status %d", path, a.status)
	}
	return err
}

// pushByAPI sends parts of 10 MiB. What the client does to make them is done before.
func pushByAPI(ctx context.Context, o options, p peer, dir string) (sample, error) {
	const parts, size = 12, 10 << 20
	part := make([]byte, 0, size)
	for i := range uint64(size >> 20) {
		part = append(part, block(i)...)
	}
	encoded := base64.StdEncoding.EncodeToString(part)
	return with(ctx, o, p, dir, func(t *target) (sample, error) {
		if p.name == "floor" {
			return t.timeOf(parts*size, func() error {
				for range parts {
					if err := t.putFloor("/part", []byte(encoded), int64(len(encoded))); err != nil {
						return err
					}
				}
				return nil
			})
		}
		requests, err := t.prepareParts(ctx, encoded, parts, size)
		if err != nil {
			return nil, err
		}
		c, err := t.dial()
		if err != nil {
			return nil, err
		}
		defer c.Close()
		return t.timeOf(parts*size, func() error {
			for _, r := range requests {
				if _, err := c.expect(http.StatusOK, r, true); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func (t *target) timeOf(size int64, fn func() error) (sample, error) {
	var elapsed time.Duration
	cpu, err := t.used(func() error {
		began := time.Now()
		defer func() { elapsed = time.Since(began) }()
		return fn()
	})
	if err != nil {
		return nil, err
	}
	return moved(size, elapsed, cpu), nil
}

func (t *target) prepareParts(ctx context.Context, encoded string, parts, size int) ([][]byte, error) {
	var begun struct{ UploadID string }
	var created any
	if err := t.api.call(ctx, "CreateRepository", map[string]string{"repositoryName": repository}, &created); err != nil {
		return nil, err
	}
	if err := t.api.call(ctx, "InitiateLayerUpload", map[string]string{"repositoryName": repository}, &begun); err != nil {
		return nil, err
	}
	var requests [][]byte
	for i := range parts {
		body := fmt.Appendf(nil, `{"repositoryName":%q,"uploadId":%q,"partFirstByte":%d,"partLastByte":%d,"layerPartBlob":"%s"}`,
			repository, begun.UploadID, i*size, (i+1)*size-1, encoded)
		r, err := t.api.prepare(ctx, "UploadLayerPart", body)
		if err != nil {
			return nil, err
		}
		requests = append(requests, r)
	}
	return requests, nil
}

// smallImages has 32 clients push images of three layers of 4 KiB, no two bytes the same.
func smallImages(ctx context.Context, o options, p peer, dir string) (sample, error) {
	return with(ctx, o, p, dir, func(t *target) (sample, error) {
		const clients = 32
		counts := make([]int, clients)
		var elapsed time.Duration
		cpu, err := t.used(func() (err error) {
			until := time.Now().Add(o.seconds)
			elapsed, err = together(clients, func(k int) error {
				c, err := t.dial()
				if err != nil {
					return err
				}
				defer c.Close()
				for ; time.Now().Before(until) && ctx.Err() == nil; counts[k]++ {
					if err := t.pushSmall(p, c, k, counts[k]); err != nil {
						return err
					}
				}
				return nil
			})
			return err
		})
		if err != nil {
			return nil, err
		}
		var images int
		for _, n := range counts {
			images += n
		}
		return sample{rate: float64(images) / elapsed.Seconds(), cpuEach: float64(cpu.Microseconds()) / float64(images)}, nil
	})
}

// pushSmall pushes to the floor the same bytes one after the other.
func (t *target) pushSmall(p peer, c *conn, client, n int) error {
	var pushed [3]layer
	for i := range pushed {
		b := make([]byte, 4<<10)
		binary.BigEndian.PutUint64(b, uint64(client)<<40|uint64(n)<<8|uint64(i))
		pushed[i] = small(b)
	}
	config := small(fmt.Appendf(nil, `{"os":"linux","architecture":"amd64","author":"%d.%d"}`, client, n))
	if p.name == "floor" {
		for _, l := range append(pushed[:], config, small(manifestOf(config, pushed[:]...))) {
			if _, err := c.expect(http.StatusCreated, requestWith("PUT", t.addr, "/blob", l.content), false); err != nil {
				return err
			}
		}
		return nil
	}
	_, err := t.pushImage(c, fmt.Sprintf("t%d-%d", client, n), config, pushed[:]...)
	return err
}

// pullStreams pulls one layer that is in the page cache.
func pullStreams(n int, size int64) func(context.Context, options, peer, string) (sample, error) {
	return func(ctx context.Context, o options, p peer, dir string) (sample, error) {
		l := layerOf(1, size)
		if p.name == "nginx" {
			if err := writeLayer(filepath.Join(dir, "files"), l); err != nil {
				return nil, err
			}
		}
		return with(ctx, o, p, dir, func(t *target) (sample, error) {
			path, err := t.offer(p, l)
			if err != nil {
				return nil, err
			}
			if err := t.pull(path, size); err != nil { // into the page cache
				return nil, err
			}
			var elapsed time.Duration
			cpu, err := t.used(func() (err error) {
				elapsed, err = together(n, func(int) error { return t.pull(path, size) })
				return err
			})
			if err != nil {
				return nil, err
			}
			return moved(int64(n)*size, elapsed, cpu), nil
		})
	}
}

// offer pushes the layer and says where it can be had.
func (t *target) offer(p peer, l layer) (path string, err error) {
	switch p.name {
	case "nginx":
		return "/layer", nil
	case "floor":
		return "/file", t.putFloor("/blob", l.content, l.size)
	}
	return base + "/blobs/" + l.digest, t.pushOn(l)
}

func writeLayer(dir string, l layer) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(dir, "layer"))
	if err != nil {
		return err
	}
	defer f.Close()
	for left := l.size; left > 0; left -= int64(len(l.content)) {
		if _, err := f.Write(l.content[:min(left, int64(len(l.content)))]); err != nil {
			return err
		}
	}
	return nil
}

func (t *target) pull(path string, size int64) error {
	c, err := t.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	a, err := c.expect(http.StatusOK, request("GET", t.addr, path, t.header), false)
	if err == nil && a.size != size {
		err = fmt.Errorf("GET %s: %d bytes, want %d", path, a.size, size)
	}
	return err
}

func idle(ctx context.Context, o options, p peer, dir string) (sample, error) {
	return with(ctx, o, p, dir, func(t *target) (sample, error) {
		mib, err := t.rest()
		return sample{rss: mib}, err
	})
}

func memoryOfPushes(ctx context.Context, o options, p peer, dir string) (sample, error) {
	return with(ctx, o, p, dir, func(t *target) (sample, error) {
		return t.peak(func() error {
			_, err := t.timePushes(32, 64<<20, t.pushTo(p))
			return err
		})
	})
}

func memoryOfPulls(ctx context.Context, o options, p peer, dir string) (sample, error) {
	const size = 2 << 20
	return with(ctx, o, p, dir, func(t *target) (sample, error) {
		path, err := t.offer(p, layerOf(1, size))
		if err != nil {
			return nil, err
		}
		return t.peak(func() error {
			_, err := together(2000, func(int) error { return t.pull(path, size) })
			return err
		})
	})
}

// peak is the most memory that the server takes while fn runs, beyond what it holds before.
func (t *target) peak(fn func() error) (sample, error) {
	resting, err := t.rest()
	if err != nil {
		return nil, err
	}
	if err := fn(); err != nil {
		return nil, err
	}
	mib, err := t.memory("VmHWM")
	return sample{above: mib - resting}, err
}

func startEmpty(ctx context.Context, o options, p peer, dir string) (sample, error) {
	return with(ctx, o, p, dir, func(t *target) (sample, error) { return readiness(t), nil })
}

func startLarge(ctx context.Context, o options, p peer, dir string) (sample, error) {
	if p.name == "floor" {
		return startEmpty(ctx, o, p, dir)
	}
	dir, err := storeLarge(o).folder(ctx, o)
	if err != nil {
		return nil, err
	}
	return with(ctx, o, p, dir, func(t *target) (sample, error) { return readiness(t), nil })
}

func readiness(t *target) sample { return sample{millis: float64(t.ready.Microseconds()) / 1000} }

// command is a whole process of the command line: ours, or that of AWS, against our server.
func command(ctx context.Context, o options, p peer, dir string) (sample, error) {
	return with(ctx, o, openecr(), dir, func(t *target) (sample, error) {
		l := layerOf(1, 64<<10)
		if err := t.pushOn(l); err != nil {
			return nil, err
		}
		program := map[string]string{"openecr": o.openecr, "aws": "/usr/bin/aws"}[p.name]
		arguments := []string{"ecr-public", "batch-check-layer-availability", "--endpoint-url", "http://" + t.addr,
			"--repository-name", repository, "--layer-digests", l.digest}
		if p.name == "floor" { // a process that sends one request
			program, arguments = os.Args[0], []string{"ask", t.url() + "/healthz"}
		}
		const times = 5
		var cpu time.Duration
		began := time.Now()
		for range times {
			cmd := exec.CommandContext(ctx, program, arguments...)
			cmd.Env = []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "AWS_REGION=us-east-1",
				"AWS_ACCESS_KEY_ID=" + key.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + key.SecretAccessKey}
			if out, err := cmd.CombinedOutput(); err != nil {
				return nil, fmt.Errorf("%s: %w\n%s", program, err, out)
			}
			cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		}
		return sample{millis: float64(time.Since(began).Milliseconds()) / times, cpuEach: float64(cpu.Microseconds()) / times}, nil
	})
}
