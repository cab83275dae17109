package replay

import (
	"fmt"
	"io"
	"time"
)

// console is what the user sees: lines, and on a terminal one line of status
// below them that changes. Elsewhere the status is a line every five seconds.
type console struct {
	out      io.Writer
	terminal bool
	now      func() time.Time
	last     time.Time // of the status
	shown    bool
	err      error // of the first write that did not work
}

const (
	statusOnTerminal = 200 * time.Millisecond
	statusElsewhere  = 5 * time.Second
)

func newConsole(s Settings) *console {
	return &console{out: s.Out, terminal: s.Terminal, now: s.Now, last: s.Now()}
}

func (c *console) write(text string) {
	if _, err := io.WriteString(c.out, text); err != nil && c.err == nil {
		c.err = fmt.Errorf("write report: %w", err)
	}
}

// line prints a line that stays.
func (c *console) line(format string, args ...any) {
	c.clear()
	c.write(fmt.Sprintf(format, args...) + "\n")
}

func (c *console) clear() {
	if c.shown {
		c.write("\r\x1b[K")
		c.shown = false
	}
}

// due reports whether it is time for a status.
func (c *console) due() bool {
	every := statusElsewhere
	if c.terminal {
		every = statusOnTerminal
	}
	return c.now().Sub(c.last) >= every
}

// status shows how far things are.
func (c *console) status(text string) {
	c.last = c.now()
	if !c.terminal {
		c.write(text + "\n")
		return
	}
	c.write("\r\x1b[K" + text)
	c.shown = true
}

// count prints a number with its thousands apart.
func count(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// plural prints a number of things, such as "1 fault" and "2 faults".
func plural(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return count(n) + " " + thing + "s"
}

// rough prints a duration as people say it.
func rough(d time.Duration) string {
	if d < 10*time.Second {
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
