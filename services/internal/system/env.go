package system

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxEnvBytes bounds what is read of an ntegral.env.
const maxEnvBytes = 1 << 20

// Env is the content of an ntegral.env, in the order of its lines. It holds
// passwords: it formats and logs as its names alone.
type Env struct {
	vars []variable
}

type variable struct{ name, value string }

// Get returns the value of name, or nothing.
func (e Env) Get(name string) string {
	for _, v := range e.vars {
		if v.name == name {
			return v.value
		}
	}
	return ""
}

// Environ returns the variables as NAME=value, for the environment of a process.
func (e Env) Environ() []string {
	out := make([]string, 0, len(e.vars))
	for _, v := range e.vars {
		out = append(out, v.name+"="+v.value)
	}
	return out
}

// Names returns the names of the variables.
func (e Env) Names() []string {
	out := make([]string, 0, len(e.vars))
	for _, v := range e.vars {
		out = append(out, v.name)
	}
	return out
}

func (e Env) String() string { return strings.Join(e.Names(), " ") }

// GoString keeps %#v from printing the passwords.
func (e Env) GoString() string { return e.String() }

// LogValue keeps slog from printing the passwords.
func (e Env) LogValue() slog.Value { return slog.StringValue(e.String()) }

// set reports whether it changed anything.
func (e *Env) set(name, value string) bool {
	i := slices.IndexFunc(e.vars, func(v variable) bool { return v.name == name })
	switch {
	case i < 0:
		e.vars = append(e.vars, variable{name, value})
	case e.vars[i].value == value:
		return false
	default:
		e.vars[i].value = value
	}
	return true
}

func readEnv(path string) (Env, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Env{}, fmt.Errorf("read settings: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return Env{}, fmt.Errorf("read settings: %s holds passwords and others may read it (mode %04o): chmod 600 it", path, info.Mode().Perm())
	}
	if info.Size() > maxEnvBytes {
		return Env{}, fmt.Errorf("read settings: %s is larger than %d bytes", path, maxEnvBytes)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return Env{}, fmt.Errorf("read settings: %w", err)
	}
	env, err := parseEnv(string(b))
	if err != nil {
		return Env{}, fmt.Errorf("read settings: %s: %w", path, err)
	}
	return env, nil
}

// parseEnv never quotes a line in its errors: it may hold a password.
func parseEnv(text string) (Env, error) {
	var env Env
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok || name == "" || strings.ContainsAny(name, " \t\"'$") {
			return Env{}, fmt.Errorf("line %d is not NAME=value", i+1)
		}
		if strings.ContainsAny(value, "\"'$`\\ \t;&|<>()") {
			return Env{}, fmt.Errorf("line %d: the value of %s has characters that a shell would not take as they are", i+1, name)
		}
		if env.Get(name) != "" {
			return Env{}, fmt.Errorf("line %d: %s is set twice", i+1, name)
		}
		env.vars = append(env.vars, variable{name, value})
	}
	return env, nil
}

const envHeader = `# Addresses and passwords of this system. Written at its first start.
# Source it in a shell to reach the system with other tools: set -a; . ./ntegral.env; set +a
`

// write replaces the file as a whole, readable by its owner alone from the
// first moment.
func (e Env) write(path string) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".ntegral.env.") // mode 0600
	if err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("write settings: %w", err), os.Remove(f.Name()))
		}
	}()
	_, err = f.WriteString(envHeader + strings.Join(e.Environ(), "\n") + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
