package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"

	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/unit"
	"github.com/ntegral/ntegral/services/internal/textrow"
)

// writer writes a report in one format.
type writer interface {
	begin() error
	group(*group) error
	end() error
}

func newWriter(q Query, w io.Writer) writer {
	switch q.Format {
	case "csv":
		return &csvWriter{keys: q.keyColumns(), out: csv.NewWriter(w)}
	case "json":
		return &jsonWriter{keys: q.keyColumns(), out: w}
	}
	return newTable(q, w)
}

// figure is a column of the exact formats.
type figure struct {
	name string
	of   fact.Column
	// unless is the column that counts what is known of it; the figure is
	// unknown where that is zero. Columns that are always known have none.
	unless fact.Column
}

const always = fact.NumColumns

// The figures stand before and behind the cost and its currency.
var (
	beforeCost = []figure{
		{"device_seconds", fact.DeviceSeconds, always},
		{"busy_seconds", fact.BusySeconds, always},
		{"known_seconds", fact.KnownSeconds, always},
		{"energy_j", fact.Energy, always},
		{"overhead_j", fact.Overhead, always},
		{"facility_j", fact.Facility, always},
	}
	afterCost = []figure{
		{"carbon_location_g", fact.CarbonLocation, fact.LocationIntervals},
		{"carbon_market_g", fact.CarbonMarket, fact.MarketIntervals},
		{"embodied_g", fact.Embodied, fact.EmbodiedIntervals},
		{"covered_seconds", fact.CoveredSeconds, always},
		{"estimated_j", fact.Estimated, always},
	}
)

// header names the columns behind the key.
func header() []string {
	var names []string
	for _, f := range beforeCost {
		names = append(names, f.name)
	}
	names = append(names, "cost", "currency")
	for _, f := range afterCost {
		names = append(names, f.name)
	}
	return names
}

// lines returns the exact lines of a group without its key; an empty cell is
// one that nobody knows, or that stands in the group's first line.
func lines(g *group) [][]string {
	var all [][]string
	for i := range max(1, len(g.costs)) {
		var line []string
		cells := func(figures []figure) {
			for _, f := range figures {
				if i > 0 || f.unless != always && !g.total.known(f.unless) {
					line = append(line, "")
					continue
				}
				line = append(line, textrow.Format(g.total[f.of], fact.Columns[f.of].Scale))
			}
		}
		cells(beforeCost)
		if i < len(g.costs) {
			line = append(line, textrow.Format(g.costs[i].cost, unit.MoneyScale), g.costs[i].currency)
		} else {
			line = append(line, "", "")
		}
		cells(afterCost)
		all = append(all, line)
	}
	return all
}

type csvWriter struct {
	keys []string
	out  *csv.Writer
}

func (c *csvWriter) begin() error {
	return c.out.Write(append(c.keys[:len(c.keys):len(c.keys)], header()...))
}

func (c *csvWriter) group(g *group) error {
	for _, line := range lines(g) {
		if err := c.out.Write(append(g.key[:len(g.key):len(g.key)], line...)); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
	}
	return nil
}

func (c *csvWriter) end() error {
	c.out.Flush()
	return c.out.Error()
}

// jsonWriter writes an array of objects. Keys keep their order, which a map
// would not.
type jsonWriter struct {
	keys  []string
	out   io.Writer
	lines int
}

func (j *jsonWriter) begin() error {
	_, err := io.WriteString(j.out, "[")
	return err
}

func (j *jsonWriter) group(g *group) error {
	names := append(j.keys[:len(j.keys):len(j.keys)], header()...)
	for _, line := range lines(g) {
		object := []byte(",\n{")
		if j.lines == 0 {
			object = []byte("\n{")
		}
		j.lines++
		for i, name := range names {
			if i > 0 {
				object = append(object, ", "...)
			}
			object = append(appendJSON(object, name), ": "...)
			switch {
			case i < len(g.key):
				object = appendJSON(object, g.key[i])
			case line[i-len(g.key)] == "":
				object = append(object, "null"...)
			default:
				object = appendJSON(object, line[i-len(g.key)])
			}
		}
		if _, err := j.out.Write(append(object, '}')); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
	}
	return nil
}

func (j *jsonWriter) end() error {
	_, err := io.WriteString(j.out, "\n]\n")
	return err
}

func appendJSON(b []byte, s string) []byte {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always marshals
	}
	return append(b, text...)
}
