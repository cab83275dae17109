package chaos

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ntegral/ntegral/loadtest/internal/product"
)

// key is what a fact is identified by; rows of one key add up.
var key = []string{"window_start", "node", "device", "placement", "state"}

// apart are numeric columns that say who wrote a row, not what it says.
var apart = []string{"task", "epoch", "step", "part", "window_seconds"}

// outcome is what a system says after a replay.
type outcome struct {
	columns []string          // of the sums, for messages
	sums    map[string]string // by key, cells joined by tabs
	reports map[string]string // by grouping
}

// take reads the outcome, and fails where verify finds anything or where a step
// stands in the table more than once.
func take(ctx context.Context, s *product.System) (outcome, error) {
	o := outcome{sums: map[string]string{}, reports: map[string]string{}}
	if verdict, err := s.Verify(ctx); err != nil {
		return o, fmt.Errorf("%s: %w", verdict, err)
	}
	doubled, err := s.SQL(ctx, "SELECT task, step, uniqExact(epoch) AS epochs FROM facts GROUP BY task, step HAVING epochs > 1 LIMIT 5")
	if err != nil {
		return o, err
	}
	if len(doubled) > 0 {
		return o, fmt.Errorf("steps that two epochs wrote (task, step, epochs): %v", doubled)
	}
	described, err := s.SQL(ctx, "DESCRIBE TABLE facts")
	if err != nil {
		return o, err
	}
	o.columns = sumColumns(described)
	rows, err := s.SQL(ctx, sumQuery(o.columns))
	if err != nil {
		return o, err
	}
	for _, r := range rows {
		o.sums[strings.Join(r[:len(key)], " ")] = strings.Join(r[len(key):], "\t")
	}
	for _, by := range product.Groupings {
		report, err := s.Report(ctx, by)
		if err != nil {
			return o, err
		}
		o.reports[by] = string(report)
	}
	return o, nil
}

// sumColumns picks the columns of facts that are sums: the additive numbers.
func sumColumns(described [][]string) []string {
	var out []string
	for _, d := range described {
		if len(d) < 2 || slices.Contains(apart, d[0]) {
			continue
		}
		if strings.HasPrefix(d[1], "Decimal") || strings.HasPrefix(d[1], "Int") || strings.HasPrefix(d[1], "UInt") {
			out = append(out, d[0])
		}
	}
	return out
}

// sumQuery asks for the sums by key, leaving out keys whose rows cancel out:
// a correction to zero and no row at all are the same statement.
func sumQuery(columns []string) string {
	var sums, some []string
	for _, c := range columns {
		sums = append(sums, fmt.Sprintf("sum(f.%s) AS s_%s", c, c))
		some = append(some, "s_"+c+" != 0")
	}
	by := "f." + strings.Join(key, ", f.")
	return fmt.Sprintf("SELECT %s, %s FROM facts AS f GROUP BY %s HAVING %s", by, strings.Join(sums, ", "), by, strings.Join(some, " OR "))
}

// compare counts the keys that differ, by how.
func (o outcome) compare(other outcome) string {
	missing, extra, changed := 0, 0, 0
	for k, v := range o.sums {
		if w, ok := other.sums[k]; !ok {
			missing++
		} else if v != w {
			changed++
		}
	}
	for k := range other.sums {
		if _, ok := o.sums[k]; !ok {
			extra++
		}
	}
	return fmt.Sprintf("of %d keys %d are missing, %d too many, %d have other sums", len(o.sums), missing, extra, changed)
}

// shown is how many differences a message lists.
const shown = 10

// differences says where two outcomes differ; empty means nowhere.
func (o outcome) differences(other outcome) []string {
	var out []string
	for k, v := range o.sums {
		if w, ok := other.sums[k]; !ok {
			out = append(out, "missing: "+k)
		} else if v != w {
			out = append(out, "differs: "+k+": "+o.cells(v, w))
		}
	}
	for k := range other.sums {
		if _, ok := o.sums[k]; !ok {
			out = append(out, "too many: "+k)
		}
	}
	slices.Sort(out)
	if len(out) > shown {
		out = append(out[:shown], fmt.Sprintf("and %d more keys", len(out)-shown))
	}
	for _, by := range product.Groupings {
		if o.reports[by] != other.reports[by] {
			out = append(out, "report by "+by+" differs")
		}
	}
	return out
}

// cells names the columns in which two rows differ.
func (o outcome) cells(a, b string) string {
	x, y := strings.Split(a, "\t"), strings.Split(b, "\t")
	var out []string
	for i := range min(len(x), len(y), len(o.columns)) {
		if x[i] != y[i] {
			out = append(out, fmt.Sprintf("%s %s, disturbed %s", o.columns[i], x[i], y[i]))
		}
	}
	return strings.Join(out, "; ")
}
