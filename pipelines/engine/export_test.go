package engine

import "github.com/ntegral/ntegral/schemas/fact"

// Floor tells a test before which window the engine no longer writes.
func (e *Engine) Floor(node string) int64 { return e.nodes[node].floor }

// Settled tells a test before which window a correction of a node is taken.
func (e *Engine) Settled(node string) int64 {
	if n := e.nodes[node]; n != nil {
		return n.settled
	}
	return never
}

// SortRows sorts rows for a test to compare; a step leaves them as they came.
func SortRows(rows []fact.Row) { new(rowOrder).sort(rows) }

// ForgetLayouts makes the engine look for the target of each column once more.
func (e *Engine) ForgetLayouts() {
	for _, n := range e.nodes {
		n.layout = layout{}
	}
}
