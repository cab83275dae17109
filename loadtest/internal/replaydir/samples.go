package replaydir

import (
	"compress/gzip"
	"io"
	"path/filepath"
	"strconv"
	"time"
)

// flushAt is the size at which the row buffer is handed on; rows are far
// shorter than its slack, so appending never grows it.
const flushAt = 1 << 18

// Samples appends rows to samples.csv. Errors stick and are returned once by
// WriteSamples, so that the hot path has no error to look at.
type Samples struct {
	out  io.Writer
	buf  []byte
	rows int64
	err  error
}

// WriteSamples writes samples.csv, or samples.csv.gz, into dir through fill,
// and returns how many rows it holds.
func WriteSamples(dir string, zip bool, fill func(*Samples)) (int64, error) {
	name := "samples.csv"
	if zip {
		name += ".gz"
	}
	var rows int64
	err := WriteFile(filepath.Join(dir, name), func(w io.Writer) error {
		if !zip {
			var err error
			rows, err = fillSamples(w, fill)
			return err
		}
		z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
		if err != nil {
			return err
		}
		if rows, err = fillSamples(z, fill); err != nil {
			return err
		}
		return z.Close()
	})
	return rows, err
}

func fillSamples(w io.Writer, fill func(*Samples)) (int64, error) {
	s := &Samples{out: w, buf: make([]byte, 0, flushAt+4096)}
	s.buf = append(s.buf, "time,node,device,metric,value\n"...)
	fill(s)
	s.flush()
	return s.rows, s.err
}

// Text appends one row with a ready-made time and value.
func (s *Samples) Text(time, node, device, metric, value string) {
	s.buf = append(append(s.buf, time...), ',')
	s.buf = append(append(s.buf, node...), ',')
	s.buf = append(append(s.buf, device...), ',')
	s.buf = append(append(s.buf, metric...), ',')
	s.buf = append(append(s.buf, value...), '\n')
	s.end()
}

// Fixed appends one row whose time is already printed and whose middle columns
// are printed with their commas (see Columns); value has `decimals` decimals.
func (s *Samples) Fixed(time []byte, columns string, value int64, decimals int) {
	s.buf = append(s.buf, time...)
	s.buf = append(s.buf, columns...)
	s.buf = AppendFixed(s.buf, value, decimals)
	s.buf = append(s.buf, '\n')
	s.end()
}

// Err is the first write error, for generators that want to stop early.
func (s *Samples) Err() error { return s.err }

func (s *Samples) end() {
	s.rows++
	if len(s.buf) >= flushAt {
		s.flush()
	}
}

func (s *Samples) flush() {
	if s.err == nil && len(s.buf) > 0 {
		_, s.err = s.out.Write(s.buf)
	}
	s.buf = s.buf[:0]
}

// Columns prints the columns between time and value, with the commas around.
func Columns(node, device, metric string) string {
	return "," + node + "," + device + "," + metric + ","
}

// AppendFixed appends value / 10^decimals, always with all its decimals.
func AppendFixed(b []byte, value int64, decimals int) []byte {
	if value < 0 {
		b, value = append(b, '-'), -value
	}
	scale := int64(1)
	for range decimals {
		scale *= 10
	}
	b = strconv.AppendInt(b, value/scale, 10)
	if decimals == 0 {
		return b
	}
	b = append(b, '.')
	for rest := value % scale; scale > 1; {
		scale /= 10
		b = append(b, byte('0'+rest/scale%10))
	}
	return b
}

// AppendMillis appends t as epoch milliseconds, the shorter of the two forms of
// a time that the format knows.
func AppendMillis(b []byte, t time.Time) []byte {
	return strconv.AppendInt(b, t.UnixMilli(), 10)
}
