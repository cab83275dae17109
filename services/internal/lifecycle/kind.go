package lifecycle

import (
	"context"
	"errors"
)

// kind is what an error means to whoever has to decide about it.
type kind uint8

const (
	kindRetryable kind = iota + 1
	kindPermanent
	kindInterrupted
)

type kindError struct {
	kind kind
	err  error
}

func (e *kindError) Error() string { return e.err.Error() }
func (e *kindError) Unwrap() error { return e.err }

func mark(k kind, err error) error {
	if err == nil {
		return nil
	}
	return &kindError{kind: k, err: err}
}

// Retryable marks err as one that may go away. It is only needed to overrule a
// mark further inside.
func Retryable(err error) error { return mark(kindRetryable, err) }

// Permanent marks err as one that the same input will meet again.
func Permanent(err error) error { return mark(kindPermanent, err) }

// Interrupted marks err as the consequence of being asked to stop.
func Interrupted(err error) error { return mark(kindInterrupted, err) }

// IsRetryable reports whether err is a failure that may go away: any error that
// is neither permanent nor interrupted.
func IsRetryable(err error) bool { return err != nil && kindOf(err) == kindRetryable }

// IsPermanent reports whether the same input will fail again.
func IsPermanent(err error) bool { return err != nil && kindOf(err) == kindPermanent }

// IsInterrupted reports whether err is the consequence of being asked to stop.
// A cancelled context is, unless it was marked otherwise; a passed deadline is not.
func IsInterrupted(err error) bool { return err != nil && kindOf(err) == kindInterrupted }

// kindOf takes the outermost mark, because who marked last knew most.
func kindOf(err error) kind {
	if k, ok := errors.AsType[*kindError](err); ok {
		return k.kind
	}
	if errors.Is(err, context.Canceled) {
		return kindInterrupted
	}
	return kindRetryable
}
