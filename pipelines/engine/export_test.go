package engine

// Settled tells a test before which window a correction of a node is taken.
func (e *Engine) Settled(node string) int64 {
	if n := e.nodes[node]; n != nil {
		return n.settled
	}
	return never
}
