package conformance_test

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ntegral/ntegral/pipelines/engine"
	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/replay"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// stream is a run of the streaming engine over a directory, with a random way
// of cutting it into records, steps and restarts.
type stream struct {
	t      testing.TB
	r      *rand.Rand
	cfg    engine.Config
	engine *engine.Engine

	decoder record.SamplesDecoder
	sorted  bool     // columns of a record come by name, so that records are alike
	history [][]byte // that lies outside the engine

	rows      map[fact.Key]map[fact.Dimensions]*fact.Sums
	residuals [3]int64
	corrected int
	late      int64

	delivered int64                // rows of samples that the engine has been told
	stepped   func(*stream, int64) // called at the end of a step, with the watermark; may be nil
}

// runStream feeds a directory through the product's CSV reader and its engine
// and returns what was written in all.
func runStream(t testing.TB, d directory, seed uint64) *stream { return runSteps(t, d, seed, nil) }

// runSteps is runStream with a look at the end of each step before the seals.
func runSteps(t testing.TB, d directory, seed uint64, stepped func(*stream, int64)) *stream {
	s := &stream{t: t, r: rand.New(rand.NewPCG(seed, 7)), cfg: engine.DefaultConfig(), rows: map[fact.Key]map[fact.Dimensions]*fact.Sums{}, stepped: stepped}
	if d.window != 0 {
		s.cfg.Window = d.window
	}
	s.engine, s.sorted = engine.New(s.cfg), s.r.IntN(2) == 0
	estate := replay.NewEstate()
	source := func(name string, rows []row) replay.Source {
		return replay.Source{File: name + ".csv", Reader: csvOf(t, name, rows), Report: func(replay.Fault) {}}
	}
	takenIn := int64(telemetry.MaxTime)
	if !d.takenIn.IsZero() {
		takenIn = d.takenIn.UnixNano()
	}
	for _, row := range replay.ReadInventory(source("inventory", d.inventory), estate) {
		s.engine.ApplyDevice(&row.Device)
	}
	for _, row := range replay.ReadRates(source("rates", d.rates)) {
		s.engine.ApplyRate(&row.Rate)
	}
	for _, row := range replay.ReadPlacements(source("placements", d.placements), estate, takenIn) {
		row.Revision = uint64(row.Number)
		s.engine.ApplyPlacement(&row.Placement)
	}
	samples := replay.NewSamples(source("samples", d.samples), estate, replay.Bounds{TakenIn: takenIn, MaxSkew: s.cfg.MaxFutureSkew.Nanoseconds()})
	s.samples(samples, takenIn)
	s.stepped = nil
	for _, node := range estate.Nodes() {
		s.engine.ApplySeal(record.Seal{Node: node})
		s.endStep(0.3)
	}
	s.endStep(1)
	return s
}

func csvOf(t testing.TB, name string, rows []row) *bytes.Buffer {
	var b bytes.Buffer
	if err := csv.NewWriter(&b).WriteAll(linesOf(name, rows)); err != nil {
		t.Fatal(err)
	}
	return &b
}

// samples packs readings into records of one node and a random number of rows.
func (s *stream) samples(in *replay.Samples, takenIn int64) {
	packs := map[string][]telemetry.Reading{}
	size := 1 + s.r.IntN(200)
	for in.Next() {
		if in.Series == nil {
			continue
		}
		node := in.Series.Node
		if n := newest(packs[node]); in.Time < n-10*minute { // as replay packs: lateness is judged by record
			s.delivered = in.Rows() - 1
			s.record(node, packs[node], takenIn)
			packs[node] = nil
		}
		s.delivered = in.Rows()
		packs[node] = append(packs[node], telemetry.Reading{Device: in.Series.Device, Metric: in.Series.Metric, Time: in.Time, Value: in.Value})
		if len(packs[node]) >= size || s.r.IntN(100) == 0 {
			s.record(node, packs[node], takenIn)
			packs[node] = nil
		}
	}
	for _, node := range sortedKeys(packs) {
		if len(packs[node]) > 0 {
			s.record(node, packs[node], takenIn)
		}
	}
}

func newest(readings []telemetry.Reading) int64 {
	t := int64(0)
	for _, r := range readings {
		t = max(t, r.Time)
	}
	return t
}

// record sends readings as one record through its encoding, now and then twice.
func (s *stream) record(node string, readings []telemetry.Reading, takenIn int64) {
	if s.sorted {
		slices.SortStableFunc(readings, func(a, b telemetry.Reading) int {
			return cmp.Or(strings.Compare(a.Device, b.Device), cmp.Compare(a.Metric, b.Metric))
		})
	}
	b := record.SampleBatch{Node: node, TakenIn: takenIn}
	index := map[[2]string]int{}
	var values [][]int64
	for _, r := range readings {
		key := [2]string{r.Device, r.Metric.String()}
		i, ok := index[key]
		if !ok {
			i = len(b.Series)
			index[key] = i
			b.Axes, values = append(b.Axes, nil), append(values, nil)
			b.Series = append(b.Series, record.SeriesColumn{Device: r.Device, Metric: r.Metric, Axis: i})
		}
		b.Axes[i] = append(b.Axes[i], r.Time)
		values[i] = append(values[i], r.Value)
	}
	for i := range values {
		b.Series[i].Values = record.ColumnOf(values[i]...)
	}
	decoded, err := s.decoder.Decode(b.Append(nil))
	if err != nil {
		s.t.Fatal(err)
	}
	s.engine.ApplySamples(decoded)
	if s.r.IntN(20) == 0 {
		s.engine.ApplySamples(decoded)
	}
	if s.r.IntN(4) == 0 {
		s.collect(s.engine.CloseWindows())
	}
	s.endStep(0.2)
}

// endStep ends the step with a probability, collects its rows and, now and
// then, puts the engine through a snapshot.
func (s *stream) endStep(p float64) {
	if s.r.Float64() >= p {
		return
	}
	r := s.engine.EndStep()
	s.collect(r.Rows)
	if err := s.engine.Err(); err != nil {
		s.t.Fatal(err)
	}
	s.late += r.Counts[telemetry.Late]
	s.residuals[0] |= r.ResidualEnergy
	s.residuals[1] |= r.ResidualMoney
	s.residuals[2] |= r.ResidualTime
	if s.stepped != nil {
		s.stepped(s, r.Watermark)
	}
	if s.r.IntN(20) == 0 {
		s.restart()
	}
}

// collect adds rows up.
func (s *stream) collect(rows []fact.Row) {
	for i := range rows {
		row := &rows[i]
		if row.Reason == fact.ReasonCorrected {
			s.corrected++
		}
		byDimensions := s.rows[row.Key]
		if byDimensions == nil {
			byDimensions = map[fact.Dimensions]*fact.Sums{}
			s.rows[row.Key] = byDimensions
		}
		if byDimensions[row.Dimensions] == nil {
			byDimensions[row.Dimensions] = &fact.Sums{}
		}
		byDimensions[row.Dimensions].Add(&row.Sums)
	}
}

// Recall implements engine.Archive over the stream's history.
func (s *stream) Recall(p engine.Place) ([]byte, error) {
	return s.history[p.Offset][p.At : p.At+p.Size], nil
}

// evict moves the engine's history out of it.
func (s *stream) evict() {
	var offsets []int64
	v, err := s.engine.Evict(1000, 0, func(record []byte) error {
		offsets = append(offsets, int64(len(s.history)))
		s.history = append(s.history, record)
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	v.Placed(offsets, len(offsets)%2*10_000)
}

// restart carries the engine's state over a snapshot.
func (s *stream) restart() {
	s.evict()
	var chunks [][]byte
	if err := s.engine.Snapshot(1000, func(b []byte) error { chunks = append(chunks, b); return nil }); err != nil {
		s.t.Fatal(err)
	}
	restored, err := engine.Restore(s.cfg, func() ([]byte, error) {
		if len(chunks) == 0 {
			return nil, nil
		}
		chunk := chunks[0]
		chunks = chunks[1:]
		return chunk, nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.engine = restored
	s.engine.UseArchive(s)
}

// report sums the rows as `ntegral report` does.
func (s *stream) report(by string) []reportRow {
	groups := map[string]*groupSums{}
	intervals := map[string]int64{}
	costs := map[string]map[string]int64{}
	for key, byDimensions := range s.rows {
		for dims, sums := range byDimensions {
			name := groupOf(by, key, dims)
			id := strings.Join(name, "\x00")
			if groups[id] == nil {
				groups[id], costs[id] = newGroup(name), map[string]int64{}
			}
			groups[id].addSums(sums)
			intervals[id] += sums[fact.Intervals]
			if dims.Currency != "" {
				costs[id][dims.Currency] += sums[fact.CostIntervals]
				groups[id].addCost(dims.Currency, sums[fact.HoldCost]+sums[fact.EnergyCost])
			}
		}
	}
	var out []reportRow
	for _, id := range sortedKeys(groups) {
		if intervals[id] == 0 {
			continue
		}
		for currency, n := range costs[id] {
			if n == 0 {
				delete(groups[id].cost, currency)
			}
		}
		out = append(out, groups[id].rows()...)
	}
	return out
}

func groupOf(by string, k fact.Key, d fact.Dimensions) []string {
	switch by {
	case "workload":
		return []string{d.Workload}
	case "team":
		return []string{d.Team}
	case "tenant":
		return []string{d.Tenant}
	case "cluster":
		return []string{d.Cluster}
	case "region":
		return []string{d.Region}
	case "node":
		return []string{k.Node}
	}
	return []string{k.Node, k.Device}
}

func (g *groupSums) addSums(s *fact.Sums) {
	for sum, column := range map[*big.Int]fact.Column{
		g.times[0]: fact.DeviceSeconds, g.times[1]: fact.BusySeconds, g.times[2]: fact.KnownSeconds,
		g.energies[0]: fact.Energy, g.energies[1]: fact.Overhead, g.energies[2]: fact.Facility,
		g.location: fact.CarbonLocation, g.market: fact.CarbonMarket, g.embodied: fact.Embodied,
		g.covered: fact.CoveredSeconds, g.estimated: fact.Estimated,
	} {
		sum.Add(sum, big.NewInt(s[column]))
	}
	g.knownLocation = g.knownLocation || s[fact.LocationIntervals] > 0
	g.knownMarket = g.knownMarket || s[fact.MarketIntervals] > 0
	g.knownEmbodied = g.knownEmbodied || s[fact.EmbodiedIntervals] > 0
}

func (g *groupSums) addCost(currency string, v int64) {
	if g.cost[currency] == nil {
		g.cost[currency] = new(big.Int)
	}
	g.cost[currency].Add(g.cost[currency], big.NewInt(v))
}
