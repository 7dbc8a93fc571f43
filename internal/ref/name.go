package ref

import (
	"fmt"
	"slices"
	"strings"
)

// RepositoryName is the name of a repository inside a registry, without its alias: "team/nginx".
type RepositoryName string

const (
	minRepositoryName = 2
	maxRepositoryName = 205
)

// ParseRepositoryName accepts 2 to 205 characters of the ECR Public grammar (CreateRepository API page), which is
// narrower than that of the OCI distribution spec: no "__" and no runs of dashes.
func ParseRepositoryName(s string) (RepositoryName, error) {
	if len(s) < minRepositoryName || len(s) > maxRepositoryName {
		return "", fmt.Errorf("repository name %q has %d characters instead of %d to %d", clip(s), len(s), minRepositoryName, maxRepositoryName)
	}
	if !isJoined(s, "._-/") {
		return "", fmt.Errorf("repository name %q is malformed: use lower-case letters and digits, joined by single '.', '_', '-' or '/'", s)
	}
	return RepositoryName(s), nil
}

const (
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits  = "0123456789"
)

// isJoined says whether s is runs of lower-case letters and digits, joined by single separators. Every request names a
// repository, so this is no regular expression.
func isJoined(s, separators string) bool {
	inRun := false
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9':
			inRun = true
		case inRun && strings.IndexByte(separators, c) >= 0:
			inRun = false
		default:
			return false
		}
	}
	return inRun
}

// Alias is the first path element under which a registry is reached: "a1b2c3d4" in "host/a1b2c3d4/team/nginx".
type Alias string

const (
	minAlias = 2
	maxAlias = 50
)

// reservedAliases are the first path elements that routing uses for something else.
var reservedAliases = []string{"search", "token", "v2", "healthz", "readyz", "robots.txt", "sitemap.xml", "favicon.ico"}

// ParseAlias accepts 2 to 50 characters: a letter, then letters and digits, joined by single '.', '_' or '-'. Words
// that routing uses are refused.
func ParseAlias(s string) (Alias, error) {
	if len(s) < minAlias || len(s) > maxAlias || !isAlias(s) {
		return "", fmt.Errorf("registry alias %q is malformed: use %d to %d lower-case letters and digits, starting with a letter, joined by single '.', '_' or '-'", clip(s), minAlias, maxAlias)
	}
	if slices.Contains(reservedAliases, s) {
		return "", fmt.Errorf("registry alias %q is reserved: choose another", s)
	}
	return Alias(s), nil
}

// isAlias wants a letter, then a letter or digit, first. The length has been looked at.
func isAlias(s string) bool {
	return 'a' <= s[0] && s[0] <= 'z' && isJoined(s[:2], "") && isJoined(s, "._-")
}

// AccountID is the twelve digits of an AWS account, which is also the id of its one public registry.
type AccountID string

// ParseAccountID accepts exactly twelve digits.
func ParseAccountID(s string) (AccountID, error) {
	if len(s) != 12 || strings.Trim(s, digits) != "" {
		return "", fmt.Errorf("account id %q is malformed: it has exactly 12 digits", clip(s))
	}
	return AccountID(s), nil
}

// ParseUserName accepts the names that IAM gives users (CreateUser API page).
func ParseUserName(s string) (string, error) {
	if len(s) == 0 || len(s) > 64 || strings.Trim(s, letters+digits+"+=,.@_-") != "" {
		return "", fmt.Errorf("user name %q is malformed: use 1 to 64 letters, digits and '+', '=', ',', '.', '@', '_', '-'", clip(s))
	}
	return s, nil
}

// Tag is a name for an image inside a repository.
type Tag string

// ParseTag accepts the tag grammar of the OCI distribution spec. The ECR Public model allows any 300 characters, but
// such a tag could never be pulled, so it is refused on both wires.
func ParseTag(s string) (Tag, error) {
	if len(s) == 0 || len(s) > 128 || s[0] == '.' || s[0] == '-' || strings.Trim(s, letters+digits+"_.-") != "" {
		return "", fmt.Errorf("image tag %q is malformed: use 1 to 128 letters, digits, '_', '.' and '-', not starting with '.' or '-'", clip(s))
	}
	return Tag(s), nil
}

// RootARN names the root user of an account, who owns every root access key.
func RootARN(account AccountID) string {
	return "arn:aws:iam::" + string(account) + ":root"
}

// clip keeps an error message short when somebody sends a megabyte as a name.
func clip(s string) string {
	const most = 300
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
