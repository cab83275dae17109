package clickhouse

import "log/slog"

// Secret is a password. Every way of printing it shows only whether it is set.
type Secret string

// Reveal returns the password itself.
func (s Secret) Reveal() string { return string(s) }

func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "[redacted]"
}

// GoString redacts %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText redacts JSON and other encodings.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue redacts structured logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
