package meter

// Busy is what one device's readings say of its use: ratios, best first.
type Busy struct {
	SMActive, GraphicsEngineActive, GPUUtil Series // ppm
}

// Series returns the ratios, best first.
func (b *Busy) Series() [3]*Series {
	return [3]*Series{&b.SMActive, &b.GraphicsEngineActive, &b.GPUUtil}
}

// BusySpans returns, within [lo, hi), spans of the best ratio that covers each
// instant; Amount of a span is busy time in ns. The result is valid until the
// next call of a method of r.
func (r *Reader) BusySpans(b *Busy, lo, hi int64) []Span {
	spans := r.a[:0]
	for _, s := range b.Series() {
		if len(s.Times) < 2 {
			continue
		}
		if len(spans) > 0 && covers(spans, lo, hi) {
			break
		}
		r.inner1 = appendSegments(r.inner1[:0], s, r.Limits.MaxGap, RungGauge, lo, hi)
		if len(spans) == 0 {
			spans = append(spans, r.inner1...)
			r.a = spans
			continue
		}
		r.b = layer(r.b[:0], spans, r.inner1)
		r.a, r.b = r.b, r.a
		spans = r.a
	}
	return spans
}
