package engine

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"unique"

	"github.com/ntegral/ntegral/pipelines/attribution"
	"github.com/ntegral/ntegral/pipelines/meter"
	"github.com/ntegral/ntegral/pipelines/rate"
	"github.com/ntegral/ntegral/schemas/fact"
	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// never is a time before all others.
const never = math.MinInt64

// Engine is the state of one task.
type Engine struct {
	cfg       limits
	rates     *rate.Table
	nodes     map[string]*node
	calc      attribution.Calculator
	partition int64 // partition time: the largest watermark, never if none
	touched   []*node
	postponed []*node // whose readings are to be packed when the step ends
	unordered bool    // touched has nodes in an order that a restart does not repeat
	result    Result
	letters   map[letterKey]int
	batch     columnBuffer
	axes      []axisState
	axisID    uint64 // of the last of all axes of records
	packer    packer
	packed    int // see Packed
	vault     vault
	order     rowOrder
	budget    int64  // windows that the step may still close
	fresh     bool   // the record at hand says something new
	run       string // of reconciliation that counts, and the last record of it
	sequence  uint64
}

// limits is Config in nanoseconds.
type limits struct {
	window, maxGap, maxSilence, hold, maxDelay, horizon, idleAfter, maxFutureSkew int64
}

// New returns an engine without state. The configuration must be valid.
func New(cfg Config) *Engine {
	l := limits{
		window: cfg.Window.Nanoseconds(), maxGap: cfg.MaxGap.Nanoseconds(), maxSilence: cfg.MaxSilence.Nanoseconds(), hold: cfg.Hold.Nanoseconds(),
		maxDelay: cfg.MaxDelay.Nanoseconds(), horizon: cfg.Horizon.Nanoseconds(), idleAfter: cfg.IdleAfter.Nanoseconds(), maxFutureSkew: cfg.MaxFutureSkew.Nanoseconds(),
	}
	e := &Engine{cfg: l, rates: rate.NewTable(), nodes: map[string]*node{}, partition: never, letters: map[letterKey]int{}, budget: maxClosing}
	e.calc.Window = l.window
	e.calc.Thresholds = cfg.State.thresholds()
	e.calc.Reader.Limits = meter.Limits{MaxGap: l.maxGap, MaxSilence: l.maxSilence, Hold: l.hold}
	return e
}

// ApplyRate publishes a rate.
func (e *Engine) ApplyRate(r *telemetry.Rate) {
	if r.To <= r.From {
		e.refuse(telemetry.EndNotAfterStart, "", "rate "+r.Kind.String()+" "+r.Key, 1, 0, 0)
		return
	}
	if r.Kind == telemetry.RateUnknown {
		e.refuse(telemetry.ImplausibleRate, "", "unknown kind of rate", 1, 0, 0)
		return
	}
	if !telemetry.PlausibleRate(r.Kind, r.Value) {
		e.refuse(telemetry.ImplausibleRate, "", fmt.Sprintf("rate %s %s: value %d is out of bounds", r.Kind, r.Key, r.Value), 1, 0, 0)
		return
	}
	if e.rates.Has(r) {
		return
	}
	var concerned []*node
	for _, n := range e.nodes {
		if n.emitted > r.From && n.concerns(r) {
			concerned = append(concerned, n)
		}
	}
	slices.SortFunc(concerned, byID) // as a restart does, and as their history lies in the archive
	for _, n := range concerned {
		e.touch(n, r.From)
	}
	e.rates.Set(r)
}

// concerns reports whether a rate is looked up for the node or one of its
// accelerators.
func (n *node) concerns(r *telemetry.Rate) bool {
	wall, ok := n.devices[""]
	if !ok {
		return false
	}
	switch r.Kind {
	case telemetry.RateElectricity, telemetry.RatePUE, telemetry.RateGridLocation, telemetry.RateGridMarket:
		return slices.Contains(rate.NodeKeys(&wall.Device), r.Key)
	case telemetry.RateInstancePrice:
		return slices.Contains(rate.RegionalKeys(wall.InstanceType, wall.Region), r.Key)
	}
	for _, d := range n.devices {
		if d.Kind == telemetry.KindGPU && slices.Contains(rate.RegionalKeys(d.Model, wall.Region), r.Key) {
			return true
		}
	}
	return false
}

// ApplyDevice takes a row of the inventory.
func (e *Engine) ApplyDevice(d *telemetry.Device) {
	if !fitsNode(d) {
		e.refuse(telemetry.UnknownDevice, d.Node, "device "+d.ID+": kind "+d.Kind.String()+" does not fit", 1, 0, 0)
		return
	}
	n := e.node(d.Node)
	known, ok := n.devices[d.ID]
	if ok && known.Device == *d {
		return
	}
	e.touch(n, never)
	n.layout = layout{} // their kinds may change
	if !ok {
		n.needWindows(never) // places in history are those of the devices of its time
		n.order = nil
		known = &attribution.Device{}
		n.devices[d.ID] = known
	}
	known.Device = shared(d)
	known.Device.Node = n.id
	known.Readings.MaxPower = int64(telemetry.MaxPower(d.Kind))
	n.tree, n.holding = nil, nil
}

// fitsNode reports whether a row has a known kind, and the node's own that of a wall.
func fitsNode(d *telemetry.Device) bool {
	return d.Kind != telemetry.KindUnknown && (d.ID != "" || d.Kind == telemetry.KindWall)
}

// shared is a device whose texts lie in the memory of equal ones, of devices that were
// read about the same time: most are those of all.
func shared(d *telemetry.Device) telemetry.Device {
	own := *d
	for _, s := range []*string{&own.Model, &own.Parent, &own.Provider, &own.Region, &own.Zone, &own.InstanceType, &own.Cluster, &own.Tenant} {
		*s = unique.Make(*s).Value()
	}
	return own
}

// ApplyPlacement takes a version of a placement.
func (e *Engine) ApplyPlacement(p *telemetry.Placement) {
	n := e.node(p.Node)
	if reason := n.check(p); reason != telemetry.Accepted {
		e.refuse(reason, p.Node, "placement "+p.ID, 1, p.Start, p.Start)
		if neverFits(reason) {
			return
		}
	}
	old := n.placements[p.ID]
	versions := n.withVersion(old, p)
	before, after := n.counting(old), n.counting(versions)
	if !samePlacement(before, after) {
		e.touch(n, e.changesFrom(n, before, after))
		n.holding = nil
	}
	n.placements[p.ID] = versions
}

// ApplySeal closes all windows of a node: nothing follows for now.
func (e *Engine) ApplySeal(s record.Seal) {
	n := e.nodes[s.Node]
	if n == nil || !n.known() {
		e.refuse(telemetry.UnknownNode, s.Node, "seal", 1, 0, 0)
		return
	}
	n.heard = e.partition
	e.moveFrontier(n, n.lastReading)
	n.closeTo = max(n.closeTo, e.ceiling(n.presenceEnd(e)))
	e.mention(n)
}

// EndStep closes windows and returns what the step produced but for the rows that
// CloseWindows has returned, valid until the next call.
func (e *Engine) EndStep() *Result {
	r := &e.result
	e.closeIdle()
	rows := e.closeWindows(false)
	e.packPostponed()
	e.budget = maxClosing
	slices.SortFunc(r.Letters, compareLetters)
	r.Watermark = 0
	if e.partition != never {
		r.Watermark = e.partition
	}
	done := *r
	done.Rows = rows
	e.result = Result{Rows: rows[:0]}
	clear(e.letters)
	return &done
}

// SkipStep ends a step whose rows are out already: during recovery.
func (e *Engine) SkipStep() {
	e.closeIdle()
	e.skipWindows(false)
	e.packPostponed()
	e.budget = maxClosing
	e.result = Result{Rows: e.result.Rows[:0]}
	clear(e.letters)
}

// CloseWindows closes windows within a step, as its end would, and returns the rows
// that the step has gained since it was called last, in the order of Result.Rows and
// valid until the next call. A step that brings hours of readings then holds minutes
// of them and of their rows at a time, for which memory is there already and in the
// cache (ADR 0012).
func (e *Engine) CloseWindows() []fact.Row { return e.closeWindows(true) }

func (e *Engine) closeWindows(within bool) []fact.Row {
	e.inOrder()
	for _, n := range e.touched {
		e.result.Rows = e.emit(e.result.Rows, n, &e.budget)
	}
	e.finish(within)
	rows := e.result.Rows
	if !ofOneDay(rows) {
		e.order.byDay(rows)
	}
	e.result.Rows = rows[:0]
	return rows
}

// SkipWindows is CloseWindows in a step that will be skipped. Both have to come after
// the same events, as steps have to end after the same.
func (e *Engine) SkipWindows() { e.skipWindows(true) }

func (e *Engine) skipWindows(within bool) {
	e.inOrder()
	for _, n := range e.touched {
		if n.known() {
			n.emitted = max(n.emitted, e.closable(n, &e.budget))
		}
	}
	e.finish(within)
}

// inOrder puts the touched nodes into an order that a restart repeats: those that were
// left over by ID, then as they came.
func (e *Engine) inOrder() {
	if e.unordered {
		slices.SortFunc(e.touched, byID)
		e.unordered = false
	}
}

func byID(a, b *node) int { return strings.Compare(a.id, b.id) }

// Pending reports whether windows are closed whose rows the last step had no
// room for. Another step, also one without input, goes on with them.
func (e *Engine) Pending() bool { return len(e.touched) > 0 }

// finish forgets what the step no longer needs.
func (e *Engine) finish(within bool) {
	left := e.touched[:0]
	for _, n := range e.touched {
		n.mentioned, n.before, n.beforeFrom = false, n.before[:0], math.MaxInt64
		n.outsideBefore = attribution.Totals{}
		if n.emitted < n.closeTo {
			n.mentioned = true
			left = append(left, n)
			continue
		}
		e.pack(n, within)
		e.trim(n)
	}
	slices.SortFunc(left, byID)
	e.touched = left
}

// packPostponed packs what the closings within a step have left.
func (e *Engine) packPostponed() {
	for _, n := range e.postponed {
		n.postponed = false
		e.pack(n, false)
		e.trim(n)
	}
	clear(e.postponed)
	e.postponed = e.postponed[:0]
}

// closeIdle closes windows of nodes that have been silent for idle_after of
// the partition's time. A node's own time then goes on at the partition's
// pace, from its last reading.
func (e *Engine) closeIdle() {
	if e.partition == never {
		return
	}
	for _, n := range e.nodes {
		if n.newest == never || n.heard == never {
			continue
		}
		silence := e.partition - n.heard
		if silence < e.cfg.idleAfter {
			continue
		}
		if edge := e.floor(n.newest + silence); edge > n.closeTo && n.closeTo < n.presenceEnd(e) {
			n.closeTo = edge
			e.mention(n)
			e.unordered = true
		}
	}
}

func compareLetters(a, b Letter) int {
	last := 0
	switch {
	case b.Correction && !a.Correction:
		last = -1
	case a.Correction && !b.Correction:
		last = 1
	}
	return cmp.Or(strings.Compare(a.Node, b.Node), cmp.Compare(a.Reason, b.Reason), last)
}

func (e *Engine) node(id string) *node {
	n := e.nodes[id]
	if n == nil {
		n = newNode(id)
		n.vault = &e.vault
		e.nodes[id] = n
	}
	return n
}

func (e *Engine) floor(t int64) int64 {
	r := t % e.cfg.window
	if r < 0 {
		r += e.cfg.window
	}
	return t - r
}

func (e *Engine) ceiling(t int64) int64 {
	if t == never {
		return never
	}
	if f := e.floor(t); f != t {
		return f + e.cfg.window
	}
	return t
}

// back returns t - d, but not before never.
func back(t, d int64) int64 {
	if t < never+d {
		return never
	}
	return t - d
}

type letterKey struct {
	reason     telemetry.Reason
	node       string
	correction bool
}

// refuse counts events that are refused or kept out, and gathers them by node
// and reason in one letter.
func (e *Engine) refuse(reason telemetry.Reason, node, detail string, count uint64, first, last int64) {
	e.addLetter(letterKey{reason: reason, node: node}, detail, count, first, last)
}

func (e *Engine) addLetter(key letterKey, detail string, count uint64, first, last int64) {
	e.result.Counts[key.reason] += int64(count)
	i, ok := e.letters[key]
	if !ok {
		e.letters[key] = len(e.result.Letters)
		e.result.Letters = append(e.result.Letters, Letter{
			Reason: key.reason, Node: key.node, Correction: key.correction, Detail: detail, Count: count, First: first, Last: last,
		})
		return
	}
	l := &e.result.Letters[i]
	l.Count += count
	l.First, l.Last = min(l.First, first), max(l.Last, last)
}
