package demo

import (
	"context"
	"fmt"
	"io"
	"math"
	"strconv"
	"text/tabwriter"

	"github.com/ntegral/ntegral/loadtest/internal/estate"
)

// Questions about states and served work, asked in SQL as a user would.
const (
	askHours = `SELECT state, sum(device_hours) AS hours, sum(energy_kwh), sum(cost) FROM states_daily GROUP BY state ORDER BY hours DESC, state`
	askIdle  = `SELECT workload, sum(idle_hours) FROM idle_daily GROUP BY workload`
	askWork  = `SELECT workload, sum(requests), sum(input_tokens), sum(output_tokens) FROM served_hourly GROUP BY workload`
)

// null is how the product writes that nobody knows.
const null = `\N`

// hours prints where the device-hours went, and compares what was planted of
// idle hours, requests and tokens. It returns how many are out of tolerance.
func (s *session) hours(ctx context.Context, truth estate.Truth) (off int, err error) {
	states, err := s.SQL(ctx, askHours)
	if err != nil {
		return 0, fmt.Errorf("ask for states: %w", err)
	}
	s.say("\nWhere the hours went:\n\n")
	if err := printHours(s.o.Out, states); err != nil {
		return 0, err
	}
	if !toldApart(states) {
		s.say("\nThe facts tell no states apart.\n")
		return 0, nil
	}
	idle, err := s.SQL(ctx, askIdle)
	if err != nil {
		return 0, fmt.Errorf("ask for idle hours: %w", err)
	}
	served, err := s.SQL(ctx, askWork)
	if err != nil {
		return 0, fmt.Errorf("ask for served work: %w", err)
	}
	wrong, err := compareWork(truth, idle, served)
	if err != nil {
		return 0, err
	}
	for _, w := range wrong {
		s.say("! %s\n", w)
	}
	if len(wrong) == 0 {
		s.say("\nidle hours, requests and tokens of every workload: as planted (%.2f idle device-h, %.0f requests, %.0f tokens out)\n",
			truth.Total.IdleHours, truth.Total.Requests, truth.Total.OutputTokens)
	}
	return len(wrong), nil
}

// toldApart reports whether any device-hours stand under a state.
func toldApart(states [][]string) bool {
	for _, row := range states {
		if row[0] != "" {
			return true
		}
	}
	return false
}

// printHours prints rows of state, device-hours, kWh and cost.
func printHours(w io.Writer, states [][]string) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(t, "state\tdevice-h\tkWh\tcost USD\t") // tabwriter keeps the error for Flush
	for _, row := range states {
		if len(row) != 4 {
			return fmt.Errorf("read states: %d columns, want 4", len(row))
		}
		cells := [3]*float64{}
		for i := range cells {
			v, err := known(row[i+1])
			if err != nil {
				return fmt.Errorf("read states: %w", err)
			}
			cells[i] = v
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t\n", stateLabel(row[0], cells[0]), cell(cells[0], 2), cell(cells[1], 3), cell(cells[2], 2))
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print states: %w", err)
	}
	return nil
}

// stateLabel names the empty state: nodes without accelerators have no
// device-hours.
func stateLabel(state string, hours *float64) string {
	switch {
	case state != "":
		return state
	case hours != nil && *hours != 0:
		return "(not told apart)"
	}
	return "(no accelerator)"
}

// known reads a cell; nil where nobody knows.
func known(text string) (*float64, error) {
	if text == null {
		return nil, nil
	}
	v, err := strconv.ParseFloat(text, 64)
	return &v, err
}

// idleFloor is a difference of idle hours that never counts: windows at the
// edges of what is planted may fall on either side.
const idleFloor = 0.1

// compareWork lists what is further from the truth than the tolerance. Idle rows
// are workload and hours, served rows workload, requests and both tokens.
func compareWork(truth estate.Truth, idle, served [][]string) (wrong []string, err error) {
	hours, work, err := byWorkload(idle, served)
	if err != nil {
		return nil, err
	}
	say := func(workload, what string, ours, planted float64) {
		wrong = append(wrong, fmt.Sprintf("%s: %.2f %s, planted %.2f", label(workload), ours, what, planted))
	}
	for _, f := range truth.Workloads {
		if d := math.Abs(hours[f.Workload] - f.IdleHours); d > idleFloor && d > tolerance*f.IdleHours {
			say(f.Workload, "idle device-h", hours[f.Workload], f.IdleHours)
		}
		for i, c := range []struct {
			what    string
			planted float64
		}{{"requests", f.Requests}, {"tokens in", f.InputTokens}, {"tokens out", f.OutputTokens}} {
			// A server counts whole ones: two servers, both ends.
			if d := math.Abs(work[f.Workload][i] - c.planted); d > 4 && d > tolerance*c.planted {
				say(f.Workload, c.what, work[f.Workload][i], c.planted)
			}
		}
	}
	return wrong, nil
}

func byWorkload(idle, served [][]string) (hours map[string]float64, work map[string][3]float64, err error) {
	hours, work = map[string]float64{}, map[string][3]float64{}
	for _, row := range append(idle[:len(idle):len(idle)], served...) {
		var v [3]float64
		if len(row) != 2 && len(row) != 4 {
			return nil, nil, fmt.Errorf("read work of workloads: %d columns", len(row))
		}
		for i, text := range row[1:] {
			if v[i], err = strconv.ParseFloat(text, 64); err != nil {
				return nil, nil, fmt.Errorf("read work of %s: %w", label(row[0]), err)
			}
		}
		if len(row) == 2 {
			hours[row[0]] = v[0]
		} else {
			work[row[0]] = v
		}
	}
	return hours, work, nil
}
