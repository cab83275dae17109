package record

import (
	"math/rand/v2"
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// TestPackedIsTheLibrarys: columns decode to what the library's decoder makes of
// them, wherever they end, and fail where it fails.
func TestPackedIsTheLibrarys(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 50_000 {
		b := make([]byte, 0, 200)
		for range r.IntN(40) {
			switch v := r.Uint64() >> r.IntN(64); r.IntN(20) {
			case 0: // longer than it has to be
				b = append(b, byte(v)|0x80, 0x80, byte(v>>7)&0x7f)
			case 1: // anything
				b = append(b, byte(v))
			default:
				b = protowire.AppendVarint(b, v)
			}
		}
		n := r.IntN(len(b) + 1)
		column := b[:n:len(b)] // with the rest of the record behind it
		want, ok := plainPacked(column)
		got, _, err := appendPacked(nil, column, 0, 0)
		if (err == nil) != ok || ok && !slices.Equal(got, want) {
			t.Fatalf("%x: got %v %v, want %v %t", column, got, err, want, ok)
		}
		if ok {
			sums, last, _ := appendPacked(nil, column, 5, -1)
			sum := int64(5)
			for i, v := range want {
				if sum += v; sums[i] != sum {
					t.Fatalf("%x: sum %d is %d, want %d", column, i, sums[i], sum)
				}
			}
			if last != sum {
				t.Fatalf("%x: last sum %d, want %d", column, last, sum)
			}
		}
	}
}

func plainPacked(b []byte) (values []int64, ok bool) {
	for len(b) > 0 {
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return nil, false
		}
		values = append(values, protowire.DecodeZigZag(v))
		b = b[n:]
	}
	return values, true
}
