package chserver

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
)

// user is who asks.
type user uint8

const (
	nobody user = iota
	writer
	reader
)

func (u user) String() string {
	switch u {
	case writer:
		return WriterUser
	case reader:
		return ReaderUser
	}
	return "nobody"
}

// authenticate finds the user of a request in the headers X-ClickHouse-User and -Key, in HTTP basic
// authentication, or in the parameters user and password, in that order. The answer to a wrong name
// and to a wrong password is the same.
func (h *Handler) authenticate(r *http.Request) (user, error) {
	name, password := r.Header.Get("X-ClickHouse-User"), r.Header.Get("X-ClickHouse-Key")
	if name == "" && password == "" {
		if n, p, ok := r.BasicAuth(); ok {
			name, password = n, p
		} else {
			q := r.URL.Query()
			name, password = q.Get("user"), q.Get("password")
		}
	}
	if name == "" && password == "" {
		return nobody, newError(codeRequiredPassword, "REQUIRED_PASSWORD", "Authentication is required: user and password")
	}
	// Hashes have one length, so comparing them tells nothing about the password's.
	given := sha256.Sum256([]byte(password))
	for _, known := range []struct {
		user     user
		password Secret
	}{{writer, h.config.WriterPassword}, {reader, h.config.ReaderPassword}} {
		want := sha256.Sum256([]byte(known.password.Reveal()))
		if known.password != "" && name == known.user.String() && subtle.ConstantTimeCompare(given[:], want[:]) == 1 {
			return known.user, nil
		}
	}
	return nobody, newError(codeAuthenticationFailed, "AUTHENTICATION_FAILED", "Authentication failed: password is incorrect, or there is no user with such name")
}

const (
	codeRequiredPassword     = 194
	codeAuthenticationFailed = 516
)
