package estate

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"fmt"
	"strconv"
	"time"

	"github.com/ntegral/ntegral/loadtest/internal/replaydir"
)

//go:embed reference.csv
var referenceCSV []byte

// currency of the whole estate; one, so that its totals can be added up.
const currency = "USD"

// rate is a row of rates.csv together with its number.
type rate struct {
	replaydir.Rate
	value float64
}

// rates are the reference rows and the planted electricity tariff, which
// becomes dearer in the middle of the recording, inside running workloads.
func rates(start time.Time, duration time.Duration) ([]rate, error) {
	rows, err := csv.NewReader(bytes.NewReader(referenceCSV)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read reference table: %w", err)
	}
	var out []rate
	for _, r := range rows[1:] {
		from, err := parseStamp(r[4])
		if err != nil {
			return nil, err
		}
		to, err := parseStamp(r[5])
		if err != nil {
			return nil, err
		}
		source := r[6] + "; " + r[7] + "; " + r[8]
		if out, err = appendRate(out, replaydir.Rate{Kind: r[0], Key: r[1], Value: r[2], Unit: r[3], From: from, To: to, Source: source}); err != nil {
			return nil, err
		}
	}
	evening := start.Add(duration / 2).Truncate(time.Minute)
	for _, t := range []replaydir.Rate{
		{Value: "0.184", To: evening},
		{Value: "0.236", From: evening},
	} {
		t.Kind, t.Key, t.Unit, t.Source = "electricity", "eu-central-1", currency+"/kWh", "illustrative two-step tariff; 2026-09; ours"
		if out, err = appendRate(out, t); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func appendRate(rows []rate, r replaydir.Rate) ([]rate, error) {
	v, err := strconv.ParseFloat(r.Value, 64)
	if err != nil {
		return nil, fmt.Errorf("read value of %s %s: %w", r.Kind, r.Key, err)
	}
	return append(rows, rate{Rate: r, value: v}), nil
}

func parseStamp(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, fmt.Errorf("read validity: %w", err)
	}
	return t, nil
}

// resolve finds the rate of kind at t: the first of keys that has a valid row,
// and of several rows the one that began last.
func resolve(rows []rate, kind string, t time.Time, keys ...string) (float64, bool) {
	for _, key := range keys {
		var best *rate
		for i := range rows {
			r := &rows[i]
			if r.Kind != kind || r.Key != key || t.Before(r.From) || (!r.To.IsZero() && !t.Before(r.To)) {
				continue
			}
			if best == nil || r.From.After(best.From) {
				best = r
			}
		}
		if best != nil {
			return best.value, true
		}
	}
	return 0, false
}
