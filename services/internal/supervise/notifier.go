package supervise

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// envReady names the file by which a child says that it is ready.
const (
	envReady  = "NTEGRAL_READY_FD"
	readyFile = 3
	readyWord = "ready "
)

// Notifier is the child's end of the pipe to its supervisor. That of a process
// without a supervisor does nothing.
type Notifier struct{ pipe *os.File }

// NewNotifier finds the pipe by the process's environment, which it reads through
// getenv (os.Getenv).
func NewNotifier(getenv func(string) string) (*Notifier, error) {
	text := getenv(envReady)
	if text == "" {
		return &Notifier{}, nil
	}
	fd, err := strconv.Atoi(text)
	if err != nil || fd < readyFile {
		return nil, fmt.Errorf("%s: %q is not the number of an inherited file", envReady, text)
	}
	return &Notifier{pipe: os.NewFile(uintptr(fd), "ready")}, nil
}

// Ready tells the supervisor that this process serves at addr. Only the first
// call says anything.
func (n *Notifier) Ready(addr string) error {
	if n.pipe == nil {
		return nil
	}
	_, err := fmt.Fprintf(n.pipe, "%s%s\n", readyWord, addr)
	err = errors.Join(err, n.pipe.Close())
	n.pipe = nil
	if err != nil {
		return fmt.Errorf("tell supervisor: %w", err)
	}
	return nil
}

// readReady waits for a child's word and returns its address.
func readReady(r io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(r, 4096)).ReadString('\n')
	if errors.Is(err, io.EOF) {
		return "", errors.New("ended before it was ready")
	}
	if err != nil {
		return "", fmt.Errorf("wait for ready line: %w", err)
	}
	addr, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), readyWord)
	if !ok {
		return "", fmt.Errorf("said %q, not that it is ready", line)
	}
	return addr, nil
}
