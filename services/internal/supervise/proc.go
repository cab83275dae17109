package supervise

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// startTime returns when a process began, in the kernel's ticks since boot.
// Together with its number it names a process for good: numbers come again, but
// not at the same tick.
func startTime(pid int) (uint64, error) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, fmt.Errorf("look up process %d: %w", pid, err)
	}
	// The second field is the name in parentheses and may hold anything; the
	// start is the 22nd, so the 20th after the last parenthesis.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 20 {
		return 0, fmt.Errorf("look up process %d: its stat has %d fields", pid, len(fields))
	}
	if state := string(fields[0]); state == "Z" || state == "X" {
		return 0, fmt.Errorf("look up process %d: it has ended", pid)
	}
	n, err := strconv.ParseUint(string(fields[19]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("look up process %d: %w", pid, err)
	}
	return n, nil
}
