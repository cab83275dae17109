package learn

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ntegral/ntegral/schemas/unit"
	"github.com/ntegral/ntegral/services/internal/clickhouse"
	"github.com/ntegral/ntegral/services/internal/textrow"
)

// chunk is the stretch that one query reads: the store adds up the rows of all
// device-windows of it in memory.
const chunk = 6 * time.Hour

// maxValues bounds the device-windows in memory: 512 MiB of them.
const maxValues = 1 << 26

// device is one accelerator.
type device struct{ node, id string }

// group is what was seen of a model, or of a model in a region.
type group struct {
	key           string // of its rate
	model, region string // region is empty unless it takes part
	powers        []unit.Power
	devices       map[device]struct{}
}

// idleWindows lists, by device, the energies of its idle device-windows in J. A
// row that was taken back leaves sums of 0 under its old model, which no window is.
const idleWindows = `SELECT device_model, region, node, device, window_seconds, arrayStringConcat(groupArray(toString(own_j)), ',')
FROM
(
    SELECT device_model, region, node, device, window_start, window_seconds, sum(energy_j) - sum(overhead_j) AS own_j
    FROM facts
    WHERE window_start >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND window_start < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
        AND device_kind = 'gpu' AND device_model != ''
    GROUP BY device_model, region, node, device, window_start, window_seconds
    HAVING sum(device_seconds) = window_seconds AND sum(covered_seconds) = window_seconds
        AND sum(known_seconds) = window_seconds AND sum(estimated_j) = 0
        AND sum(busy_seconds) * 1000000 < toDecimal128(window_seconds, 9) * {idle_ratio:Int64}
)
GROUP BY device_model, region, node, device, window_seconds`

// idleRatio is the busy ratio from which a device-window is used.
const idleRatio = unit.Ratio(10_000)

// read returns what was seen, by key, with its powers in ascending order.
func (r *run) read(ctx context.Context) ([]*group, error) {
	groups := map[string]*group{}
	n := int64(0)
	for at := r.cfg.From; at.Before(r.cfg.To); at = at.Add(chunk) {
		end := at.Add(chunk)
		if end.After(r.cfg.To) {
			end = r.cfg.To
		}
		args := []any{
			clickhouse.Named("from", strconv.FormatInt(at.UnixMilli(), 10)), clickhouse.Named("to", strconv.FormatInt(end.UnixMilli(), 10)),
			clickhouse.Named("idle_ratio", strconv.FormatInt(int64(idleRatio), 10)),
		}
		err := textrow.Each(ctx, r.set.Store, idleWindows, args, func(row []string) error {
			added, err := r.add(groups, row)
			if n += added; err == nil && n > r.maxValues {
				err = fmt.Errorf("more than %d idle device-windows: use a shorter range", r.maxValues)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read facts from %s: %w", clock(at), err)
		}
	}
	sorted := slices.SortedFunc(maps.Values(groups), func(a, b *group) int { return strings.Compare(a.key, b.key) })
	for _, g := range sorted {
		slices.Sort(g.powers)
	}
	return sorted, nil
}

// add takes one row of idleWindows and returns how many device-windows it had.
func (r *run) add(groups map[string]*group, row []string) (n int64, err error) {
	model, region, of := row[0], row[1], device{row[2], row[3]}
	seconds, err := strconv.ParseInt(row[4], 10, 64)
	if err != nil || seconds <= 0 {
		return 0, fmt.Errorf("read window length %q: not a number of seconds", row[4])
	}
	if !r.cfg.ByRegion {
		region = ""
	}
	key := model
	if region != "" {
		key += "@" + region
	}
	g := groups[key]
	if g == nil {
		g = &group{key: key, model: model, region: region, devices: map[device]struct{}{}}
		groups[key] = g
	}
	for text := range strings.SplitSeq(row[5], ",") {
		energy, err := textrow.Decimal(text, unit.EnergyScale)
		if err != nil {
			return n, fmt.Errorf("read energy: %w", err)
		}
		power, ok := meanPower(energy, seconds)
		if !ok {
			return n, fmt.Errorf("energy %s J of a window: more than there can be", text)
		}
		g.powers = append(g.powers, power)
		n++
	}
	g.devices[of] = struct{}{}
	return n, nil
}

// newest returns the end of the last window of the facts, and its length in
// seconds.
func (r *run) newest(ctx context.Context) (end time.Time, seconds int64, err error) {
	const query = "SELECT toUnixTimestamp64Milli(max(window_start)), argMax(window_seconds, window_start), count() FROM facts"
	row, err := textrow.One(ctx, r.set.Store, query)
	if err != nil {
		return end, 0, fmt.Errorf("read facts: %w", err)
	}
	var n [3]int64
	for i := range n {
		v, parsing := strconv.ParseInt(row[i], 10, 64)
		n[i], err = v, cmp.Or(err, parsing)
	}
	switch {
	case err != nil:
		return end, 0, fmt.Errorf("read the end of the facts: %w", err)
	case n[2] == 0:
		return end, 0, errors.New("there are no facts yet")
	}
	return time.UnixMilli(n[0]).Add(time.Duration(n[1]) * time.Second).UTC(), n[1], nil
}
