package chdb

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"unsafe"
)

// ErrLocked is returned by Start when another process has the folder open.
var ErrLocked = errors.New("another process uses this folder")

// Engine is the running engine over one folder. There is at most one in a process.
type Engine struct {
	// LostBlocks is how many blocks a killed engine had noted and not stored.
	// They can be inserted again.
	LostBlocks int

	lib    *Library
	dir    string
	lock   *os.File
	anchor *Conn // keeps the engine up between sessions; used by Kill alone

	killing sync.Mutex // guards anchor
}

// Start boots the engine over dir, which is created if need be. The arguments are the engine's
// command line (--config-file=..., --setting=value) and hold no secrets: other users of the
// machine cannot see them, but logs of the engine may.
func (l *Library) Start(dir string, args ...string) (*Engine, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("start engine: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("start engine: %w", err)
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return nil, fmt.Errorf("start engine: %w", err)
	}
	lost, err := forgetLostBlocks(dir)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start engine in %s: %w", dir, err), lock.Close())
	}
	e := &Engine{LostBlocks: lost, lib: l, dir: dir, lock: lock}
	l.setSignals(0)
	e.anchor, err = e.Connect(args...)
	l.signals.restore()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start engine in %s: %w", dir, err), lock.Close())
	}
	return e, nil
}

// lockFolder takes an exclusive lock that the kernel drops when the process dies, however it dies.
func lockFolder(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "ntegral.lock"), os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = ErrLocked
		}
		return nil, errors.Join(fmt.Errorf("lock %s: %w", dir, err), f.Close())
	}
	return f, nil
}

// Connect opens a session. Arguments of the form --setting=value apply to it alone.
func (e *Engine) Connect(args ...string) (*Conn, error) {
	argv := append([]string{"clickhouse", "--path=" + e.dir}, args...)
	keep := make([][]byte, len(argv))
	ptrs := make([]unsafe.Pointer, len(argv)+1)
	for i, s := range argv {
		keep[i] = heapBytes(s)
		ptrs[i] = unsafe.Pointer(&keep[i][0])
	}
	ptr := e.lib.connect(int32(len(argv)), unsafe.Pointer(&ptrs[0]))
	runtime.KeepAlive(keep)
	runtime.KeepAlive(ptrs)
	if ptr == 0 {
		return nil, errors.New("connect to engine: refused (see its log on standard error)")
	}
	// The engine returns a pointer to its connection handle; queries take the handle.
	raw := *(*handle)(*(*unsafe.Pointer)(unsafe.Pointer(&ptr)))
	return &Conn{lib: e.lib, ptr: ptr, raw: raw}, nil
}

// Close stops the engine. Every other connection must be closed before.
func (e *Engine) Close() error {
	e.anchor.Close()
	e.lib.shutdown()
	return e.lock.Close()
}
