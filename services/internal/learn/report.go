package learn

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ntegral/ntegral/schemas/unit"
)

// Action is what becomes of a group's figure.
type Action string

// The actions.
const (
	TooLittle    Action = "too little seen"
	Implausible  Action = "not plausible"
	Keep         Action = "keep"
	WouldPublish Action = "would publish"
	Published    Action = "published"
)

// Report is what a run found and did.
type Report struct {
	From, To, ValidFrom time.Time
	Quantile            unit.Ratio
	Models              []Model
	Published           int64 // rates
}

// Model is what was found of one model, or of a model in a region.
type Model struct {
	Key              string // of the rate
	Windows, Devices int64  // that were idle
	Figure, Median   unit.Power
	Current          *unit.Power // in force at ValidFrom; nil: none is
	Action           Action
	Apart            []string // regions that have a rate of their own, which one for the model does not reach
}

// source is what a published rate says of where it comes from.
func (r *Report) source(m Model) string {
	return fmt.Sprintf("learned by ntegral from facts %s..%s: %d windows of %d devices, %s quantile", clock(r.From), clock(r.To), m.Windows, m.Devices, percent(r.Quantile))
}

// percent writes a ratio as people do: 50000 is 5 %.
func percent(r unit.Ratio) string {
	text := unit.FormatDecimal(int64(r), unit.RatioScale-2)
	return strings.TrimRight(strings.TrimRight(text, "0"), ".") + " %"
}

// Write prints the report, as table or json.
func (r *Report) Write(w io.Writer, format string) error {
	if format == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "facts from %s to %s\n", clock(r.From), clock(r.To))
	if len(r.Models) > 0 {
		r.writeTable(&b)
	}
	b.WriteString(r.verdict() + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) writeTable(b *strings.Builder) {
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "model\twindows\tdevices\t%s quantile W\tmedian W\tcurrent W\taction\t\n", percent(r.Quantile))
	for _, m := range r.Models {
		current := "-"
		if m.Current != nil {
			current = watts(*m.Current)
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%s\t%s\t%s\t%s\t\n", m.Key, m.Windows, m.Devices, watts(m.Figure), watts(m.Median), current, m.Action)
	}
	_ = t.Flush() // into memory
	for _, m := range r.Models {
		if len(m.Apart) > 0 {
			fmt.Fprintf(b, "%s has a rate of its own in %s, which one for all regions does not reach: see --by-region\n", m.Key, strings.Join(m.Apart, ", "))
		}
	}
}

func watts(p unit.Power) string { return unit.FormatDecimal(int64(p), unit.PowerScale) }

// verdict says in a line what became of the figures.
func (r *Report) verdict() string {
	differ := 0
	for _, m := range r.Models {
		if m.Action == WouldPublish {
			differ++
		}
	}
	switch {
	case r.Published > 0:
		return fmt.Sprintf("learn: published %s, valid from %s", plural(r.Published), clock(r.ValidFrom))
	case differ > 0:
		return fmt.Sprintf("learn: %s would be published, valid from %s; nothing was changed (--publish)", plural(int64(differ)), clock(r.ValidFrom))
	case len(r.Models) == 0:
		return "learn: no accelerator was seen idle, fully measured and fully known"
	}
	return "learn: nothing to publish"
}

func plural(n int64) string {
	if n == 1 {
		return "1 rate"
	}
	return fmt.Sprintf("%d rates", n)
}

// MarshalJSON writes powers in W with all their digits.
func (r *Report) MarshalJSON() ([]byte, error) {
	models := make([]map[string]any, 0, len(r.Models))
	for _, m := range r.Models {
		var current any
		if m.Current != nil {
			current = json.Number(watts(*m.Current))
		}
		models = append(models, map[string]any{
			"key": m.Key, "windows": m.Windows, "devices": m.Devices, "quantile_watts": json.Number(watts(m.Figure)),
			"median_watts": json.Number(watts(m.Median)), "current_watts": current, "action": m.Action, "regions_apart": append([]string{}, m.Apart...),
		})
	}
	return json.Marshal(map[string]any{
		"from": clock(r.From), "to": clock(r.To), "valid_from": r.ValidFrom.UTC().Format(time.RFC3339Nano),
		"quantile": json.Number(unit.FormatDecimal(int64(r.Quantile), unit.RatioScale)), "published": r.Published, "models": models,
	})
}
