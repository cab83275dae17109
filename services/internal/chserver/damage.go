package chserver

import (
	"errors"
	"fmt"
	"time"
)

// damage ends an engine that has met a part which it cannot read.
//
// When the disk is full in the middle of a merge, the engine may take the merged
// part for good though one of its files is empty, and every statement that reads
// it fails from then on. The parts that it was made of are still there, for eight
// minutes: an engine that starts finds the damage, drops the merged part and takes
// those. So the server ends with an error, to be started again. Where that does
// not help, because the data are damaged and not only a merge of them, a pause
// keeps the engine available for everything else.
type damage struct {
	began time.Time
	pause time.Duration
	found chan error // room for one
}

// errDamaged ends the server.
var errDamaged = errors.New("a part is damaged; a new start takes the parts that it was merged from")

func newDamage(pause time.Duration) *damage {
	return &damage{began: time.Now(), pause: pause, found: make(chan error, 1)}
}

// met is told the engine's text. Until the pause is over it does nothing: the
// next statement meets the part again.
func (d *damage) met(text string) {
	if time.Since(d.began) < d.pause {
		return
	}
	select {
	case d.found <- fmt.Errorf("%w: %s", errDamaged, text):
	default: // said already
	}
}
