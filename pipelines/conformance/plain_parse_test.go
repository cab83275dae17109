package conformance_test

import (
	"math"
	"math/big"
	"regexp"
	"strings"
	"time"
)

var (
	decimalText = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$`)
	wholeText   = regexp.MustCompile(`^-?[0-9]{1,16}$`)
)

// number reads a decimal exactly as written.
func number(text string) (*big.Rat, bool) {
	if !decimalText.MatchString(text) {
		return nil, false // NaN, infinities and everything else
	}
	return new(big.Rat).SetString(text)
}

// scaled is R(x·scale): a decimal finer than the unit is rounded to it.
func scaled(x *big.Rat, scale int64) (int64, bool) {
	y := new(big.Rat).Mul(x, new(big.Rat).SetInt64(scale))
	if limit := new(big.Rat).SetInt64(math.MaxInt64); new(big.Rat).Abs(y).Cmp(limit) >= 0 {
		return 0, false
	}
	return roundRat(y), true
}

// instant reads a time: epoch milliseconds or RFC 3339.
func instant(text string) (int64, bool) {
	if wholeText.MatchString(text) {
		ms, _ := new(big.Int).SetString(text, 10)
		ns := ms.Mul(ms, big.NewInt(1_000_000))
		return ns.Int64(), ns.IsInt64()
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || t.Year() < 1678 || t.Year() > 2261 {
		return 0, false
	}
	return t.UnixNano(), true
}

// device is a row of the inventory that counts.
type device struct {
	id, kind, model, parent string
	children                []string // meters that it contains
	root                    bool
}

// reading is one accepted value, in the unit of its metric.
type reading struct{ at, value int64 }

// seriesKey names a series of a node.
type seriesKey struct{ device, metric string }

// node is everything that is known of one node.
type node struct {
	name, region, zone, instanceType, cluster string

	devices      map[string]*device
	order        []string // identities of devices, sorted
	accelerators []string // those of kind gpu, sorted
	series       map[seriesKey][]reading
	lastReading  int64
	hasReading   bool
	placements   []placement
	present      []interval
}

var kinds = map[string]bool{"gpu": true, "mig": true, "cpu": true, "wall": true, "module": true, "network": true}

// inventoryOf follows section 4: which meters there are and which contains
// which. Of several rows of one device the last counts.
func inventoryOf(rows []row) map[string]*node {
	nodes := make(map[string]*node)
	for _, r := range rows { // a node is known by the row whose device is empty
		if r["node"] != "" && r["device"] == "" && r["kind"] == "wall" {
			nodes[r["node"]] = &node{
				name: r["node"], region: r["region"], zone: r["zone"],
				instanceType: r["instance_type"], cluster: r["cluster"],
				devices: make(map[string]*device), series: make(map[seriesKey][]reading),
			}
		}
	}
	for _, r := range rows {
		n := nodes[r["node"]]
		if n == nil || !kinds[r["kind"]] || r["device"] == "" && r["kind"] != "wall" {
			continue
		}
		n.devices[r["device"]] = &device{id: r["device"], kind: r["kind"], model: r["model"], parent: r["parent"]}
	}
	for _, n := range nodes {
		n.order = sortedKeys(n.devices)
		for _, id := range n.order {
			if n.devices[id].kind == "gpu" {
				n.accelerators = append(n.accelerators, id)
			}
		}
		n.plantTree()
	}
	return nodes
}

// plantTree links meters to the one that contains them (section 4).
func (n *node) plantTree() {
	given := func(d *device) bool {
		_, ok := n.devices[d.parent]
		return d.parent != "" && ok
	}
	cyclic := make(map[string]bool)
	for _, id := range n.order {
		at := n.devices[id]
		for range n.order {
			if !given(at) {
				break
			}
			if at = n.devices[at.parent]; at.id == id {
				cyclic[id] = true
				break
			}
		}
	}
	byKind := func(d *device) bool { return d.kind == "gpu" || d.kind == "cpu" || d.kind == "module" }
	if wall := n.devices[""]; wall != nil && given(wall) {
		at := n.devices[wall.parent]
		for given(at) && !cyclic[at.id] {
			at = n.devices[at.parent]
		}
		cyclic[""] = byKind(at) // it belongs to the wall
	}
	for _, id := range n.order {
		d := n.devices[id]
		var parent *device
		switch {
		case given(d) && !cyclic[id]:
			parent = n.devices[d.parent]
		case id != "" && byKind(d):
			parent = n.devices[""]
		}
		if parent == nil {
			d.root, d.parent = true, ""
			continue
		}
		d.parent = parent.id
		parent.children = append(parent.children, id)
	}
}

// ancestors are the meters that contain a device, nearest first.
func (n *node) ancestors(id string) []string {
	var out []string
	for d := n.devices[id]; !d.root; d = n.devices[d.parent] {
		out = append(out, d.parent)
	}
	return out
}

// metered returns the row that a reading's device counts as: itself, or D for
// the activity D/P of placement P (section 2).
func (n *node) metered(id string) *device {
	if d, ok := n.devices[id]; ok {
		return d
	}
	d, _, ok := strings.Cut(id, "/")
	if !ok {
		return nil
	}
	return n.devices[d]
}
