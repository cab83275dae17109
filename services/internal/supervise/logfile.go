package supervise

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
)

// logFile is a file that is set aside when it has grown large: NAME.log becomes
// NAME.log.1, that becomes NAME.log.2, and so on. A line may be split between
// two; nothing is lost but what is older than the last one kept.
type logFile struct {
	path string
	max  int64
	keep int

	mu   sync.Mutex
	file *os.File
	size int64
	tail []byte // the end of what was written since forget, at most maxTail
}

// maxTail bounds how much of a last line is kept to be quoted.
const maxTail = 1024

func openLog(path string, maxBytes int64, keep int) (*logFile, error) {
	l := &logFile{path: path, max: maxBytes, keep: keep}
	if err := l.open(); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *logFile) open() error {
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(fmt.Errorf("open log: %w", err), f.Close())
	}
	l.file, l.size = f, info.Size()
	return nil
}

// Write appends p. It never fails: a full disk must not stop the process whose
// output this is, and there is nowhere else to say it.
func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.size > 0 && l.size+int64(len(p)) > l.max {
		l.rotate()
	}
	l.tail = append(l.tail, p[max(0, len(p)-maxTail):]...)
	l.tail = l.tail[max(0, len(l.tail)-maxTail):]
	if l.file != nil {
		n, _ := l.file.Write(p)
		l.size += int64(n)
	}
	return len(p), nil
}

// forget makes lastLine begin anew: what an earlier process said explains
// nothing.
func (l *logFile) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tail = nil
}

// lastLine returns the last line that is not empty, or its end.
func (l *logFile) lastLine() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := strings.TrimSpace(strings.ToValidUTF8(string(l.tail), ""))
	return strings.TrimSpace(text[strings.LastIndexByte(text, '\n')+1:])
}

// rotate goes on with whatever can be had: the old file when no new one can be made.
func (l *logFile) rotate() {
	if l.file != nil {
		_ = l.file.Close()
		l.file = nil
	}
	for i := l.keep; i > 0; i-- {
		from := l.path
		if i > 1 {
			from = aside(l.path, i-1)
		}
		_ = os.Rename(from, aside(l.path, i))
	}
	if l.keep == 0 {
		_ = os.Remove(l.path)
	}
	_ = l.open()
}

func aside(path string, i int) string { return fmt.Sprintf("%s.%d", path, i) }

func (l *logFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	l.file = nil
	if errors.Is(err, fs.ErrClosed) {
		return nil
	}
	return err
}
