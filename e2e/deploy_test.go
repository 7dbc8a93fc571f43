//go:build e2e

package e2e

import (
	"strconv"
	"strings"
	"testing"
)

// The image runs as nobody in particular, on a root that it cannot write to, and its data outlives it.
func TestImageServesFromAReadOnlyRoot(t *testing.T) {
	const image, volume = "openecr:test", "data"
	d := startDocker(t)
	buildImage(t, d, image)
	const most = 60 << 20
	size, err := strconv.Atoi(strings.TrimSpace(d.run(t, "image", "inspect", "--format", "{{.Size}}", image)))
	must(t, err)
	if size > most {
		t.Errorf("the image has %d bytes, want at most %d", size, most)
	}
	said := d.fails(t, "run", "--rm", "--network", "host", "--env", "OPENECR_ADMIN_ADDR="+freeAddress(t), image, "health")
	if !strings.Contains(said, "no openecr answers on admin listener") {
		t.Errorf("without a server `openecr health` says %q", said)
	}

	s, container := runImage(t, d, image, volume)
	aws := newAWS(t, s)
	name := aws.createRepository(t, s, "hello") + ":1"
	l := newLayout(t)
	made := l.image("amd64", 2, 16<<20)
	d.load(t, l, made, name)
	d.login(t, aws.password(t), s.host())
	d.run(t, "push", name)
	if said := d.run(t, "exec", container, "openecr", "account", "list"); !strings.Contains(said, s.alias()) {
		t.Errorf("in the container `openecr account list` says %q, want the alias %s", said, s.alias())
	}

	d.run(t, "stop", "--time", "30", container)
	if code := d.run(t, "inspect", "--format", "{{.State.ExitCode}}", container); code != "0\n" {
		t.Errorf("the stopped container has exit status %s, want 0", code)
	}
	d.run(t, "rm", container)
	d.run(t, "image", "rm", name)
	again, _ := runImage(t, d, image, volume)
	name = again.registry + "/hello:1"
	d.run(t, "pull", name)
	if got, want := d.imageID(t, name), made.config(l); got != want {
		t.Errorf("pulled image %s from the next container, pushed %s to the first", got, want)
	}
}

// What the files for operators name is there: each variable, command and option.
func TestDeploymentFilesNameWhatExists(t *testing.T) {
	binary := readFile(t, openecr)
	help := newTool(t, openecr)
	texts := deploymentTexts(t)
	known := make(map[string]string) // help by command
	for path, text := range texts {
		for _, name := range variablePattern.FindAllString(text, -1) {
			if !strings.Contains(binary, name) {
				t.Errorf("%s: openecr has no variable %s", path, name)
			}
		}
		for _, match := range commandPattern.FindAllStringSubmatch(text, -1) {
			command, arguments := match[1], match[2]
			options := optionPattern.FindAllString(arguments, -1)
			if len(options) == 0 {
				continue
			}
			if _, ok := known[command]; !ok {
				known[command] = help.run(t, command, "--help")
			}
			if words := strings.Fields(arguments); strings.Contains(known[command], "openecr "+command+" <command>") {
				group, verb := command, words[0]
				command = group + " " + verb
				known[command] = help.run(t, group, verb, "--help")
			}
			for _, option := range options {
				if !strings.Contains(known[command], option+"=") && !strings.Contains(known[command], option+" ") && !strings.Contains(known[command], option+"\n") {
					t.Errorf("%s: %q: there is no option %s", path, strings.TrimSpace(match[0]), option)
				}
			}
		}
	}
	if len(known) == 0 {
		t.Error("no command with options was found in the files: the pattern is wrong")
	}
}
