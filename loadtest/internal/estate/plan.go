package estate

import (
	"fmt"
	"time"
)

// card is a model of accelerator as the estate's physics needs it.
type card struct {
	model         string
	idleLow       float64 // W, free, nothing loaded
	idleHigh      float64
	loaded        float64 // W added by a resident model or context
	limit         float64 // W
	memory        float64 // bytes
	counter       bool    // has energy_joules_total
	profiling     bool    // has sm_active_ratio
	utilisedLimit float64 // share of limit drawn at full load
}

var (
	h100 = card{"NVIDIA H100 80GB HBM3", 66.2, 69.8, 46, 700, 85.9e9, true, true, 0.94}
	a100 = card{"NVIDIA A100-SXM4-40GB", 45, 49, 22, 400, 42.9e9, true, true, 0.95}
	l4   = card{"NVIDIA L4", 16.1, 16.9, 11, 72, 24.1e9, true, true, 0.97}
	l40s = card{"NVIDIA L40S", 34.2, 35.7, 40, 350, 48.3e9, false, false, 0.9}
)

// node is one machine of the estate.
type node struct {
	name, provider, region, zone, instanceType, cluster string

	card    card
	cards   int
	metered bool    // has a wall meter
	cpus    int     // CPU packages with counters of their own
	host    float64 // W of everything that is no accelerator, idle
	hostTop float64 // W of it under full load
}

// hold is one workload on one node; devices nil means the whole node.
type hold struct {
	job      int // index in the workloads
	node     int
	devices  []int
	from, to int // seconds since the start; to < 0: still running at the end
}

// workload is what teams run.
type workload struct {
	name, manager, kind, team, tenant string
	shape                             shape
	serves                            service // zero: it answers no requests
}

// plan is the estate without time: who is where.
type plan struct {
	nodes     []node
	workloads []workload
	holds     []hold
	seconds   int
}

func newPlan(duration time.Duration) plan {
	p := plan{seconds: int(duration / time.Second)}
	p.nodes = []node{
		onPrem("h100-01", "hpc", h100, 8, 1450, 2350),
		onPrem("h100-02", "hpc", h100, 8, 1430, 2330),
		onPrem("h100-03", "prod", h100, 8, 1440, 2340),
		onPrem("h100-04", "sandbox", h100, 8, 1440, 2340),
		{name: "p4d-01", provider: "aws", region: "us-east-1", zone: "us-east-1b", instanceType: "p4d.24xlarge", cluster: "cloud-train", card: a100, cards: 8},
		{name: "g6-01", provider: "aws", region: "us-east-1", zone: "us-east-1b", instanceType: "g6.12xlarge", cluster: "cloud-serve", card: l4, cards: 4},
		{name: "g6-02", provider: "aws", region: "us-east-1", zone: "us-east-1c", instanceType: "g6.12xlarge", cluster: "cloud-serve", card: withoutCounter(l4), cards: 4},
		onPrem("vm-01", "virt", l40s, 4, 310, 620),
		onPrem("cpu-01", "hpc", card{}, 0, 182, 660),
	}
	p.nodes[len(p.nodes)-1].cpus = 2
	p.workloads = []workload{
		{"pretrain-7b", "slurm", "training", "foundation", "research", training(0.93, 900, 2400), service{}},
		{"finetune-lora", "slurm", "training", "foundation", "research", training(0.84, 600, 0), service{}},
		{"eval-sweep", "slurm", "evaluation", "foundation", "research", stalling(0.61), service{}},
		{"protein-fold", "slurm", "training", "biology", "research", stalling(0.72), service{}},
		{"chat-70b", "k8s", "inference", "assistant", "product", serving(0.46, 0.55), service{0.55, 900, 280}},
		{"embed-small", "k8s", "inference", "search", "product", waiting(serving(0.18, 0.8), 0.55, 0.7), service{40, 480, 0}},
		{"notebook-explore", "k8s", "notebook", "research-tools", "research", resident, service{}},
		{"vision-train", "k8s", "training", "vision", "product", training(0.88, 1200, 3000), service{}},
		{"translate-api", "k8s", "inference", "language", "product", serving(0.38, 0.7), service{6, 60, 65}},
		{"speech-api", "k8s", "inference", "language", "product", serving(0.29, 0.9), service{1.5, 220, 40}},
		{"render-farm", "vm", "rendering", "media", "studio", framing(0.8), service{}},
		{"workstation", "vm", "interactive", "media", "studio", framing(0.12), service{}},
		{"etl-features", "slurm", "batch", "search", "product", stalling(0.7), service{}},
		{"climate-sim", "slurm", "batch", "science", "research", training(0.9, 0, 0), service{}},
	}
	p.hold("pretrain-7b", "h100-01", 4, 82)
	p.hold("pretrain-7b", "h100-02", 4, 82)
	p.hold("finetune-lora", "h100-01", 87, -1)
	p.hold("eval-sweep", "h100-02", 91, 112, 0, 1, 2, 3)
	p.hold("protein-fold", "h100-02", 95, -1, 4, 5, 6, 7)
	p.hold("chat-70b", "h100-03", 0, -1, 0, 1, 2, 3)
	p.hold("embed-small", "h100-03", 0, -1, 4)
	p.hold("notebook-explore", "h100-03", 0, -1, 5)
	p.hold("vision-train", "p4d-01", 10, 110)
	p.hold("translate-api", "g6-01", 0, -1)
	p.hold("translate-api", "g6-02", 0, -1, 0, 1)
	p.hold("speech-api", "g6-02", 0, -1, 2, 3)
	p.hold("render-farm", "vm-01", 22, 101, 0, 1)
	p.hold("workstation", "vm-01", 0, -1, 2)
	p.hold("etl-features", "cpu-01", 15, 65)
	p.hold("climate-sim", "cpu-01", 40, 105)
	return p
}

func onPrem(name, cluster string, c card, cards int, host, hostTop float64) node {
	return node{
		name: name, provider: "onprem", region: "eu-central-1", zone: "fra-a", cluster: cluster,
		card: c, cards: cards, metered: true, host: host, hostTop: hostTop,
	}
}

func withoutCounter(c card) card {
	c.counter = false
	return c
}

// hold places a workload; from and to are minutes of a two-hour recording and
// stretch with its length.
func (p *plan) hold(work, on string, from, to int, devices ...int) {
	h := hold{job: -1, node: -1, devices: devices, from: p.minute(from), to: -1}
	if to >= 0 {
		h.to = p.minute(to)
	}
	for i, w := range p.workloads {
		if w.name == work {
			h.job = i
		}
	}
	for i, n := range p.nodes {
		if n.name == on {
			h.node = i
		}
	}
	if h.job < 0 || h.node < 0 {
		panic(fmt.Sprintf("plan names unknown workload %q or node %q", work, on))
	}
	p.holds = append(p.holds, h)
}

func (p *plan) minute(m int) int { return m * p.seconds / 120 }

// end is the second at which h stops holding, at the latest the recording's.
func (p *plan) end(h hold) int {
	if h.to < 0 {
		return p.seconds
	}
	return h.to
}

// has says whether h holds card d of its node.
func (h hold) has(d int) bool {
	if h.devices == nil {
		return true
	}
	for _, x := range h.devices {
		if x == d {
			return true
		}
	}
	return false
}

func deviceName(d int) string { return fmt.Sprintf("gpu-%d", d) }
func cpuName(d int) string    { return fmt.Sprintf("cpu-%d", d) }
