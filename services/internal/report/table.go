package report

import (
	"fmt"
	"io"
	"math/big"
	"text/tabwriter"

	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/unit"
)

// unallocated stands for nobody in the table.
const unallocated = "(unallocated)"

// table is for people: rounded, in the units they think in.
type table struct {
	query Query
	out   *tabwriter.Writer
}

func newTable(q Query, w io.Writer) *table {
	return &table{query: q, out: tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)}
}

func (t *table) begin() error {
	for _, k := range t.query.keyColumns() {
		fmt.Fprint(t.out, k, "\t")
	}
	_, err := fmt.Fprint(t.out, "device-hours\tbusy %\tkWh\tfacility kWh\tcost\tcurrency\tkg CO2e location\tkg CO2e market\tkg embodied\tcoverage %\t\n")
	return err
}

func (t *table) group(g *group) error {
	for i := range max(1, len(g.costs)) {
		for _, k := range g.key {
			fmt.Fprint(t.out, t.name(k), "\t")
		}
		cost, currency := "", ""
		if i < len(g.costs) {
			cost, currency = scaled(g.costs[i].cost, unit.MoneyScale, 1, 2), g.costs[i].currency
		}
		if i > 0 {
			fmt.Fprintf(t.out, "\t\t\t\t%s\t%s\t\t\t\t\t\n", cost, currency)
			continue
		}
		s := &g.total
		fmt.Fprintf(t.out, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n",
			scaled(s[fact.DeviceSeconds], unit.TimeScale, 3600, 2),
			percent(s[fact.BusySeconds], s[fact.KnownSeconds]),
			scaled(s[fact.Energy], unit.EnergyScale, 3.6e6, 3),
			scaled(s[fact.Facility], unit.EnergyScale, 3.6e6, 3),
			cost, currency,
			kilograms(s, fact.CarbonLocation, fact.LocationIntervals),
			kilograms(s, fact.CarbonMarket, fact.MarketIntervals),
			kilograms(s, fact.Embodied, fact.EmbodiedIntervals),
			percent(s[fact.CoveredSeconds], s[fact.DeviceSeconds]))
	}
	return nil
}

func (t *table) end() error { return t.out.Flush() }

// name is how a key is shown: without a holder it is unallocated; a node, place
// or device without a name has just none.
func (t *table) name(key string) string {
	switch {
	case key != "":
		return key
	case t.query.By == "workload" || t.query.By == "team" || t.query.By == "tenant":
		return unallocated
	}
	return "-"
}

func kilograms(s *sums, c, known fact.Column) string {
	if !s.known(known) {
		return ""
	}
	return scaled(s[c], unit.CarbonScale, 1000, 3)
}

// scaled shows v·10⁻ˢᶜᵃˡᵉ in units of size, rounded.
func scaled(v *big.Int, scale int, size float64, decimals int) string {
	f, _ := new(big.Rat).SetFrac(v, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)).Float64()
	return fmt.Sprintf("%.*f", decimals, f/size)
}

func percent(part, whole *big.Int) string {
	if whole.Sign() == 0 {
		return ""
	}
	f, _ := new(big.Rat).SetFrac(part, whole).Float64()
	return fmt.Sprintf("%.1f", 100*f)
}
