package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// SetLogLevel says from which level on a running server logs. It holds until the server ends.
type SetLogLevel struct {
	Level string `arg:"" optional:"" help:"debug, info, warn or error. Without it the level is only shown."`
}

// LogLevel is from which level on a server logs.
type LogLevel struct {
	Level string `json:"level"`
}

func (c SetLogLevel) readsOnly() bool { return c.Level == "" }

func (c SetLogLevel) run(_ context.Context, a *administration) (LogLevel, error) {
	if a.level == nil {
		return LogLevel{}, errors.New("no server runs on this data: start one with --log-level")
	}
	if c.Level != "" {
		level, err := parseLevel(c.Level)
		if err != nil {
			return LogLevel{}, err
		}
		a.level.Set(level)
	}
	return LogLevel{strings.ToLower(a.level.Level().String())}, nil
}

func parseLevel(name string) (slog.Level, error) {
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		if strings.EqualFold(name, level.String()) {
			return level, nil
		}
	}
	return 0, fmt.Errorf("log level %q must be debug, info, warn or error", name)
}
