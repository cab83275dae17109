package chdb

import (
	"fmt"
	"runtime"
	"unsafe"
)

// Class says what a statement does to state that outlives it, as the engine's parser sees it.
// Values ascend by how restricted the statement is.
type Class uint32

// The classes of statements.
const (
	ClassReadOnly       Class = iota // SELECT, SHOW, DESCRIBE, EXPLAIN, EXISTS, CHECK
	ClassMutating                    // INSERT, CREATE, ALTER, DROP, TRUNCATE, ...
	ClassMutatingGlobal              // functions, users, named collections, writes to system
	ClassControl                     // SET, USE, SYSTEM, BACKUP, KILL, INTO OUTFILE, ...
	ClassUnknown                     // did not parse, or not known to the engine
)

// Analysis is what the engine's parser found in a text. Nothing is executed to get it.
type Analysis struct {
	Statements int
	Class      Class
	HasSecrets bool
}

// analysisV1 is chdb_query_analysis_v1.
type analysisV1 struct {
	structSize, statements, flags, class uint32
}

// Classify parses a text and reports what it would do.
func (c *Conn) Classify(sql string) (Analysis, error) {
	text := heapBytes(sql)
	out := new(analysisV1)
	out.structSize = uint32(unsafe.Sizeof(*out))
	rc := c.lib.classifyQuery(c.raw, unsafe.Pointer(&text[0]), uintptr(len(sql)), nil, 0, unsafe.Pointer(out))
	runtime.KeepAlive(text)
	if rc != 0 {
		return Analysis{Class: ClassUnknown}, fmt.Errorf("classify query: %w", &Error{Message: "connection is closed"})
	}
	return Analysis{Statements: int(out.statements), Class: Class(out.class), HasSecrets: out.flags&1 != 0}, nil
}
