package conformance_test

import (
	"math/big"
	"sort"
	"strings"
)

// rate is a row that counts.
type rate struct {
	kind, key string
	valid     interval
	value     int64 // 10⁻⁹ currency, ppm, µg, ns or µW
	currency  string
}

// rateUnits gives the unit of each kind as written and how many integer units
// one of it is. "CUR" stands for a currency.
var rateUnits = map[string]struct {
	unit  string
	scale int64
}{
	"device_price": {"CUR/h", 1e9}, "instance_price": {"CUR/h", 1e9}, "electricity": {"CUR/kWh", 1e9},
	"pue": {"1", 1e6}, "grid_location": {"g/kWh", 1e6}, "grid_market": {"g/kWh", 1e6},
	"embodied": {"kg", 1e9}, "lifetime": {"h", hour}, "idle_power": {"W", 1e6}, "full_power": {"W", 1e6},
}

const (
	defaultLifetime = 35_040 * hour
	million         = int64(1e6)
	microPerKWh     = int64(3.6e12) // µJ in a kWh
)

// readRates keeps the last row of each (kind, key, valid_from) (section 7).
func readRates(rows []row) []rate {
	type identity struct {
		kind, key string
		from      int64
	}
	latest := make(map[identity]rate)
	for _, r := range rows {
		if v, ok := rateOf(r); ok {
			latest[identity{v.kind, v.key, v.valid.from}] = v
		}
	}
	out := make([]rate, 0, len(latest))
	for _, v := range latest {
		out = append(out, v)
	}
	sort.Slice(out, func(i, j int) bool {
		a, b := out[i], out[j]
		if a.kind != b.kind {
			return a.kind < b.kind
		}
		if a.key != b.key {
			return a.key < b.key
		}
		return a.valid.from < b.valid.from
	})
	return out
}

// rateOf reads one row, or rejects it.
func rateOf(r row) (rate, bool) {
	u, known := rateUnits[r["kind"]]
	x, ok := number(r["value"])
	if !known || !ok {
		return rate{}, false
	}
	v := rate{kind: r["kind"], key: r["key"], valid: interval{unboundedFrom, unboundedTo}}
	if suffix, priced := strings.CutPrefix(u.unit, "CUR"); priced {
		if v.currency, ok = strings.CutSuffix(r["unit"], suffix); !ok || v.currency == "" {
			return rate{}, false
		}
	} else if r["unit"] != u.unit {
		return rate{}, false
	}
	if v.value, ok = scaled(x, u.scale); !ok {
		return rate{}, false
	}
	if r["valid_from"] != "" {
		if v.valid.from, ok = instant(r["valid_from"]); !ok {
			return rate{}, false
		}
	}
	if r["valid_to"] != "" {
		if v.valid.to, ok = instant(r["valid_to"]); !ok {
			return rate{}, false
		}
	}
	return v, v.valid.to > v.valid.from
}

// span is the time during which a kind of rate resolves to one row, nil: none.
type span struct {
	interval
	rate *rate
}

// timeline covers all time with spans; neighbours differ in their row.
type timeline []span

// resolve lays the most specific key with a valid rate over time; overlapping
// validity: the later valid_from wins.
func resolve(rates []rate, kind string, keys []string) timeline {
	cuts := []int64{unboundedFrom, unboundedTo}
	for _, r := range rates {
		if r.kind == kind {
			cuts = append(cuts, r.valid.from, r.valid.to)
		}
	}
	cuts = sortedSet(cuts)
	var out timeline
	for i := 1; i < len(cuts); i++ {
		at := best(rates, kind, keys, cuts[i-1])
		if last := len(out) - 1; last >= 0 && out[last].rate == at {
			out[last].to = cuts[i]
			continue
		}
		out = append(out, span{interval{cuts[i-1], cuts[i]}, at})
	}
	return out
}

func best(rates []rate, kind string, keys []string, t int64) *rate {
	for _, key := range keys {
		var found *rate
		for i := range rates {
			r := &rates[i]
			if r.kind == kind && r.key == key && r.valid.from <= t && t < r.valid.to &&
				(found == nil || r.valid.from > found.valid.from) {
				found = r
			}
		}
		if found != nil {
			return found
		}
	}
	return nil
}

// at is the span that holds t.
func (l timeline) at(t int64) span {
	for _, s := range l {
		if s.from <= t && t < s.to {
			return s
		}
	}
	panic("a timeline has a hole")
}

// deviceKeys are the keys of an accelerator's rates, most specific first.
func (n *node) deviceKeys(d *device) []string { return qualified(d.model, n.region) }

// instanceKeys are the keys of a node's instance_price.
func (n *node) instanceKeys() []string { return qualified(n.instanceType, n.region) }

func qualified(name, region string) []string {
	switch {
	case name == "":
		return nil
	case region == "":
		return []string{name}
	}
	return []string{name + "@" + region, name}
}

// placeKeys are the keys of electricity, pue and grid factors.
func (n *node) placeKeys() []string {
	var keys []string
	for _, k := range []string{n.cluster, n.zone, n.region} {
		if k != "" {
			keys = append(keys, k)
		}
	}
	return append(keys, "")
}

// priced are all timelines of one node.
type priced struct {
	instance, electricity, pue, location, market timeline
	device, embodied, lifetime, idle, full       map[string]timeline // by accelerator
}

func pricesOf(n *node, rates []rate) priced {
	p := priced{
		instance:    resolve(rates, "instance_price", n.instanceKeys()),
		electricity: resolve(rates, "electricity", n.placeKeys()),
		pue:         resolve(rates, "pue", n.placeKeys()),
		location:    resolve(rates, "grid_location", n.placeKeys()),
		market:      resolve(rates, "grid_market", n.placeKeys()),
		device:      make(map[string]timeline), embodied: make(map[string]timeline),
		lifetime: make(map[string]timeline), idle: make(map[string]timeline), full: make(map[string]timeline),
	}
	for _, id := range n.accelerators {
		keys := n.deviceKeys(n.devices[id])
		p.device[id] = resolve(rates, "device_price", keys)
		p.embodied[id] = resolve(rates, "embodied", keys)
		p.lifetime[id] = resolve(rates, "lifetime", keys)
		p.idle[id] = resolve(rates, "idle_power", keys)
		p.full[id] = resolve(rates, "full_power", keys)
	}
	return p
}

// changes are the moments at which any kind of rate comes to resolve to
// another row or to none, for the node or one of its accelerators.
func (p priced) changes() []int64 {
	lines := []timeline{p.instance, p.electricity, p.pue, p.location, p.market}
	for _, byDevice := range []map[string]timeline{p.device, p.embodied, p.lifetime, p.idle, p.full} {
		for _, l := range byDevice {
			lines = append(lines, l)
		}
	}
	var out []int64
	for _, l := range lines {
		for _, s := range l[1:] {
			out = append(out, s.from)
		}
	}
	return out
}

// accrued is the amount that accrues in iv at amount per time `per`, in an
// interval of one rate that starts at a: the difference of its ends.
func accrued(amount, per, a int64, iv interval) int64 {
	upTo := func(x int64) int64 { return halfUp(product(amount, x-a), big.NewInt(per)) }
	return upTo(iv.to) - upTo(iv.from)
}

func sortedSet(values []int64) []int64 {
	sort.Slice(values, func(i, j int) bool { return values[i] < values[j] })
	var out []int64
	for _, v := range values {
		if len(out) == 0 || out[len(out)-1] != v {
			out = append(out, v)
		}
	}
	return out
}
