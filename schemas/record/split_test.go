package record

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// TestSplitIsTheLibrarys: the short way to a field finds what the library does, with
// varints of every length, also longer than they have to be, and at every end.
func TestSplitIsTheLibrarys(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 200_000 {
		b := protowire.AppendTag(nil, protowire.Number(1+r.IntN(20)), protowire.Type(r.IntN(6)))
		switch v := r.Uint64() >> r.IntN(64); r.IntN(6) {
		case 0:
			b = append(b, byte(v)|0x80, 0x80, byte(v>>7)&0x7f)
		case 1:
			b = append(protowire.AppendVarint(b, v%200), make([]byte, r.IntN(220))...)
		default:
			b = protowire.AppendVarint(b, v)
		}
		for range r.IntN(12) {
			b = append(b, byte(r.Uint32()))
		}
		b = b[:1+r.IntN(len(b))]
		tag, num, data, size := split(b)
		wantTag, wantNum, wantData, wantSize := splitLong(b)
		if (size < 0) != (wantSize < 0) || size >= 0 && (tag != wantTag || num != wantNum || !bytes.Equal(data, wantData) || size != wantSize) {
			t.Fatalf("%x: got %d %d %x %d, want %d %d %x %d", b, tag, num, data, size, wantTag, wantNum, wantData, wantSize)
		}
	}
}
