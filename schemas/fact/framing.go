package fact

import (
	"bytes"
	"encoding/binary"
	"fmt"

	flatbuffers "github.com/google/flatbuffers/go"
)

// Slots of the Arrow flatbuffer tables that framing looks at (Message.fbs and
// Schema.fbs of the format).
const (
	messageHeaderType = 6
	messageHeader     = 8
	messageBodyLength = 10

	schemaEndianness = 4
	schemaFields     = 6
	schemaMetadata   = 8
	fieldName        = 4
	fieldChildren    = 14
	fieldMetadata    = 16

	dictionaryData   = 6
	batchLength      = 4
	batchNodes       = 6
	batchBuffers     = 8
	batchCompression = 10

	headerSchema          = 1
	headerDictionaryBatch = 2
	headerRecordBatch     = 3
)

// maxFields bounds the fields of a stream, which may be of a newer version.
const maxFields = 128

// maxFieldName bounds a field's name: foreign fields may all point at one text.
const maxFieldName = 64

// checkFraming walks the messages of an IPC stream by their length prefixes
// (Arrow columnar format, "Encapsulated message format") without allocating,
// so that no length in it promises more than is there: the library allocates
// what a buffer's or a vector's length says, and a process that runs out of
// memory cannot recover. Compressed batches are refused: they carry the size to
// allocate inside, and our writer makes none. So are nested fields, whose
// tables may share children and unfold without end. It may panic on broken
// tables; Decode recovers.
func checkFraming(stream []byte) error {
	const prefix = 8
	for len(stream) > 0 {
		if len(stream) < prefix || !bytes.Equal(stream[:4], []byte{0xff, 0xff, 0xff, 0xff}) {
			return fmt.Errorf("%w: no message prefix", ErrMalformed)
		}
		size := int64(binary.LittleEndian.Uint32(stream[4:]))
		if size == 0 {
			if len(stream) > prefix {
				return fmt.Errorf("%w: bytes behind the end of the stream", ErrMalformed)
			}
			return nil
		}
		if prefix+size > int64(len(stream)) {
			return fmt.Errorf("%w: message exceeds the stream", ErrMalformed)
		}
		rest := int64(len(stream)) - prefix - size
		body, err := checkMessage(stream[prefix:prefix+size], rest)
		if err != nil {
			return err
		}
		stream = stream[prefix+size+body:]
	}
	return fmt.Errorf("%w: no end of the stream", ErrMalformed)
}

// checkMessage returns the length of the body that follows a message, of which
// rest bytes are there.
func checkMessage(meta []byte, rest int64) (body int64, err error) {
	message := flatbuffers.Table{Bytes: meta, Pos: flatbuffers.GetUOffsetT(meta)}
	body = message.GetInt64Slot(messageBodyLength, 0)
	if body < 0 || body > rest {
		return 0, fmt.Errorf("%w: body exceeds the stream", ErrMalformed)
	}
	header, ok := child(message, messageHeader)
	if !ok {
		return 0, fmt.Errorf("%w: message without a header", ErrMalformed)
	}
	switch message.GetByteSlot(messageHeaderType, 0) {
	case headerSchema:
		return body, checkSchema(header)
	case headerDictionaryBatch:
		data, ok := child(header, dictionaryData)
		if !ok {
			return 0, fmt.Errorf("%w: dictionary without data", ErrMalformed)
		}
		return body, checkBatch(data, body, maxWords)
	case headerRecordBatch:
		return body, checkBatch(header, body, MaxRows)
	}
	return 0, fmt.Errorf("%w: message of an unexpected type", ErrMalformed)
}

// checkSchema refuses what the schema of facts cannot be; match compares the rest with it.
func checkSchema(s flatbuffers.Table) error {
	fields, n, err := vector(s, schemaFields, flatbuffers.SizeUOffsetT)
	if err != nil {
		return err
	}
	if n > maxFields || length(s, schemaMetadata) > 0 || s.GetInt16Slot(schemaEndianness, 0) != 0 {
		return fmt.Errorf("%w: not the schema of facts", ErrMalformed)
	}
	for i := range n {
		field := flatbuffers.Table{Bytes: s.Bytes, Pos: s.Indirect(fields + flatbuffers.UOffsetT(i)*flatbuffers.SizeUOffsetT)}
		if length(field, fieldChildren) > 0 || length(field, fieldMetadata) > 0 || length(field, fieldName) > maxFieldName {
			return fmt.Errorf("%w: not a field of facts", ErrMalformed)
		}
	}
	return nil
}

// checkBatch holds the rows of a batch, at most so many, and its buffers against its body.
func checkBatch(batch flatbuffers.Table, body, most int64) error {
	const pair = 16 // FieldNode and Buffer are structs of two int64
	if batch.Offset(batchCompression) != 0 {
		return fmt.Errorf("%w: compressed batch", ErrMalformed)
	}
	if rows := batch.GetInt64Slot(batchLength, 0); rows < 0 || rows > most {
		return fmt.Errorf("%w: more than %d rows", ErrMalformed, most)
	}
	nodes, n, err := vector(batch, batchNodes, pair)
	if err != nil {
		return err
	}
	for i := range n {
		at := nodes + flatbuffers.UOffsetT(i*pair)
		rows, nulls := batch.GetInt64(at), batch.GetInt64(at+8)
		if rows < 0 || rows > most || nulls < 0 || nulls > rows {
			return fmt.Errorf("%w: column of %d values", ErrMalformed, rows)
		}
	}
	buffers, n, err := vector(batch, batchBuffers, pair)
	if err != nil {
		return err
	}
	for i := range n {
		at := buffers + flatbuffers.UOffsetT(i*pair)
		offset, size := batch.GetInt64(at), batch.GetInt64(at+8)
		if offset < 0 || size < 0 || offset > body || size > body-offset {
			return fmt.Errorf("%w: buffer exceeds the body", ErrMalformed)
		}
	}
	return nil
}

// child returns the table that a slot points to.
func child(t flatbuffers.Table, slot flatbuffers.VOffsetT) (flatbuffers.Table, bool) {
	at := flatbuffers.UOffsetT(t.Offset(slot))
	if at == 0 {
		return flatbuffers.Table{}, false
	}
	return flatbuffers.Table{Bytes: t.Bytes, Pos: t.Indirect(t.Pos + at)}, true
}

// vector returns where a slot's vector begins and its length, having checked
// that its elements are there.
func vector(t flatbuffers.Table, slot flatbuffers.VOffsetT, size int) (start flatbuffers.UOffsetT, n int, err error) {
	at := flatbuffers.UOffsetT(t.Offset(slot))
	if at == 0 {
		return 0, 0, nil
	}
	n, start = t.VectorLen(at), t.Vector(at)
	if n < 0 || n > len(t.Bytes) || int(start)+n*size > len(t.Bytes) {
		return 0, 0, fmt.Errorf("%w: vector exceeds its message", ErrMalformed)
	}
	return start, n, nil
}

// length returns how long a slot's vector or text claims to be.
func length(t flatbuffers.Table, slot flatbuffers.VOffsetT) int {
	at := flatbuffers.UOffsetT(t.Offset(slot))
	if at == 0 {
		return 0
	}
	return t.VectorLen(at)
}
