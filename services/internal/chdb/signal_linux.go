package chdb

import (
	"syscall"
	"unsafe"
)

// The kernel's view of signal dispositions, saved and put back as opaque bytes. The engine is
// asked not to install handlers, but parts of it do so while they initialise; Go's runtime needs
// its own (preemption by SIGURG, faults turned into panics, SIGTERM to signal.Notify).

const (
	signalCount   = 64
	sigsetSize    = 8
	sigactionSize = 64 // struct kernel_sigaction is at most 32 bytes on the supported machines
)

type signalState struct {
	actions [signalCount + 1][sigactionSize]byte
	known   [signalCount + 1]bool
}

func saveSignals() *signalState {
	s := new(signalState)
	for n := 1; n <= signalCount; n++ {
		_, _, errno := syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(n), 0,
			uintptr(unsafe.Pointer(&s.actions[n])), sigsetSize, 0, 0)
		s.known[n] = errno == 0
	}
	return s
}

func (s *signalState) restore() {
	for n := 1; n <= signalCount; n++ {
		if n == int(syscall.SIGKILL) || n == int(syscall.SIGSTOP) || !s.known[n] {
			continue
		}
		_, _, _ = syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(n),
			uintptr(unsafe.Pointer(&s.actions[n])), 0, sigsetSize, 0, 0)
	}
}
