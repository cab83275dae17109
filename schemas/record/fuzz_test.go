package record_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/ntegral/ntegral/schemas/record"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// fuzzCodec checks one decoder: it never panics, and what it decodes encodes to
// a fixed point.
func fuzzCodec(f *testing.F, message string) {
	for _, c := range codecs {
		if c.message != message {
			continue
		}
		r := source{rand.New(rand.NewPCG(3, 4))}
		for range 20 {
			b, _ := c.draw(r)
			f.Add(b)
		}
		f.Fuzz(func(t *testing.T, b []byte) {
			once, err := c.decode(b)
			if err != nil {
				return
			}
			twice, err := c.decode(once)
			if err != nil {
				t.Fatalf("decode what was encoded: %v\n%x", err, once)
			}
			if !bytes.Equal(once, twice) {
				t.Fatalf("encode(decode(b)) is not a fixed point:\n%x\n%x", once, twice)
			}
		})
		return
	}
	f.Fatalf("no codec %s", message)
}

func FuzzDecodeSamples(f *testing.F)        { fuzzCodec(f, "Samples") }
func FuzzDecodeSeal(f *testing.F)           { fuzzCodec(f, "Seal") }
func FuzzDecodeDevice(f *testing.F)         { fuzzCodec(f, "Device") }
func FuzzDecodePlacement(f *testing.F)      { fuzzCodec(f, "Placement") }
func FuzzDecodeRate(f *testing.F)           { fuzzCodec(f, "Rate") }
func FuzzDecodeOpen(f *testing.F)           { fuzzCodec(f, "Open") }
func FuzzDecodeCommit(f *testing.F)         { fuzzCodec(f, "Commit") }
func FuzzDecodeManifest(f *testing.F)       { fuzzCodec(f, "Manifest") }
func FuzzDecodeDeadLetter(f *testing.F)     { fuzzCodec(f, "DeadLetter") }
func FuzzDecodeReplayProgress(f *testing.F) { fuzzCodec(f, "ReplayProgress") }

func FuzzPartIDOf(f *testing.F) {
	f.Add([]byte("3"), []byte("7"), []byte("11"), []byte("0"))
	f.Fuzz(func(t *testing.T, task, epoch, step, part []byte) {
		headers := []record.Header{{Key: "task", Value: task}, {Key: "epoch", Value: epoch}, {Key: "step", Value: step}, {Key: "part", Value: part}}
		want, err := record.PartIDOf(headers)
		if err != nil {
			return
		}
		if got, err := record.PartIDOf(want.Headers()); err != nil || got != want {
			t.Fatalf("PartIDOf(Headers()) = %v, %v, want %v", got, err, want)
		}
	})
}

// TestHostileRecordsCostLittle feeds records that are made to cost: what they
// take is bounded by what they are.
func TestHostileRecordsCostLittle(t *testing.T) {
	const limit = 28 << 20
	field := func(n int, b string) string { return string([]byte{byte(n<<3 | 2), byte(len(b))}) + b }
	node := field(1, "n")
	size := record.MaxRecordBytes - 64
	packed := func(n int) string { // field 4, packed zeros of n bytes
		return "\x22" + string([]byte{byte(n) | 0x80, byte(n>>7) | 0x80, byte(n >> 14)}) + strings.Repeat("\x00", n)
	}
	long := packed(size - 20)
	for name, b := range map[string]string{
		"empty axes":     node + strings.Repeat("\x1a\x00", size/2),
		"empty series":   node + strings.Repeat("\x22\x00", size/2),
		"one long axis":  node + "\x1a" + string([]byte{byte(len(long)) | 0x80, byte(len(long)>>7) | 0x80, byte(len(long) >> 14)}) + long,
		"claimed counts": node + field(3, "\x10\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x18\x01"),
		"deep groups":    node + strings.Repeat("\x3b", size),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := new(record.SamplesDecoder).Decode([]byte(b))
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > limit {
			t.Errorf("%s: %d bytes took %d bytes of memory", name, len(b), took)
		}
		if err == nil {
			t.Errorf("%s: decoded", name)
		}
	}
}

// TestDecoderTakesEachRecordForItself: a decoder that has read others, some of them
// broken, reads a record as a new one does, and gives one layout to equal ones only.
func TestDecoderTakesEachRecordForItself(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 71))
		var d record.SamplesDecoder
		var last []byte
		var s record.SampleBatch
		layout := uint64(0) // of last, 0 if it was malformed
		layouts := map[uint64]string{}
		for range 30 {
			b, again := last, layout
			switch what := r.IntN(8); {
			case what == 0 && b != nil:
				if r.IntN(2) == 0 {
					b, again = otherDevices(r, b), 0
				}
			case what < 3 && len(s.Series) > 1: // the same but for one series
				again = 0
				k := 1 + r.IntN(len(s.Series)-1)
				if s.Series[k].Axis ^= 1; what == 1 {
					s.Series[k].Device = s.Series[k-1].Device
				}
				b = s.Append(nil)
			default:
				again = 0
				s = record.SampleBatch{Node: "n", Axes: [][]int64{{1, 2, 3}, {4, 5, 6}}}
				for k := range 1 + r.IntN(3) {
					for range r.IntN(4) {
						s.Series = append(s.Series, record.SeriesColumn{
							Device: string(rune('a'+k+r.IntN(2)*5)) + "x", Metric: telemetry.Metric(1 + r.IntN(3)), Axis: r.IntN(2),
							Values: record.ColumnOf(r.Int64N(300), r.Int64N(300), r.Int64N(300)),
						})
					}
				}
				b = s.Append(nil)
				for range r.IntN(3) {
					b[r.IntN(len(b))] = []byte{0x80, 0xff, byte(r.IntN(256))}[r.IntN(3)]
				}
			}
			last, layout = b, 0
			got, err := d.Decode(b)
			want, wantErr := new(record.SamplesDecoder).Decode(b)
			if (err != nil) != (wantErr != nil) {
				t.Fatalf("seed %d: %v, a new decoder says %v", seed, err, wantErr)
			}
			if err != nil {
				continue
			}
			series := ""
			for _, c := range got.Series {
				series += fmt.Sprintln(c.Device, c.Metric, c.Axis)
			}
			if known, ok := layouts[got.Layout]; ok && known != series || got.Layout == 0 || got.Layout == want.Layout {
				t.Fatalf("seed %d: layout %d, of a new decoder %d, of series\n%sis that of\n%s", seed, got.Layout, want.Layout, series, known)
			}
			if again > 0 && got.Layout != again {
				t.Fatalf("seed %d: layout %d, of the same record before %d", seed, got.Layout, again)
			}
			layout, layouts[got.Layout] = got.Layout, series
			if diff := cmp.Diff(got, want, cmp.AllowUnexported(record.Column{}), cmpopts.EquateEmpty(), cmpopts.IgnoreFields(record.SampleBatch{}, "Layout")); diff != "" {
				t.Fatalf("seed %d: (-got +want):\n%s", seed, diff)
			}
		}
	}
}

// otherDevices returns a record of which a device is left out or stands twice.
func otherDevices(r *rand.Rand, b []byte) (out []byte) {
	const fieldDevice = 5
	which, twice := r.IntN(3), r.IntN(2) == 0
	for len(b) > 0 {
		n, _, size := protowire.ConsumeField(b)
		if size < 0 {
			return append(out, b...)
		}
		if n == fieldDevice {
			if which--; which == -1 && twice {
				out = append(out, b[:size]...)
			} else if which == -1 {
				b = b[size:]
				continue
			}
		}
		out, b = append(out, b[:size]...), b[size:]
	}
	return out
}

// TestDecoderKeepsOneRecord: what a decoder holds between records is bounded by
// the largest of them, not by their sum.
func TestDecoderKeepsOneRecord(t *testing.T) {
	var d record.SamplesDecoder
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range 200 {
		s := record.SampleBatch{Node: "n", Axes: make([][]int64, i+1)}
		s.Axes[i] = make([]int64, 20_000)
		s.Series = make([]record.SeriesColumn, i+1)
		s.Series[i] = record.SeriesColumn{Metric: telemetry.PowerWatts, Axis: i, Values: record.ColumnOf(spread(20_000)...)}
		if _, err := d.Decode(s.Append(nil)); err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(&d)
	if kept := int64(after.HeapAlloc) - int64(before.HeapAlloc); kept > 4<<20 {
		t.Errorf("the decoder keeps %d bytes", kept)
	}
}

// spread is numbers that take eight bytes each.
func spread(n int) []int64 {
	values := make([]int64, n)
	for i := range values {
		values[i] = int64(i) << 40
	}
	values[0] = 1
	return values
}

// TestDeadLetterIsAlwaysReadable quotes what could not be read.
func TestDeadLetterIsAlwaysReadable(t *testing.T) {
	foreign := strings.Repeat("\xffµ", record.MaxText)
	d := record.DeadLetter{Reason: telemetry.Unparsable, Detail: foreign, Origin: foreign, Node: foreign, Payload: []byte(foreign)}
	got, err := record.DecodeDeadLetter(d.Append(nil))
	if err != nil {
		t.Fatalf("decode: %v", err)
	}
	for _, s := range []string{got.Detail, got.Origin, got.Node} {
		if !utf8.ValidString(s) || s == "" {
			t.Errorf("text %.20q of %d bytes is not mended", s, len(s))
		}
	}
	if len(got.Payload) != record.MaxText || len(got.Node) > record.MaxName {
		t.Errorf("payload of %d bytes, node of %d", len(got.Payload), len(got.Node))
	}
}
