//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// newBuildah is buildah with image storage of its own.
func newBuildah(t *testing.T) tool {
	t.Helper()
	dir := shortTempDir(t)
	return newTool(t, "/usr/bin/buildah", "--storage-driver", "vfs",
		"--root", filepath.Join(dir, "root"), "--runroot", filepath.Join(dir, "run"))
}

func TestBuildahBuildsPushesAndAnyonePulls(t *testing.T) {
	s := startServer(t)
	aws := newAWS(t, s)
	image := aws.createRepository(t, s, "hello") + ":1"
	here := newBuildah(t)
	here.runWithInput(t, aws.password(t), "login", "--tls-verify=false", "--username", "AWS", "--password-stdin", s.host())
	container := strings.TrimSpace(here.run(t, "from", "scratch"))
	l := newLayout(t)
	l.write("content", randomData(1<<20))
	here.run(t, "copy", container, filepath.Join(l.dir, "content"), "/content")
	here.run(t, "commit", "--quiet", container, image)
	here.run(t, "push", "--tls-verify=false", image, "docker://"+image)

	id := func(c tool) string {
		return strings.TrimSpace(c.run(t, "images", "--quiet", "--no-trunc", image))
	}
	elsewhere := newBuildah(t)
	elsewhere.run(t, "pull", "--quiet", "--tls-verify=false", image)
	if got, want := id(elsewhere), id(here); got != want {
		t.Errorf("pulled %s, pushed %s", got, want)
	}
}

// newContainerd is `ctr` with a containerd of its own.
func newContainerd(t *testing.T) tool {
	t.Helper()
	dir := shortTempDir(t) // a socket's path is short
	config := filepath.Join(dir, "config.toml")
	openLayout(t, dir).write("config.toml", []byte("version = 2\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n"))
	socket := filepath.Join(dir, "c.sock")
	daemon := newTool(t, "/usr/bin/containerd", "--config", config, "--address", socket,
		"--root", filepath.Join(dir, "root"), "--state", filepath.Join(dir, "state"))
	log := &output{}
	t.Cleanup(func() { log.show(t, "containerd") })
	cmd := exec.Command(daemon.argv[0], daemon.argv[1:]...)
	cmd.Env, cmd.Stdout, cmd.Stderr = daemon.env, log, log
	process := startProcess(t, cmd)
	t.Cleanup(func() { process.terminate(t) })
	c := newTool(t, "/usr/bin/ctr", "--address", socket)
	waitFor(t, 30*time.Second, "containerd to answer", func() bool {
		process.mustRun(t)
		return c.try(t, "", "version").err == nil
	})
	return c
}

func TestContainerdPushesAndPulls(t *testing.T) {
	s := startServer(t)
	aws := newAWS(t, s)
	image := aws.createRepository(t, s, "hello") + ":1"
	l := newLayout(t)
	made := l.image("amd64", 2, 4<<20)
	l.tag("1", made)
	archive := filepath.Join(t.TempDir(), "image.tar")
	newTool(t, "tar").run(t, "-C", l.dir, "-cf", archive, ".")

	here := newContainerd(t)
	here.run(t, "images", "import", "--no-unpack", "--base-name", strings.TrimSuffix(image, ":1"), archive)
	here.run(t, "images", "push", "--plain-http", "--user", "AWS:"+aws.password(t), image)

	elsewhere := newContainerd(t)
	elsewhere.run(t, "content", "fetch", "--plain-http", image)
	held := strings.Fields(elsewhere.run(t, "content", "ls", "--quiet"))
	for _, d := range l.blobs() {
		if !slices.Contains(held, d) {
			t.Errorf("%s was pushed, and not pulled", d)
		}
	}
}

func TestSkopeoSyncsListsAndDeletes(t *testing.T) {
	s := startServer(t)
	aws := newAWS(t, s)
	source := aws.createRepository(t, s, "hello")
	aws.createRepository(t, s, "mirror/hello")
	owner := newSkopeo(t)
	owner.runWithInput(t, aws.password(t), "login", "--tls-verify=false", "--username", "AWS", "--password-stdin", s.host())
	digests := map[string]string{}
	for _, tag := range []string{"1", "2"} {
		l := newLayout(t)
		made := l.image("amd64", 1, 1<<20)
		l.tag(tag, made)
		owner.run(t, "copy", "--preserve-digests", skopeoPlainTo, "oci:"+l.dir+":"+tag, "docker://"+source+":"+tag)
		digests[tag] = made.Digest
	}
	owner.run(t, "sync", "--src", "docker", "--dest", "docker", skopeoPlainFrom, skopeoPlainTo, source, s.registry+"/mirror")

	mirror := "docker://" + s.registry + "/mirror/hello"
	tags := func() []string {
		var list struct{ Tags []string }
		must(t, json.Unmarshal([]byte(newSkopeo(t).run(t, "list-tags", "--tls-verify=false", mirror)), &list))
		return list.Tags
	}
	if diff := cmp.Diff([]string{"1", "2"}, tags()); diff != "" {
		t.Errorf("tags of the mirror (-want +got):\n%s", diff)
	}
	for tag, want := range digests {
		if got := digestOf([]byte(owner.run(t, "inspect", "--raw", "--tls-verify=false", mirror+":"+tag))); got != want {
			t.Errorf("the mirror's %s is %s, pushed %s", tag, got, want)
		}
	}
	newSkopeo(t).fails(t, "delete", "--tls-verify=false", mirror+":1")
	owner.run(t, "delete", "--tls-verify=false", mirror+":1")
	if diff := cmp.Diff([]string{"2"}, tags()); diff != "" {
		t.Errorf("tags of the mirror after a delete (-want +got):\n%s", diff)
	}
}

func TestZstdLayersTravelUnchanged(t *testing.T) {
	s := startServer(t)
	aws := newAWS(t, s)
	image := "docker://" + aws.createRepository(t, s, "hello") + ":1"
	made := newLayout(t)
	made.tag("1", made.image("amd64", 2, 2<<20))
	pushed, pulled := openLayout(t, t.TempDir()), openLayout(t, t.TempDir())
	owner := newSkopeo(t)
	owner.runWithInput(t, aws.password(t), "login", "--tls-verify=false", "--username", "AWS", "--password-stdin", s.host())
	owner.run(t, "copy", "--dest-compress-format", "zstd", "oci:"+made.dir+":1", "oci:"+pushed.dir+":1")
	owner.run(t, "copy", "--preserve-digests", skopeoPlainTo, "oci:"+pushed.dir+":1", image)
	newSkopeo(t).run(t, "copy", "--preserve-digests", skopeoPlainFrom, image, "oci:"+pulled.dir+":1")
	if diff := cmp.Diff(pushed.blobs(), pulled.blobs()); diff != "" {
		t.Errorf("blobs pulled differ from blobs pushed (-pushed +pulled):\n%s", diff)
	}
	raw := newSkopeo(t).run(t, "inspect", "--raw", "--tls-verify=false", image)
	if n := strings.Count(raw, "application/vnd.oci.image.layer.v1.tar+zstd"); n != 2 {
		t.Errorf("%d layers are zstd, want 2: %s", n, raw)
	}
}

func TestManyLayersAndTags(t *testing.T) {
	const layers, tags = 127, 500 // the most that docker accepts; more than one page of most clients
	s := startServer(t)
	aws := newAWS(t, s)
	image := "docker://" + aws.createRepository(t, s, "hello")
	pushed, pulled := newLayout(t), openLayout(t, t.TempDir())
	made := pushed.image("amd64", layers, layers<<10)
	pushed.tag("1", made)
	owner := newSkopeo(t)
	owner.runWithInput(t, aws.password(t), "login", "--tls-verify=false", "--username", "AWS", "--password-stdin", s.host())
	owner.run(t, "copy", "--preserve-digests", skopeoPlainTo, "oci:"+pushed.dir+":1", image+":1")
	newSkopeo(t).run(t, "copy", "--preserve-digests", skopeoPlainFrom, image+":1", "oci:"+pulled.dir+":1")
	if diff := cmp.Diff(pushed.blobs(), pulled.blobs()); diff != "" {
		t.Errorf("blobs pulled differ from blobs pushed (-pushed +pulled):\n%s", diff)
	}

	api := newSDK(t, s)
	c := newRegistryClient(t, s, api)
	want := []string{"1"}
	for i := range tags - 1 {
		want = append(want, fmt.Sprintf("v%03d", i))
		must(t, c.pushManifest(t.Context(), "hello", want[i+1], ociManifestType, pushed.read(made.Digest)))
	}
	var list struct{ Tags []string }
	must(t, json.Unmarshal([]byte(newSkopeo(t).run(t, "list-tags", "--tls-verify=false", image)), &list))
	if diff := cmp.Diff(want, list.Tags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	var described struct{ ImageTagDetails []struct{ ImageTag string } }
	aws.call(t, &described, "describe-image-tags", "--repository-name", "hello")
	if len(described.ImageTagDetails) != tags {
		t.Errorf("the API describes %d tags, want %d", len(described.ImageTagDetails), tags)
	}
}
