// Package benchset generates the large, regular sets that measure speed and
// survive kills: many equal nodes of eight accelerators, one device sample
// every few seconds, jobs that come and go.
//
// Words: a device sample is power, energy counter, sm_active, gpu_util and
// memory_used of one device at one time, five rows; a tick is one sampling time
// of all nodes; a mixed set has partitioned and shared nodes, too, and readings
// that are missing or late; a block is a group of nodes that gets its jobs together.
//
// Invariants: the same options give the same bytes on every machine (the course
// is integer arithmetic throughout); rows of a regular set are ordered by time over all nodes;
// counters are the sum of the power that the set itself shows, never go back,
// and change at every tick.
//
// Concurrency: none. Nine million rows take a few seconds, nearly all of it the
// disk's.
package benchset
