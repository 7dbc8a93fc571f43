package awscli

import (
	"bufio"
	"cmp"
	"maps"
	"os"
	"path/filepath"
	"strings"
)

// settings are what the AWS configuration files say for a profile. They are for what the AWS SDK does not read, because
// it concerns a command line alone: output, cli_pager, cli_timestamp_format, cli_binary_format.
type settings map[string]string

// profileSettings reads a profile, or the one that the environment names. Files that are not there or cannot be read are
// empty; the SDK complains of those that it needs.
func profileSettings(profile string) settings {
	profile = cmp.Or(profile, os.Getenv("AWS_PROFILE"), os.Getenv("AWS_DEFAULT_PROFILE"), "default")
	s := settings{}
	config := cmp.Or(os.Getenv("AWS_CONFIG_FILE"), "~/.aws/config")
	maps.Copy(s, readSection(config, func(name string) bool {
		named, ok := strings.CutPrefix(name, "profile ")
		return ok && strings.Trim(named, " \t\"'") == profile || profile == "default" && name == "default"
	}))
	credentials := cmp.Or(os.Getenv("AWS_SHARED_CREDENTIALS_FILE"), "~/.aws/credentials")
	maps.Copy(s, readSection(credentials, func(name string) bool { return name == profile }))
	return s
}

// readSection reads the sections of an INI file whose names match. Indented lines belong to a nested setting and are left
// out.
func readSection(path string, match func(name string) bool) settings {
	s := settings{}
	if home, err := os.UserHomeDir(); err == nil && strings.HasPrefix(path, "~/") {
		path = filepath.Join(home, path[2:])
	}
	f, err := os.Open(path)
	if err != nil {
		return s
	}
	defer func() { _ = f.Close() }()
	inside := false
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := lines.Text()
		name, value, assigns := strings.Cut(line, "=")
		switch {
		case strings.HasPrefix(line, "["):
			name, _, _ := strings.Cut(line[1:], "]")
			inside = match(strings.TrimSpace(name))
		case !inside || !assigns || strings.ContainsAny(line[:1], " \t#;"):
		default:
			s[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(value)
		}
	}
	return s
}
