package chdb

import (
	"fmt"
	"unsafe"

	"github.com/ebitengine/purego"
)

// handle is a pointer that belongs to the engine. It is never dereferenced by Go, so an integer
// keeps the garbage collector away from it.
type handle uintptr

// Library holds the engine's functions. It stays loaded for the life of the process: the engine
// keeps threads running, so unloading it is not safe.
type Library struct {
	path    string
	signals *signalState

	connect       func(argc int32, argv unsafe.Pointer) handle
	closeConn     func(conn handle)
	shutdown      func() int32
	setSignals    func(enabled int32)
	version       func() string
	query         func(conn handle, sql unsafe.Pointer, n uintptr, format unsafe.Pointer, fn uintptr, names, nameLens, values, valueLens unsafe.Pointer, count uintptr) handle
	streamQuery   func(conn handle, sql unsafe.Pointer, n uintptr, format unsafe.Pointer, fn uintptr, names, nameLens, values, valueLens unsafe.Pointer, count uintptr) handle
	streamInsert  func(conn handle, sql unsafe.Pointer, n uintptr, format unsafe.Pointer, fn uintptr, names, nameLens, values, valueLens unsafe.Pointer, count uintptr) handle
	streamFetch   func(conn, stream handle) handle
	streamCancel  func(conn, stream handle)
	insertAppend  func(insert handle, data unsafe.Pointer, n uintptr) int32
	insertDone    func(insert handle) handle
	insertCancel  func(insert handle)
	insertError   func(insert handle) string
	insertDestroy func(insert handle)
	destroyResult func(result handle)
	resultBuffer  func(result handle) unsafe.Pointer
	resultLength  func(result handle) uintptr
	resultError   func(result handle) string
	resultRows    func(result handle) uint64
	resultBytes   func(result handle) uint64
	storageRows   func(result handle) uint64
	storageBytes  func(result handle) uint64
	writtenRows   func(result handle) uint64
	writtenBytes  func(result handle) uint64
	classifyQuery func(conn handle, sql unsafe.Pointer, n uintptr, database unsafe.Pointer, dn uintptr, out unsafe.Pointer) int32
}

// Load opens the engine's library at path and resolves every function, so that a library of
// another version fails here, by name, and not in the middle of a query.
func Load(path string) (*Library, error) {
	signals := saveSignals()
	so, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("load libchdb: %w", err)
	}
	l := &Library{path: path, signals: signals}
	for _, f := range []struct {
		name string
		fn   any
	}{
		{"chdb_connect", &l.connect},
		{"chdb_close_conn", &l.closeConn},
		{"chdb_shutdown", &l.shutdown},
		{"chdb_set_signal_handlers_enabled", &l.setSignals},
		{"chdb_version", &l.version},
		{"chdb_query_with_params_n", &l.query},
		{"chdb_stream_query_with_params_n", &l.streamQuery},
		{"chdb_stream_insert_with_params_n", &l.streamInsert},
		{"chdb_stream_fetch_result", &l.streamFetch},
		{"chdb_stream_cancel_query", &l.streamCancel},
		{"chdb_stream_append", &l.insertAppend},
		{"chdb_stream_done", &l.insertDone},
		{"chdb_stream_cancel_insert", &l.insertCancel},
		{"chdb_stream_insert_error", &l.insertError},
		{"chdb_destroy_insert_stream", &l.insertDestroy},
		{"chdb_destroy_query_result", &l.destroyResult},
		{"chdb_result_buffer", &l.resultBuffer},
		{"chdb_result_length", &l.resultLength},
		{"chdb_result_error", &l.resultError},
		{"chdb_result_rows_read", &l.resultRows},
		{"chdb_result_bytes_read", &l.resultBytes},
		{"chdb_result_storage_rows_read", &l.storageRows},
		{"chdb_result_storage_bytes_read", &l.storageBytes},
		{"chdb_result_rows_written", &l.writtenRows},
		{"chdb_result_bytes_written", &l.writtenBytes},
		{"chdb_classify_query_n", &l.classifyQuery},
	} {
		sym, err := purego.Dlsym(so, f.name)
		if err != nil {
			return nil, fmt.Errorf("load libchdb %s: resolve %s (is it version %s?): %w", path, f.name, Version, err)
		}
		purego.RegisterFunc(f.fn, sym)
	}
	l.setSignals(0)
	l.signals.restore()
	return l, nil
}

// Version returns the version of the loaded library.
func (l *Library) Version() string { return l.version() }
