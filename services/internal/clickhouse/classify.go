package clickhouse

import (
	"context"
	"errors"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// Classify marks err with its kind (see package lifecycle), by type and by ClickHouse's code. What
// it does not know stays retryable: a store that is full, busy, starting or out of memory may
// answer differently later, also because somebody mended it.
func Classify(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled), errors.Is(context.Cause(ctx), context.Canceled):
		return lifecycle.Interrupted(err)
	case permanentCodes[CodeOf(err)]:
		return lifecycle.Permanent(err)
	}
	return err
}

// CodeOf returns ClickHouse's code of an error, or 0 if the error is none of the store's.
func CodeOf(err error) int {
	if e, ok := errors.AsType[*clickhouse.Exception](err); ok {
		return int(e.Code)
	}
	return 0
}

// permanentCodes are the answers that the same statement and the same bytes will meet again. A
// missing table (60) or database (81) is not among them: a migration brings it.
var permanentCodes = map[int]bool{
	6: true, 25: true, 26: true, 27: true, 33: true, 38: true, 41: true, 72: true, 117: true, // cannot parse or read the data
	10: true, 16: true, 20: true, 47: true, // columns that are not there
	43: true, 44: true, 46: true, 50: true, 53: true, 70: true, 349: true, // types
	69: true, 131: true, 407: true, // values out of bounds
	36: true, 48: true, 62: true, 73: true, 115: true, 456: true, 457: true, // the statement itself
	158: true, 223: true, 396: true, // beyond a limit
	164: true, 192: true, 193: true, 194: true, 452: true, 497: true, 516: true, // not allowed
}
