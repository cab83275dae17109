package chserver

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
)

// The engine formats each piece of a streamed result as a document of its own. For formats whose
// documents can be laid end to end that is a stream. For some others the pieces are spliced: the
// first keeps its beginning, the others lose theirs. What remains is formatted as a whole and held
// in memory, up to maxWholeBytes.

// maxWholeBytes (in the engine's own form; text is several times larger) and maxWholeRows bound a
// result that cannot be streamed.
const (
	maxWholeBytes = 64 << 20
	maxWholeRows  = 1_000_000
)

// splicer joins the documents of the pieces into one.
type splicer interface {
	// add returns what a piece contributes.
	add(piece []byte) ([]byte, error)
	// end returns what closes the document.
	end() []byte
}

// plainFormats can be laid end to end.
var plainFormats = []string{
	"native", "tsv", "tabseparated", "tsvraw", "tabseparatedraw", "raw", "csv", "tskv", "jsoneachrow", "jsonlines", "ndjson", "jsonstringseachrow",
	"jsoncompacteachrow", "jsoncompactstringseachrow", "rowbinary", "msgpack", "bsoneachrow", "protobuf", "protobuflist", "lineasstring", "rawblob", "null",
}

// splicerOf returns how the pieces of a format become one document, or nil if they cannot.
func splicerOf(format string) splicer {
	f := strings.ToLower(format)
	base, types := strings.CutSuffix(f, "withnamesandtypes")
	base, names := strings.CutSuffix(base, "withnames")
	lines := 0
	switch {
	case types:
		lines = 2
	case names:
		lines = 1
	}
	switch {
	case f == "arrowstream":
		return &arrowSplicer{}
	case lines == 0 && slices.Contains(plainFormats, f):
		return plainSplicer{}
	case lines > 0 && base == "rowbinary":
		return &headSplicer{head: func(p []byte) int { return binaryHead(p, lines) }}
	case lines > 0 && (base == "csv" || strings.HasPrefix(base, "tsv") || strings.HasPrefix(base, "tabseparated") || strings.HasPrefix(base, "jsoncompact")):
		return &headSplicer{head: func(p []byte) int { return textHead(p, lines, base == "csv") }}
	}
	return nil
}

type plainSplicer struct{}

func (plainSplicer) add(p []byte) ([]byte, error) { return p, nil }
func (plainSplicer) end() []byte                  { return nil }

// headSplicer drops the head of every piece but the first.
type headSplicer struct {
	head  func([]byte) int
	begun bool
}

func (s *headSplicer) add(p []byte) ([]byte, error) {
	if !s.begun {
		s.begun = true
		return p, nil
	}
	return p[s.head(p):], nil
}

func (*headSplicer) end() []byte { return nil }

// textHead is the length of the first lines; a line break inside CSV's quotes ends no line.
func textHead(p []byte, lines int, quotes bool) int {
	quoted := false
	for i, c := range p {
		switch {
		case c == '"' && quotes:
			quoted = !quoted
		case c == '\n' && !quoted:
			if lines--; lines == 0 {
				return i + 1
			}
		}
	}
	return len(p)
}

// binaryHead is the length of RowBinary's head: the number of columns, their names, their types.
func binaryHead(p []byte, lists int) int {
	columns, at := binary.Uvarint(p)
	for range lists {
		for range columns {
			n, m := binary.Uvarint(p[max(at, 0):])
			if at <= 0 || m <= 0 || n > uint64(len(p)-at-m) {
				return len(p) // not whole; the engine does not write such
			}
			at += m + int(n)
		}
	}
	return max(at, 0)
}

// arrowSplicer makes one Arrow stream of many: it passes the first schema on, leaves out the later
// ones and the ends, and ends the stream once. Dictionaries are repeated, which replaces them.
type arrowSplicer struct{ begun bool }

var arrowEnd = []byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}

var errArrowForm = errors.New("engine wrote an unexpected form of Arrow stream")

func (s *arrowSplicer) add(p []byte) ([]byte, error) {
	var out []byte
	for at := 0; at < len(p); {
		kind, n, err := arrowMessage(p[at:])
		if err != nil {
			return nil, err
		}
		switch {
		case kind == arrowKindEnd:
		case kind == arrowKindSchema && s.begun:
		default:
			out = append(out, p[at:at+n]...)
		}
		at += n
	}
	s.begun = true
	return out, nil
}

func (s *arrowSplicer) end() []byte {
	if !s.begun {
		return nil
	}
	return arrowEnd
}

// Kinds of Arrow messages (MessageHeader in Arrow's Message.fbs).
const (
	arrowKindEnd    = 0
	arrowKindSchema = 1
)

// arrowMessage returns the kind and length of the encapsulated message at the start of p: a
// continuation mark, the length of the metadata, the metadata (a flatbuffer), the body.
func arrowMessage(p []byte) (kind, length int, err error) {
	if len(p) < 8 || binary.LittleEndian.Uint32(p) != 0xffffffff {
		return 0, 0, errArrowForm
	}
	size := int(binary.LittleEndian.Uint32(p[4:]))
	if size == 0 {
		return arrowKindEnd, 8, nil
	}
	if size > len(p)-8 {
		return 0, 0, errArrowForm
	}
	meta := p[8 : 8+size]
	// A flatbuffer begins with the offset of its root table; a table with the distance back to its
	// vtable; a vtable is its own size, the table's size, then the offset of each field.
	const headerType, bodyLength = 6, 10 // places in the vtable of Message: its second and fourth field
	if len(meta) < 8 {
		return 0, 0, errArrowForm
	}
	table := int(binary.LittleEndian.Uint32(meta))
	if table < 4 || table > len(meta)-4 {
		return 0, 0, errArrowForm
	}
	vtable := table - int(int32(binary.LittleEndian.Uint32(meta[table:])))
	if vtable < 0 || vtable > len(meta)-4 {
		return 0, 0, errArrowForm
	}
	field := func(place, width int) uint64 {
		if place+2 > int(binary.LittleEndian.Uint16(meta[vtable:])) || vtable+place+2 > len(meta) {
			return 0
		}
		offset := int(binary.LittleEndian.Uint16(meta[vtable+place:]))
		if offset == 0 || table+offset+width > len(meta) {
			return 0
		}
		if width == 1 {
			return uint64(meta[table+offset])
		}
		return binary.LittleEndian.Uint64(meta[table+offset:])
	}
	body := field(bodyLength, 8)
	if body > uint64(len(p)-8-size) {
		return 0, 0, errArrowForm
	}
	return int(field(headerType, 1)), 8 + size + int(body), nil
}
