package replay

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ntegral/ntegral/schemas/telemetry"
)

// Bounds say which times of readings are accepted.
type Bounds struct {
	TakenIn int64 // when the first reading enters the system, ns
	MaxSkew int64 // how much later than it was taken in a reading may be dated, ns
	Shift   int64 // added to every time before it is looked at, ns
	// Speed is how many times faster than they were taken the readings enter;
	// 0: all at TakenIn.
	Speed float64
}

// Samples reads samples.csv. After Next has returned true, Series, Time and
// Value are the reading.
type Samples struct {
	Series *Series
	Time   int64
	Value  int64

	t      *table
	estate *Estate
	bounds Bounds

	last    *Series
	byText  map[string]*Series
	byName  map[seriesName]*Series
	nodes   []Span
	node    map[string]int
	rowsIn  int64
	faults  [telemetry.NumReasons]int64
	clock   []byte // the time as written of the last row
	instant int64
	first   int64 // time of the first accepted row
	newest  int64 // of all accepted rows
	ready   bool  // instant is that of clock, and accepted
	row     Fault
}

const (
	sampleTime = iota
	sampleNode
	sampleDevice
	sampleMetric
	sampleValue
)

const defaultExplained = 1000

// lateness is the default horizon and delay of a node's watermark together: a
// reading that stands further behind a newer one of its node is refused.
const lateness = int64(15*time.Minute + 30*time.Second)

// NewSamples reads the header. Of a file that cannot be used, having reported
// why, there are no readings.
func NewSamples(src Source, estate *Estate, bounds Bounds) *Samples {
	s := &Samples{
		t: openTable(src, samplesColumns, nil), estate: estate, bounds: bounds,
		byText: make(map[string]*Series), byName: make(map[seriesName]*Series), node: make(map[string]int), last: &Series{},
	}
	return s
}

// Rows counts the rows that have been read, accepted or not.
func (s *Samples) Rows() int64 { return s.rowsIn }

// Bytes counts the bytes that have been read, uncompressed.
func (s *Samples) Bytes() int64 {
	if s.t == nil {
		return 0
	}
	return s.t.rows.read
}

// Spans returns the time between the first and the last accepted reading of
// each node that has one.
func (s *Samples) Spans() []Span { return slices.Clone(s.nodes) }

// WarnOfNoRows warns of a file that has a header and nothing else.
func (s *Samples) WarnOfNoRows(report func(Fault)) {
	if s.t != nil && s.rowsIn == 0 {
		report(Fault{
			File: s.t.src.File, Line: s.t.rows.line, Reason: telemetry.NoReadings, Warning: true,
			Message: "the file has a header and no rows: there is no reading to publish",
		})
	}
}

// WarnOfDisorder warns of nodes whose readings stand so far out of order that
// the processor refuses them as late.
func (s *Samples) WarnOfDisorder(report func(Fault)) {
	for _, span := range s.nodes {
		if span.Behind == 0 {
			continue
		}
		report(Fault{
			File: s.t.src.File, Line: span.Line, Node: span.Node, Warning: true,
			Message: fmt.Sprintf("readings of node %s stand more than %v behind newer ones: %d of them, from this line on; want its rows roughly in the order of time, or they may be refused as late",
				quoteCell(span.Node), time.Duration(lateness), span.Behind),
		})
	}
}

// Next moves on by one row and reports whether there was one. Series is nil
// where it was refused.
func (s *Samples) Next() bool {
	if s.t == nil {
		return false
	}
	if s.t.plain && s.fast() {
		return true
	}
	return s.slow()
}

// fast takes the next row if it is one of a series that has been seen, without
// quotes and without fault; otherwise it leaves the row where it is.
func (s *Samples) fast() bool {
	r := s.t.rows
	line, size, err := r.peek()
	if err != nil || size == 0 {
		return false
	}
	i, j := bytes.IndexByte(line, ','), bytes.LastIndexByte(line, ',')
	if j <= i {
		return false
	}
	key := line[i+1 : j]
	series := s.last.next
	if series == nil || series.text != string(key) {
		if series = s.byText[string(key)]; series == nil {
			return false
		}
		s.last.next = series
	}
	if clock := line[:i]; !s.ready || !bytes.Equal(clock, s.clock) {
		if s.setTime(clock) != telemetry.Accepted {
			return false
		}
	}
	v, reason := telemetry.ParseValue(series.Metric, series.Kind, string(line[j+1:]))
	if reason != telemetry.Accepted {
		return false
	}
	r.consume(size, 1)
	s.last = series
	s.accept(series, v)
	return true
}

func (s *Samples) accept(series *Series, value int64) {
	s.rowsIn++
	s.Series, s.Time, s.Value = series, s.instant, value
	if s.first == 0 {
		s.first, s.newest = s.instant, s.instant
	}
	s.newest = max(s.newest, s.instant)
	span := &s.nodes[series.NodeIndex]
	if span.From <= span.To && s.instant < span.To-lateness {
		if span.Behind++; span.Line == 0 {
			span.Line = s.t.rows.line
		}
	}
	span.From, span.To = min(span.From, s.instant), max(span.To, s.instant)
}

// setTime reads a time as written and remembers it: rows of one moment follow
// each other.
func (s *Samples) setTime(text []byte) telemetry.Reason {
	s.ready = false
	ns, ok := ParseTime(text)
	if !ok {
		return telemetry.Unparsable
	}
	shifted := ns + s.bounds.Shift
	if (shifted < ns) != (s.bounds.Shift < 0) {
		return telemetry.Unparsable
	}
	s.clock, s.instant = append(s.clock[:0], text...), shifted
	reason := telemetry.CheckTime(shifted, s.TakenIn(shifted), s.bounds.MaxSkew)
	s.ready = reason == telemetry.Accepted
	return reason
}

// maxAhead is how far one reading can take the pace ahead: a single false date
// must not let the others wait for it.
const maxAhead = int64(time.Hour)

// TakenIn is when a reading of time t enters the system at the speed wanted, ns.
func (s *Samples) TakenIn(t int64) int64 {
	if s.bounds.Speed == 0 || s.first == 0 {
		return s.bounds.TakenIn
	}
	passed := max(0, min(t, s.newest+maxAhead)-s.first)
	return s.bounds.TakenIn + int64(float64(passed)/s.bounds.Speed)
}

// slow takes the next row the careful way: it makes series known and says what
// is wrong with a row.
func (s *Samples) slow() bool {
	t := s.t
	ok, err := t.rows.next()
	if !ok {
		t.torn()
		return false
	}
	s.Series = nil
	s.row = Fault{Line: t.rows.line}
	switch {
	case errors.Is(err, errLineTooLong):
		s.refuse(telemetry.TooLarge, func() { t.lineFault(err) })
	case err != nil:
		s.refuse(telemetry.Unparsable, func() { t.lineFault(err) })
	case len(t.rows.cells) != len(t.names):
		s.refuse(telemetry.Unparsable, func() { t.rowFault(telemetry.Unparsable, t.wrongCount()) })
	default:
		s.cells()
	}
	return true
}

// refuse counts a row as refused. Only the first faults of a reason are
// explained, so that a file of faults costs no more than one of readings.
func (s *Samples) refuse(reason telemetry.Reason, explain func()) {
	s.rowsIn++
	s.faults[reason]++
	if s.faults[reason] <= cmp.Or(s.t.src.Explained, defaultExplained) {
		explain()
		return
	}
	f := s.row
	f.Reason = reason
	s.t.report(f)
}

func (s *Samples) cells() {
	t := s.t
	if node := t.cell(sampleNode); s.estate.Known(string(node)) {
		s.row.Node = string(node)
	}
	reason := s.setTime(t.cell(sampleTime))
	if reason != telemetry.Unparsable {
		s.row.Time = s.instant
	}
	if reason != telemetry.Accepted {
		s.refuseCell(sampleTime, reason, func() string {
			return quoteCell(string(t.cell(sampleTime))) + ": " + s.timeWanted(reason, t.cell(sampleTime))
		})
		return
	}
	series, column, reason, message := s.find()
	if reason != telemetry.Accepted {
		s.refuseCell(column, reason, message)
		return
	}
	v, reason := telemetry.ParseValue(series.Metric, series.Kind, string(t.cell(sampleValue)))
	if reason != telemetry.Accepted {
		s.refuseCell(sampleValue, reason, func() string {
			return fmt.Sprintf("%s of %s: %s", quoteCell(string(t.cell(sampleValue))), series.Metric, valueWanted(series, reason))
		})
		return
	}
	s.last = series
	s.accept(series, v)
}

func (s *Samples) refuseCell(column int, reason telemetry.Reason, message func() string) {
	s.refuse(reason, func() {
		f := s.t.at(column, reason, message())
		f.Node, f.Time = s.row.Node, s.row.Time
		s.t.report(f)
	})
}
