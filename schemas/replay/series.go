package replay

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// Series is what the readings of one metric of one device have in common.
type Series struct {
	Index     int // of the series, from 0 in the order in which they come
	NodeIndex int // of its node, likewise
	Node      string
	Device    string
	Metric    telemetry.Metric
	Kind      telemetry.Kind

	text string  // the columns node, device and metric with their commas
	next *Series // which came after it last time: most files repeat their order
}

type seriesName struct {
	node, device string
	metric       telemetry.Metric
}

// maxSeries bounds what is remembered of the series' texts. Activities of
// placements make series without end.
const maxSeries = 1 << 20

// find returns the series of the row, or which column stands in the way.
func (s *Samples) find() (_ *Series, column int, reason telemetry.Reason, message func() string) {
	t := s.t
	for _, c := range [...]int{sampleNode, sampleDevice, sampleMetric} {
		if reason, text := checkText(t.cell(c), record.MaxName); reason != telemetry.Accepted {
			return nil, c, reason, func() string { return text }
		}
	}
	name := seriesName{node: string(t.cell(sampleNode)), device: string(t.cell(sampleDevice))}
	metric := string(t.cell(sampleMetric))
	if !s.estate.Known(name.node) {
		return nil, sampleNode, telemetry.UnknownNode, func() string { return quoteCell(name.node) + ": want a node of the inventory" }
	}
	device, ok := s.estate.Metered(name.node, name.device)
	if !ok {
		return nil, sampleDevice, telemetry.UnknownDevice, func() string {
			return fmt.Sprintf("%s: want a device that the inventory has for node %s", quoteCell(name.device), quoteCell(name.node))
		}
	}
	name.metric = telemetry.ParseMetric(metric)
	if !name.metric.Known() {
		return nil, sampleMetric, telemetry.UnknownMetric, func() string {
			return fmt.Sprintf("%s: want one of %s", quoteCell(metric), strings.Join(telemetry.MetricNames(), " "))
		}
	}
	return s.intern(name, device.Kind, metric), 0, telemetry.Accepted, nil
}

func (s *Samples) intern(name seriesName, kind telemetry.Kind, metric string) *Series {
	series := s.byName[name]
	if series == nil {
		node, ok := s.node[name.node]
		if !ok {
			node = len(s.nodes)
			s.node[name.node] = node
			s.nodes = append(s.nodes, Span{Node: name.node, From: math.MaxInt64, To: math.MinInt64})
		}
		series = &Series{
			Index: len(s.byName), NodeIndex: node, Node: name.node, Device: name.device, Metric: name.metric, Kind: kind,
			text: name.node + "," + name.device + "," + metric,
		}
		s.byName[name] = series
	}
	// A name with a comma or quote never stands in a plain line as it is here:
	// the line would have more cells than the header.
	if len(s.byText) < maxSeries && !strings.ContainsAny(name.node+name.device, ",\"") {
		s.byText[series.text] = series
	}
	return series
}

func (s *Samples) timeWanted(reason telemetry.Reason, text []byte) string {
	switch reason {
	case telemetry.TooOld:
		return "want a time after 1999"
	case telemetry.InFuture:
		return fmt.Sprintf("want a time at most %v after now, which is %s", time.Duration(s.bounds.MaxSkew), stamp(s.bounds.TakenIn))
	}
	return hintOf(text)
}

// valueWanted says what would be right in place of a refused value.
func valueWanted(series *Series, reason telemetry.Reason) string {
	switch reason {
	case telemetry.NotFinite:
		return "want a finite number, or no row where there is no reading"
	case telemetry.Negative:
		return "want 0 or more"
	case telemetry.Sentinel:
		return "a driver's mark for a missing value: want no row where there is no reading"
	case telemetry.OutOfRange:
		switch series.Metric {
		case telemetry.PowerWatts, telemetry.PowerLimit:
			return fmt.Sprintf("want at most %s for a device of kind %s", telemetry.MaxPower(series.Kind), series.Kind)
		case telemetry.EnergyJoules:
			return "want at most 10^12 J; a counter in mJ is divided by 1000"
		}
		if strings.HasSuffix(series.Metric.String(), "_ratio") {
			return "want a ratio of at most 1.05; percent are divided by 100"
		}
		return "want a number that fits 63 bits in the metric's unit"
	}
	return "want a decimal number such as 612.5"
}
