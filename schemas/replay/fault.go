package replay

import (
	"fmt"
	"io"
	"strconv"

	"github.com/ntegral/ntegral/schemas/telemetry"
)

// Fault says what cannot be used, where it stands and what would be right.
type Fault struct {
	File    string
	Line    int // of the row's beginning, from 1; 0: the file as a whole
	Column  int // byte at which the cell begins in its line, from 1; 0: the row as a whole
	Field   string
	Node    string
	Time    int64            // of a reading, 0 where it has none that can be read
	Reason  telemetry.Reason // of a warning one of those that are, or none
	Warning bool             // everything is still used
	Message string           // empty where so many faults of this reason came before that explaining stopped
}

// String is file:line:column: what is wrong, as compilers write it.
func (f Fault) String() string {
	b := []byte(f.File)
	for _, n := range []int{f.Line, f.Column} {
		if n == 0 {
			break
		}
		b = strconv.AppendInt(append(b, ':'), int64(n), 10)
	}
	if f.Warning {
		b = append(b, ": warning: "...)
	} else {
		b = append(append(append(b, ": "...), f.Reason.String()...), ": "...)
	}
	return string(append(b, f.Message...))
}

// Source is one file to read.
type Source struct {
	File   string    // the name that faults carry
	Reader io.Reader // an error other than io.EOF is a fault of the file
	Report func(Fault)
	// Explained is how many faults of one reason in samples.csv carry a
	// message; 0 means 1,000. All are reported.
	Explained int64
}

// quoteCell prints a cell for a message: short, and with what cannot be seen escaped.
func quoteCell(text string) string {
	const most = 60
	if len(text) > most {
		return strconv.Quote(text[:most]) + fmt.Sprintf(" (of %d bytes)", len(text))
	}
	return strconv.Quote(text)
}
