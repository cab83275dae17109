package fact

import (
	"bytes"
	"encoding/binary"
	"fmt"

	flatbuffers "github.com/google/flatbuffers/go"
)

// Slots of the Arrow flatbuffer tables that framing looks at (Message.fbs).
const (
	messageHeaderType = 6
	messageHeader     = 8
	messageBodyLength = 10
	batchCompression  = 10
	dictionaryData    = 6

	headerDictionaryBatch = 2
	headerRecordBatch     = 3
)

// checkFraming walks the messages of an IPC stream by their length prefixes
// (Arrow columnar format, "Encapsulated message format") without allocating,
// so that no length promises more than is there. Compressed batches are
// refused: they carry the size to allocate inside, and our writer makes none.
// It may panic on broken tables; Decode recovers.
func checkFraming(stream []byte) error {
	const prefix = 8
	for len(stream) > 0 {
		if len(stream) < prefix || !bytes.Equal(stream[:4], []byte{0xff, 0xff, 0xff, 0xff}) {
			return fmt.Errorf("%w: no message prefix", ErrMalformed)
		}
		size := int64(binary.LittleEndian.Uint32(stream[4:]))
		if size == 0 {
			return nil // end of stream
		}
		if prefix+size > int64(len(stream)) {
			return fmt.Errorf("%w: message exceeds the stream", ErrMalformed)
		}
		body, err := checkMessage(stream[prefix : prefix+size])
		if err != nil {
			return err
		}
		rest := int64(len(stream)) - prefix - size
		if body < 0 || body > rest {
			return fmt.Errorf("%w: body exceeds the stream", ErrMalformed)
		}
		stream = stream[prefix+size+body:]
	}
	return nil
}

// checkMessage returns the length of the body that follows a message.
func checkMessage(meta []byte) (body int64, err error) {
	message := flatbuffers.Table{Bytes: meta, Pos: flatbuffers.GetUOffsetT(meta)}
	kind := message.GetByteSlot(messageHeaderType, 0)
	if at := flatbuffers.UOffsetT(message.Offset(messageHeader)); at != 0 && (kind == headerDictionaryBatch || kind == headerRecordBatch) {
		batch := flatbuffers.Table{Bytes: meta, Pos: message.Indirect(message.Pos + at)}
		if kind == headerDictionaryBatch {
			data := flatbuffers.UOffsetT(batch.Offset(dictionaryData))
			batch.Pos = batch.Indirect(batch.Pos + data)
		}
		if batch.Offset(batchCompression) != 0 {
			return 0, fmt.Errorf("%w: compressed batch", ErrMalformed)
		}
	}
	return message.GetInt64Slot(messageBodyLength, 0), nil
}
