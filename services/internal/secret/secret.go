// Package secret holds what must never be shown: passwords, which every way of
// printing replaces by a placeholder. What is inside comes out through Reveal
// alone, so that a search for it finds every use. Values are plain strings and
// safe for concurrent use.
package secret

import "log/slog"

// Password is a password. Every way of printing it shows only whether it is set.
type Password string

// Reveal returns the password itself.
func (s Password) Reveal() string { return string(s) }

func (s Password) String() string {
	if s == "" {
		return ""
	}
	return "[redacted]"
}

// GoString redacts %#v.
func (s Password) GoString() string { return s.String() }

// MarshalText redacts JSON and other encodings.
func (s Password) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue redacts structured logs.
func (s Password) LogValue() slog.Value { return slog.StringValue(s.String()) }
