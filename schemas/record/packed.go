package record

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// Columns of differences are nine tenths of what is decoded, and their varints
// take one to five bytes in no order that a processor could guess: a loop that
// branches on each byte spent most of its time on wrong guesses. So the ends of
// all varints are found first, eight bytes at a time and without a branch; then
// each one is a word that is loaded, cut and squeezed, independent of the one
// before it.

const (
	highBits   = 0x8080808080808080
	wordBytes  = 8
	blockBytes = 64 // one bit of a block's mask each
)

// ends returns a mask of the bytes of b, at most blockBytes, that end a varint.
// Words reach beyond b where there is more memory: whole is b and what follows.
func ends(b, whole []byte) (mask uint64) {
	if len(b) > blockBytes/2 && len(whole) >= blockBytes {
		return endsOfBlock((*[blockBytes]byte)(whole)) & (^uint64(0) >> ((blockBytes - len(b)) & 63))
	}
	for i := 0; i < len(b); i += wordBytes {
		mask |= lastBytes(word(whole, i)) << i
	}
	if n := len(b); n < blockBytes {
		mask &= 1<<n - 1
	}
	return mask
}

// endsOfBlock is ends of a whole block, of which no length has to be looked at.
func endsOfBlock(b *[blockBytes]byte) (mask uint64) {
	for i := 0; i < blockBytes; i += wordBytes {
		mask |= lastBytes(binary.LittleEndian.Uint64(b[i:])) << i
	}
	return mask
}

// lastBytes is a bit for each byte of w without the high bit: a multiplication
// moves them to the top byte, each by a power of two of its own.
func lastBytes(w uint64) uint64 { return ^w & highBits >> 7 * 0x0102040810204080 >> 56 }

// word is the eight bytes of b from i on, as if ones followed its end.
func word(b []byte, i int) uint64 {
	if i+wordBytes <= len(b) {
		return binary.LittleEndian.Uint64(b[i:])
	}
	return lastWord(b, i)
}

func lastWord(b []byte, i int) uint64 {
	w := ^uint64(0)
	for j := len(b) - 1; j >= i; j-- {
		w = w<<8 | uint64(b[j])
	}
	return w
}

// squeeze joins the groups of seven bits of a varint of up to eight bytes.
func squeeze(w uint64) uint64 {
	w = w&0x007f007f007f007f | w&0x7f007f007f007f00>>1
	w = w&0x00003fff00003fff | w&0x3fff00003fff0000>>2
	return w&0x000000000fffffff | w&0x0fffffff00000000>>4
}

// appendPacked appends the zigzag varints of b: with running all ones, each
// added to the one before; with 0, as they are. Sums wrap like the writer's
// differences and go on from last; the last one is returned.
func appendPacked(dst []int64, b []byte, last, running int64) ([]int64, int64, error) {
	if len(b) > 0 && b[len(b)-1] >= 0x80 {
		return dst, last, malformed("packed value")
	}
	// The memory behind a column is the rest of its record: decoders hand on no
	// more than that.
	whole := b[:cap(b)]
	first, start := len(dst), 0 // start: of the varint at hand
	for at := 0; at < len(b); at += blockBytes {
		mask := ends(b[at:min(at+blockBytes, len(b))], whole[at:])
		k, n := len(dst), bits.OnesCount64(mask)
		if k-first+n > MaxReadings {
			return dst, last, malformed("too many values")
		}
		dst = slices.Grow(dst, n)[:k+n]
		for out := dst[k:]; len(out) > 0; out = out[1:] {
			end := at + bits.TrailingZeros64(mask) + 1
			mask &= mask - 1
			var u uint64
			if length := uint(end - start); length <= wordBytes {
				u = squeeze(word(whole, start) & (^uint64(0) >> ((64 - 8*length) & 63)))
			} else {
				var size int
				if u, size = protowire.ConsumeVarint(b[start:end]); size < 0 {
					return dst, last, malformed("packed value")
				}
			}
			last = last&running + (int64(u>>1) ^ -int64(u&1))
			out[0] = last
			start = end
		}
	}
	return dst, last, nil
}
