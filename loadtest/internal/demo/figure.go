package demo

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"strconv"

	"github.com/ntegral/ntegral/loadtest/internal/estate"
)

// readReport turns the exact CSV of a report by workload into the units of the
// truth. A figure that nobody knows stays nil.
func readReport(report []byte) (map[string]estate.Figures, error) {
	rows, err := csv.NewReader(bytes.NewReader(report)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read report: %w", err)
	}
	if len(rows) == 0 {
		return nil, errors.New("read report: it is empty")
	}
	out := map[string]estate.Figures{}
	for _, r := range rows[1:] {
		c := cells{row: map[string]string{}}
		for i, column := range rows[0] {
			c.row[column] = r[i]
		}
		f := estate.Figures{
			Workload: c.row["workload"], Currency: c.row["currency"],
			DeviceHours: c.number("device_seconds") / 3600,
			EnergyKWh:   c.number("energy_j") / 3.6e6, OverheadKWh: c.number("overhead_j") / 3.6e6, FacilityKWh: c.number("facility_j") / 3.6e6,
			Cost:             c.known("cost", 1),
			CarbonLocationKg: c.number("carbon_location_g") / 1000, CarbonMarketKg: c.number("carbon_market_g") / 1000,
			EmbodiedKg: c.known("embodied_g", 1e-3),
		}
		if known := c.number("known_seconds"); known > 0 {
			f.BusyRatio = c.number("busy_seconds") / known
		}
		if c.err != nil {
			return nil, fmt.Errorf("read report of %q: %w", f.Workload, c.err)
		}
		if _, twice := out[f.Workload]; twice {
			return nil, fmt.Errorf("read report: two rows for %q, the estate has one currency", f.Workload)
		}
		out[f.Workload] = f
	}
	return out, nil
}

// cells reads numbers by column name; its first error sticks.
type cells struct {
	row map[string]string
	err error
}

func (c *cells) number(column string) float64 {
	if v := c.known(column, 1); v != nil {
		return *v
	}
	return 0
}

func (c *cells) known(column string, scale float64) *float64 {
	text, ok := c.row[column]
	if !ok && c.err == nil {
		c.err = fmt.Errorf("no column %s", column)
	}
	if text == "" {
		return nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil && c.err == nil {
		c.err = fmt.Errorf("column %s: %w", column, err)
	}
	v *= scale
	return &v
}
