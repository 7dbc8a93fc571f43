package app

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/openecr/openecr/internal/auth"
	"github.com/openecr/openecr/internal/durable"
)

// Files in the data folder that `openecr env` reads.
const (
	// CredentialsFile is in the format of ~/.aws/credentials.
	CredentialsFile = "credentials"
	infoFile        = "server.json"
)

// credentials are a root key as its owner has it.
type credentials struct{ id, secret string }

// loadOrDrawCredentials takes the file that an interrupted first start left, or draws new ones.
func loadOrDrawCredentials(path string) (credentials, error) {
	keys, err := readCredentials(path)
	if errors.Is(err, fs.ErrNotExist) {
		id, secret := auth.NewAccessKey()
		return credentials{id, secret}, nil
	}
	return keys, err
}

func readCredentials(path string) (credentials, error) {
	f, err := os.Open(path)
	if err != nil {
		return credentials{}, err
	}
	defer f.Close()
	var keys credentials
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), "=")
		switch strings.TrimSpace(name) {
		case "aws_access_key_id":
			keys.id = strings.TrimSpace(value)
		case "aws_secret_access_key":
			keys.secret = strings.TrimSpace(value)
		}
	}
	if err := lines.Err(); err != nil {
		return credentials{}, err
	}
	if keys.id == "" || keys.secret == "" {
		return credentials{}, fmt.Errorf("credentials file %s has no aws_access_key_id with aws_secret_access_key: remove it, or put it back as it was", path)
	}
	return keys, nil
}

func writeCredentials(path string, keys credentials) error {
	if old, err := readCredentials(path); err == nil && old == keys {
		return nil
	}
	content := fmt.Sprintf("# The root key of this openecr: whoever has it may do everything.\n[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n", keys.id, keys.secret)
	return writeFile(path, []byte(content))
}

func writeInfo(s Stores, info Info) error {
	content, err := json.MarshalIndent(info, "", "  ")
	if err != nil {
		return err
	}
	// It is not synced, because every start writes it.
	return durable.ReplaceFile(s.file(infoFile), append(content, '\n'))
}

// writeFile replaces a file as a whole, with mode 0600, and returns once that is durable.
func writeFile(path string, content []byte) error {
	if err := durable.WriteFile(path, content); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// Environment is what points AWS tools and docker at the server that last ran on a data folder.
type Environment struct {
	Info
	AccessKeyID     string
	SecretAccessKey string
}

// ReadEnvironment reads what a server has left in the data folder. It needs no running server.
func ReadEnvironment(dir string) (Environment, error) {
	content, err := os.ReadFile(filepath.Join(dir, infoFile))
	if errors.Is(err, fs.ErrNotExist) {
		return Environment{}, neverServed(dir)
	}
	var env Environment
	if err == nil {
		err = json.Unmarshal(content, &env.Info)
	}
	if err != nil {
		return Environment{}, fmt.Errorf("read %s: %w", filepath.Join(dir, infoFile), err)
	}
	keys, err := readCredentials(filepath.Join(dir, CredentialsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return Environment{}, fmt.Errorf("data folder %s has no root key, because none is drawn for metadata in PostgreSQL: start `openecr serve` with OPENECR_ACCESS_KEY_ID and OPENECR_SECRET_ACCESS_KEY, or make a key with `openecr key create`", dir)
	}
	if err != nil {
		return Environment{}, fmt.Errorf("read the root key: %w", err)
	}
	env.AccessKeyID, env.SecretAccessKey = keys.id, keys.secret
	return env, nil
}

func neverServed(dir string) error {
	return fmt.Errorf("no openecr has run on data folder %s: start `openecr serve` first, or name its folder with --data", dir)
}
