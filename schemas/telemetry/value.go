package telemetry

import (
	"errors"
	"math"

	"github.com/ntegral/ntegral/schemas/unit"
)

// Reason says why an event was refused, or how what it says had to be counted.
// The names are the values of the reason label of metrics and dead letters.
type Reason uint8

// Reasons.
const (
	Accepted Reason = iota
	Unparsable
	NotFinite
	Negative
	Sentinel
	OutOfRange
	TooOld
	InFuture
	UnknownMetric
	UnknownNode
	UnknownDevice
	UnknownMode
	Late
	EndNotAfterStart
	ShareOutOfRange
	ModeMismatch
	ImplausibleRate
	UnknownParent
	BeyondHorizon
	TooLarge
	CounterReset // it went back; what it says after is estimated
	CounterHung  // readings that repeat the one before
	// What a replay warns of: all of it is still used, see Warning.
	DeviceVersions    // a device stands in an inventory more than once
	PlacementVersions // a placement stands in a directory more than once
	PlacementOverlap  // whole-device placements hold one device at one time
	RateOverlap       // two rates of a kind and key hold at one time
	RateMissing       // no rate applies for a part of the time
	CurrencyMixed     // costs that belong together are in several currencies
	Ignored           // a cell or file that is not used
	NoReadings        // a directory without any
	TooNew            // a correction of a window that the processor restates itself
	Superseded        // a correction of a run that is not the last one begun
	ServedUnplaced    // tokens or requests of a placement while it holds nothing of the node
	UnknownProfile    // of an instance, which names no slices; a warning, too
	NumReasons
)

var reasonNames = [NumReasons]string{
	"accepted", "unparsable", "not_finite", "negative", "sentinel", "out_of_range", "too_old", "in_future",
	"unknown_metric", "unknown_node", "unknown_device", "unknown_mode", "late", "end_not_after_start", "share_out_of_range",
	"mode_mismatch", "implausible_rate", "unknown_parent", "beyond_horizon", "too_large", "counter_reset", "counter_hung",
	"device_versions", "placement_versions", "placement_overlap", "rate_overlap", "rate_missing", "currency_mixed", "ignored", "no_readings",
	"too_new", "superseded", "served_unplaced", "unknown_profile",
}

// Noted reports whether what r is about counts all the same, or is no event of a
// source: nothing of a source's is refused, but it is worth knowing.
func (r Reason) Noted() bool {
	switch r {
	case BeyondHorizon, CounterReset, CounterHung, TooNew, Superseded, ServedUnplaced:
		return true
	}
	return r.Warning()
}

// Warning reports whether r is what a replay warns of.
func (r Reason) Warning() bool {
	return r >= DeviceVersions && r <= NoReadings || r == UnknownProfile
}

func (r Reason) String() string {
	if r >= NumReasons {
		return "unknown"
	}
	return reasonNames[r]
}

// Bounds of readings. A reading beyond them is a fault of its source.
const (
	MaxDevicePower = 5_000 * unit.Watt       // accelerator, instance, CPU, module
	MaxNodePower   = 200_000 * unit.Watt     // wall, network
	maxCounter     = 1_000_000_000_000       // joules
	maxRatioCenti  = 105                     // ratios up to 1.05 count as at most 1
	minTime        = 946_684_800_000_000_000 // 2000-01-01T00:00:00Z
)

// MaxPower is the largest power that a device of kind k can report.
func MaxPower(k Kind) unit.Power {
	if k == KindWall || k == KindNetwork {
		return MaxNodePower
	}
	return MaxDevicePower
}

// sentinel reports whether n, a number as written without its decimals, is one
// of the marks that drivers put in place of a value they do not have (INT32,
// INT64 and FP64 blanks of DCGM, each with its three variants).
func sentinel(n uint64) bool {
	return n-2147483632 <= 3 || n-9223372036854775792 <= 3 || n-140737488355328 <= 3
}

// ParseValue turns a value as written into the integer of the metric's unit,
// or says why it is refused. Bounds hold for the number as written, before it
// is rounded.
func ParseValue(m Metric, k Kind, text string) (int64, Reason) {
	d, err := unit.ParseDecimal(text)
	switch {
	case errors.Is(err, unit.ErrNotFinite):
		return 0, NotFinite
	case err != nil:
		return 0, Unparsable
	case d.Negative():
		return 0, Negative
	}
	if n, ok := d.IntegerPart(); ok && sentinel(n) {
		return 0, Sentinel
	}
	switch metrics[m].quantity {
	case power:
		if d.Above(uint64(MaxPower(k)), unit.PowerScale) {
			return 0, OutOfRange
		}
	case energy:
		if d.Above(maxCounter, 0) {
			return 0, OutOfRange
		}
	case ratio:
		if d.Above(maxRatioCenti, 2) {
			return 0, OutOfRange
		}
		v, err := d.Scaled(unit.RatioScale)
		return min(v, int64(unit.One)), parsed(err)
	}
	v, err := d.Scaled(metrics[m].scale)
	return v, parsed(err)
}

func parsed(err error) Reason {
	if err != nil {
		return OutOfRange
	}
	return Accepted
}

// CheckValue holds the same bounds against a value that is already an integer,
// as it comes from a record that somebody else wrote.
func CheckValue(m Metric, k Kind, v int64) Reason {
	switch {
	case v < 0:
		return Negative
	case v > MaxValue(m, k):
		return OutOfRange
	}
	return Accepted
}

// MaxValue is the largest value that CheckValue accepts; the smallest is 0.
func MaxValue(m Metric, k Kind) int64 {
	switch metrics[m].quantity {
	case power:
		return int64(MaxPower(k))
	case energy:
		return maxCounter * int64(unit.Joule)
	case ratio:
		return int64(unit.One)
	}
	return math.MaxInt64
}

// CheckTime refuses a reading's time before 2000 or more than maxSkew after
// takenIn, the time at which it entered the system.
func CheckTime(t, takenIn, maxSkew int64) Reason {
	if t < minTime {
		return TooOld
	}
	if takenIn < MaxTime-maxSkew && t > takenIn+maxSkew {
		return InFuture
	}
	return Accepted
}
