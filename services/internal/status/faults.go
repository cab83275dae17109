package status

import (
	"context"
	"fmt"
	"time"

	"github.com/ntegral/ntegral/services/internal/process"
	"github.com/ntegral/ntegral/services/internal/sink"
)

// Fault says what keeps a task, or with Task -1 all of a part, from working.
type Fault struct {
	Task     int32
	Text     string // names the part
	Operator bool   // it does not pass by itself
}

// faultsTimeout bounds Faults: somebody waits who will ask again.
const faultsTimeout = 2 * time.Second

// Faults asks the processor and the sink, and nobody else, what keeps them. It is
// for who waits for facts and has to know whether that makes sense.
func Faults(ctx context.Context, s Settings) (faults []Fault) {
	ctx, cancel := context.WithTimeout(ctx, faultsTimeout)
	defer cancel()
	for _, part := range []struct{ name, addr, down string }{
		{"processor", s.Process, string(process.StateDown)},
		{"sink", s.Sink, string(sink.StateBlocked)},
	} {
		var st struct {
			Tasks []struct {
				Task  int32  `json:"task"`
				State string `json:"state"`
				Error string `json:"error"`
			} `json:"tasks"`
		}
		if err := fetch(ctx, part.addr, &st); err != nil {
			faults = append(faults, Fault{Task: -1, Text: fmt.Sprintf("%s: %v", part.name, err)})
			continue
		}
		for _, t := range st.Tasks {
			if t.Error == "" {
				continue
			}
			faults = append(faults, Fault{
				Task: t.Task, Text: fmt.Sprintf("%s: task %d is %s: %s", part.name, t.Task, t.State, t.Error), Operator: t.State == part.down,
			})
		}
	}
	return faults
}
