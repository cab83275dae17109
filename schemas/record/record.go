// Package record is what stands in Kafka: topics, keys, headers and the
// Protobuf messages in ntegral.proto, which is the contract for writers in
// other languages.
//
// Words. An envelope is the CloudEvents attributes of a record, in Kafka
// binary mode (ce_* headers). A samples record packs many readings of one
// node: axes are columns of times, series are columns of values over an axis.
// A seal says that nothing follows from a node for now. A part is a batch of
// fact rows in a task's commit log; a commit makes the parts of its step
// count; an open begins an epoch.
//
// Encoding appends to a slice. Decoding never panics, never allocates by a
// length that the input claims (only by bytes that are there), refuses what
// exceeds the limits below, and skips fields it does not know. For every b
// that decodes, encode(decode(b)) is a fixed point. Decoded strings and slices
// do not alias the input; the offsets of a [Column] do.
package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// Limits of what is decoded.
const (
	MaxRecordBytes = 1 << 20 // of any record's value, but for
	MaxPartBytes   = 4 << 20 // a part's or correction's: larger blocks cost the store less a row
	MaxName        = 512     // bytes of an identity or a name
	MaxText        = 64 << 10
	MaxDevices     = 4096 // devices that one placement lists
	MaxReadings    = 65_536
)

// ErrMalformed is wrapped by every decoding error: the same bytes fail again.
var ErrMalformed = errors.New("malformed record")

func malformed(what string) error { return fmt.Errorf("%w: %s", ErrMalformed, what) }

// field is one decoded field: number n and either a varint or bytes.
type field struct {
	n     protowire.Number
	typ   protowire.Type
	num   uint64
	bytes []byte
}

// next splits the first field off b and returns its size. Groups and fixed-size
// fields of unknown numbers are skipped by the caller ignoring them.
func next(b []byte) (f field, size int, err error) {
	tag, num, data, size := split(b)
	if size < 0 {
		return f, 0, malformed("field")
	}
	return field{n: protowire.Number(tag >> 3), typ: protowire.Type(tag & 7), num: num, bytes: data}, size, nil
}

// split is next with the field in parts: its number and type as in a tag, and a
// varint or bytes. The size is negative where there is no field.
//
// All of that fits registers. A field as a struct went over the stack, written by
// 8 bytes and right away read by 16, which waits: a third of the time of decoding.
func split(b []byte) (tag, num uint64, data []byte, size int) {
	// Fields up to 15 of up to 127 bytes, or of 8 bytes of varint, as nearly all are.
	if len(b) > 1 && b[0]-8 < 0x80-8 {
		n := int(b[1])
		switch tag = uint64(b[0]); {
		case tag&7 == uint64(protowire.VarintType):
			if n < 0x80 {
				return tag, uint64(n), nil, 2
			}
			if num, n := varint(b[1:]); n > 0 {
				return tag, num, nil, 1 + n
			}
		case tag&7 == uint64(protowire.BytesType) && n < 0x80 && n <= len(b)-2:
			return tag, 0, b[2 : 2+n], 2 + n
		}
	}
	return splitLong(b)
}

// varint reads a varint of more than a byte; its size is not positive where there is none.
func varint(b []byte) (v uint64, n int) {
	if len(b) >= 8 {
		w := binary.LittleEndian.Uint64(b)
		if end := bits.TrailingZeros64(^w & highBits); end < 64 {
			return squeeze(w & (math.MaxUint64 >> (63 - end))), 1 + end/8
		}
	}
	return protowire.ConsumeVarint(b)
}

// highBits are those that say that a varint goes on.
const highBits = 0x8080808080808080

// squeeze joins the groups of seven bits of a varint of up to eight bytes. Lengths
// cannot be guessed, so a loop that branches on each byte guesses wrong.
func squeeze(w uint64) uint64 {
	w = w&0x007f007f007f007f | w&0x7f007f007f007f00>>1
	w = w&0x00003fff00003fff | w&0x3fff00003fff0000>>2
	return w&0x000000000fffffff | w&0x0fffffff00000000>>4
}

func splitLong(b []byte) (tag, num uint64, data []byte, size int) {
	field, typ, size := protowire.ConsumeTag(b)
	if size < 0 {
		return 0, 0, nil, size
	}
	tag = protowire.EncodeTag(field, typ)
	b = b[size:]
	var n int
	switch typ {
	case protowire.VarintType:
		num, n = protowire.ConsumeVarint(b)
	case protowire.BytesType:
		data, n = protowire.ConsumeBytes(b)
	default:
		n = protowire.ConsumeFieldValue(field, typ, b)
	}
	if n < 0 {
		return 0, 0, nil, n
	}
	return tag, num, data, size + n
}

// each calls fn for every field of b.
func each(b []byte, fn func(f field) error) error {
	if len(b) > MaxRecordBytes {
		return malformed("too large")
	}
	for len(b) > 0 {
		f, size, err := next(b)
		if err != nil {
			return err
		}
		if err := fn(f); err != nil {
			return err
		}
		b = b[size:]
	}
	return nil
}

// text takes a string field of at most limit bytes of UTF-8.
func (f field) text(dst *string, limit int) error {
	switch {
	case f.typ != protowire.BytesType:
		return malformed("wire type")
	case len(f.bytes) > limit:
		return malformed("text too long")
	case !utf8.Valid(f.bytes):
		return malformed("text is not UTF-8")
	}
	*dst = string(f.bytes)
	return nil
}

func (f field) uint(dst *uint64) error {
	if f.typ != protowire.VarintType {
		return malformed("wire type")
	}
	*dst = f.num
	return nil
}

// bounded reads a number that is at most limit.
func (f field) bounded(dst *uint64, limit uint64) error {
	if err := f.uint(dst); err != nil {
		return err
	}
	if *dst > limit {
		return malformed("number too large")
	}
	return nil
}

// int takes an int64 field, which Protobuf writes as a plain varint.
func (f field) int(dst *int64) error {
	if f.typ != protowire.VarintType {
		return malformed("wire type")
	}
	*dst = int64(f.num)
	return nil
}

// enum takes a number below limit; a larger one becomes 0, the unknown value,
// as a newer writer's would.
func enum[E ~uint8](f field, dst *E, limit E) error {
	if f.typ != protowire.VarintType {
		return malformed("wire type")
	}
	*dst = 0
	if f.num < uint64(limit) {
		*dst = E(f.num)
	}
	return nil
}

// sints appends the zigzag varints of a packed field, or the single one of an
// unpacked field.
func (f field) sints(dst []int64) ([]int64, error) {
	switch f.typ {
	case protowire.VarintType:
		return append(dst, protowire.DecodeZigZag(f.num)), nil
	case protowire.BytesType:
		for b := f.bytes; len(b) > 0; {
			v, n := protowire.ConsumeVarint(b)
			if n < 0 || len(dst) > 2*MaxReadings {
				return dst, malformed("packed value")
			}
			dst = append(dst, protowire.DecodeZigZag(v))
			b = b[n:]
		}
		return dst, nil
	}
	return dst, malformed("wire type")
}

func appendText(b []byte, n protowire.Number, s string) []byte {
	if s == "" {
		return b
	}
	b = protowire.AppendTag(b, n, protowire.BytesType)
	return protowire.AppendString(b, s)
}

func appendUint(b []byte, n protowire.Number, v uint64) []byte {
	if v == 0 {
		return b
	}
	b = protowire.AppendTag(b, n, protowire.VarintType)
	return protowire.AppendVarint(b, v)
}

func appendInt(b []byte, n protowire.Number, v int64) []byte { return appendUint(b, n, uint64(v)) }

func appendSints(b []byte, n protowire.Number, vs []int64) []byte {
	if len(vs) == 0 {
		return b
	}
	size := 0
	for _, v := range vs {
		size += protowire.SizeVarint(protowire.EncodeZigZag(v))
	}
	b = protowire.AppendTag(b, n, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(size))
	for _, v := range vs {
		b = protowire.AppendVarint(b, protowire.EncodeZigZag(v))
	}
	return b
}

func appendMessage(b []byte, n protowire.Number, m []byte) []byte {
	b = protowire.AppendTag(b, n, protowire.BytesType)
	return protowire.AppendBytes(b, m)
}
