package registry

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// maxHistory bounds what is shown of a config: more steps than any build has.
const maxHistory = 1000

// parseConfig reads the config of an image (OCI image spec, "OCI Image Configuration"; docker's has the same members).
// Its bytes come from anybody who may push, and were never checked: a member of another type than the spec's is an
// error, so that a page never shows half of a config.
func parseConfig(content []byte) (ImageConfig, error) {
	var o object
	if err := json.Unmarshal(content, &o); err != nil {
		return ImageConfig{}, err
	}
	c := ImageConfig{Platform: readPlatform(o)}
	var run object
	var history []object
	if err := errFirst(readTime(o, "created", &c.Created), o.read("author", &c.Author), o.read("config", &run), o.read("history", &history)); err != nil {
		return ImageConfig{}, err
	}
	var ports, volumes map[string]json.RawMessage
	err := errFirst(
		run.read("User", &c.User), run.read("WorkingDir", &c.WorkingDir), run.read("StopSignal", &c.StopSignal),
		run.read("Entrypoint", &c.Entrypoint), run.read("Cmd", &c.Cmd), run.read("Env", &c.Env),
		run.read("Labels", &c.Labels), run.read("ExposedPorts", &ports), run.read("Volumes", &volumes))
	if err != nil {
		return ImageConfig{}, err
	}
	c.ExposedPorts = slices.Sorted(maps.Keys(ports))
	c.Volumes = slices.Sorted(maps.Keys(volumes))
	for _, step := range history[:min(len(history), maxHistory)] {
		var h HistoryEntry
		err := errFirst(readTime(step, "created", &h.Created), step.read("created_by", &h.CreatedBy), step.read("comment", &h.Comment), step.read("empty_layer", &h.EmptyLayer))
		if err != nil {
			return ImageConfig{}, err
		}
		c.History = append(c.History, h)
	}
	return c, nil
}

// readTime leaves a time out that nobody can read: tools write "" for one they do not know.
func readTime(o object, name string, t *time.Time) error {
	var text string
	if err := o.read(name, &text); err != nil {
		return err
	}
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil && at.Year() > 0 {
		*t = at.UTC()
	}
	return nil
}

// commands says which step of the history made each of n layers, "" where that is unknown: a history that does not speak
// of exactly n layers says nothing.
func (c *ImageConfig) commands(n int) []string {
	made := make([]string, 0, n)
	if c != nil {
		for _, h := range c.History {
			if !h.EmptyLayer {
				made = append(made, h.CreatedBy)
			}
		}
	}
	if len(made) != n {
		return make([]string, n)
	}
	return made
}
