package record

import (
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/ntegral/ntegral/schemas/telemetry"
)

// DeadLetter says what could not be used, why, and where it stood. Origin is a
// topic, or a file of a replay; Position its offset, or line. One letter may
// stand for Count events of one node and reason within [First, Last].
type DeadLetter struct {
	Reason    telemetry.Reason
	Detail    string
	Origin    string
	Partition int32
	Position  int64
	Column    uint64
	Node      string
	Count     uint64
	First     int64
	Last      int64
	Payload   []byte // of what could not be read, cut to MaxText
}

// Append encodes the dead letter. Its texts quote what could not be read, so
// they are cut and mended here: a dead letter itself can always be read.
func (d *DeadLetter) Append(b []byte) []byte {
	b = appendUint(b, 1, uint64(d.Reason))
	b = appendText(b, 2, mended(d.Detail, MaxText))
	b = appendText(b, 3, mended(d.Origin, MaxText))
	b = appendUint(b, 4, uint64(uint32(d.Partition)))
	b = appendInt(b, 5, d.Position)
	b = appendUint(b, 6, d.Column)
	b = appendText(b, 7, mended(d.Node, MaxName))
	b = appendUint(b, 8, d.Count)
	b = appendInt(b, 9, d.First)
	b = appendInt(b, 10, d.Last)
	if len(d.Payload) > 0 {
		b = appendMessage(b, 11, d.Payload[:min(len(d.Payload), MaxText)])
	}
	return b
}

// mended returns s as UTF-8 of at most limit bytes.
func mended(s string, limit int) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\ufffd")
	}
	for limit < len(s) && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:min(len(s), limit)]
}

// DecodeDeadLetter reads a dead letter.
func DecodeDeadLetter(b []byte) (d DeadLetter, err error) {
	err = each(b, func(f field) error {
		switch f.n {
		case 1:
			return enum(f, &d.Reason, telemetry.NumReasons)
		case 2:
			return f.text(&d.Detail, MaxText)
		case 3:
			return f.text(&d.Origin, MaxText)
		case 4:
			return f.task(&d.Partition)
		case 5:
			return f.int(&d.Position)
		case 6:
			return f.uint(&d.Column)
		case 7:
			return f.text(&d.Node, MaxName)
		case 8:
			return f.uint(&d.Count)
		case 9:
			return f.int(&d.First)
		case 10:
			return f.int(&d.Last)
		case 11:
			if f.typ != protowire.BytesType || len(f.bytes) > MaxText {
				return malformed("payload")
			}
			d.Payload = append([]byte(nil), f.bytes...)
		}
		return nil
	})
	return d, err
}

// ReplayProgress is what a replay has published so far: everything of Phase
// below it, and of the samples the first Chunks chunks.
type ReplayProgress struct {
	Digest   string // of the directory's content
	Revision uint64 // given to its placements; fixed when the replay begins
	TakenIn  int64  // fixed when the replay begins
	Shift    int64  // added to all times, ns
	Phase    uint64 // 1 dimensions, 2 samples, 3 sealed
	Chunks   uint64 // of samples, acknowledged
	Readings uint64
	Rejected uint64 // rows refused so far
}

// Append encodes the progress.
func (r *ReplayProgress) Append(b []byte) []byte {
	b = appendText(b, 1, r.Digest)
	b = appendUint(b, 2, r.Revision)
	b = appendInt(b, 3, r.TakenIn)
	b = appendInt(b, 4, r.Shift)
	b = appendUint(b, 5, r.Phase)
	b = appendUint(b, 6, r.Chunks)
	b = appendUint(b, 7, r.Readings)
	return appendUint(b, 8, r.Rejected)
}

// DecodeReplayProgress reads a replay's progress.
func DecodeReplayProgress(b []byte) (r ReplayProgress, err error) {
	err = each(b, func(f field) error {
		switch f.n {
		case 1:
			return f.text(&r.Digest, MaxName)
		case 2:
			return f.uint(&r.Revision)
		case 3:
			return f.int(&r.TakenIn)
		case 4:
			return f.int(&r.Shift)
		case 5:
			return f.uint(&r.Phase)
		case 6:
			return f.uint(&r.Chunks)
		case 7:
			return f.uint(&r.Readings)
		case 8:
			return f.uint(&r.Rejected)
		}
		return nil
	})
	return r, err
}
