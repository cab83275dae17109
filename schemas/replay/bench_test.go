package replay_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"testing"
	"time"

	"github.com/ntegral/ntegral/schemas/replay"
	"github.com/ntegral/ntegral/schemas/telemetry"
)

// benchSet is samples.csv of two nodes of eight cards for a while: five
// metrics of each card every two seconds, and the walls.
func benchSet(rfc3339 bool) (*replay.Estate, []byte, int) {
	estate := replay.NewEstate()
	var b bytes.Buffer
	b.WriteString("time,node,device,metric,value\n")
	rows := 0
	for i := range 600 {
		at := time.Unix(1_789_477_200+int64(2*i), 0).UTC()
		clock := strconv.FormatInt(at.UnixMilli(), 10)
		if rfc3339 {
			clock = at.Format(time.RFC3339)
		}
		for n := range 2 {
			node := fmt.Sprintf("node-%02d", n)
			estate.Put(telemetry.Device{Node: node, Kind: telemetry.KindWall})
			fmt.Fprintf(&b, "%s,%s,,power_watts,%d.5\n", clock, node, 4000+i%100)
			rows++
			for d := range 8 {
				device := fmt.Sprintf("GPU-%02d-%d", n, d)
				estate.Put(telemetry.Device{Node: node, ID: device, Kind: telemetry.KindGPU})
				fmt.Fprintf(&b, "%s,%s,%s,power_watts,%d.%03d\n", clock, node, device, 600+i%50, i)
				fmt.Fprintf(&b, "%s,%s,%s,energy_joules_total,%d.250\n", clock, node, device, 9_000_000+1200*i)
				fmt.Fprintf(&b, "%s,%s,%s,sm_active_ratio,0.%04d\n", clock, node, device, 5000+i)
				fmt.Fprintf(&b, "%s,%s,%s,gpu_util_ratio,0.%02d\n", clock, node, device, i%100)
				fmt.Fprintf(&b, "%s,%s,%s,memory_used_bytes,%d\n", clock, node, device, 60_000_000_000+i)
				rows += 5
			}
		}
	}
	return estate, b.Bytes(), rows
}

// BenchmarkSamples holds the reader against encoding/csv, which reads the same
// cells without checking or converting them, on one core of an AMD EPYC:
// see docs/formats/replay.md for the figures.
func BenchmarkSamples(b *testing.B) {
	for _, clock := range []string{"millis", "rfc3339"} {
		estate, file, rows := benchSet(clock == "rfc3339")
		b.Run("reader=replay/clock="+clock, func(b *testing.B) {
			b.SetBytes(int64(len(file)))
			b.ReportAllocs()
			for b.Loop() {
				s := replay.NewSamples(replay.Source{Reader: bytes.NewReader(file)}, estate, replay.Bounds{TakenIn: 1_800_000_000_000_000_000})
				for s.Next() {
					if s.Series == nil {
						b.Fatal("refused a row")
					}
				}
				if got, want := s.Rows(), int64(rows); got != want {
					b.Fatalf("%d rows, want %d", got, want)
				}
			}
			b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
		b.Run("reader=encoding_csv/clock="+clock, func(b *testing.B) {
			b.SetBytes(int64(len(file)))
			b.ReportAllocs()
			for b.Loop() {
				r := csv.NewReader(bytes.NewReader(file))
				r.ReuseRecord = true
				for {
					if _, err := r.Read(); errors.Is(err, io.EOF) {
						break
					} else if err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
