package engine

import "encoding/binary"

// fields reads values off an entry; bad is set once something does not fit.
type fields struct {
	b     []byte
	bad   bool
	times []int64 // of the last series with times of its own
}

func (f *fields) varint() int64 {
	v, n := binary.Varint(f.b)
	if n <= 0 {
		f.bad, f.b = true, nil
		return 0
	}
	f.b = f.b[n:]
	return v
}

func (f *fields) uvarint() uint64 {
	v, n := binary.Uvarint(f.b)
	if n <= 0 {
		f.bad, f.b = true, nil
		return 0
	}
	f.b = f.b[n:]
	return v
}

// count reads how many values follow; each takes a byte at least.
func (f *fields) count() int {
	v := f.uvarint()
	if v > uint64(len(f.b)) {
		f.bad, f.b = true, nil
		return 0
	}
	return int(v)
}

func (f *fields) bytes() []byte {
	n := f.count()
	return f.take(n)
}

func (f *fields) byte() byte {
	b := f.take(1)
	if f.bad {
		return 0
	}
	return b[0]
}

// take reads so many bytes.
func (f *fields) take(n int) []byte {
	if n > len(f.b) {
		f.bad, f.b = true, nil
		return nil
	}
	b := f.b[:n]
	f.b = f.b[n:]
	return b
}

func (f *fields) text() string { return string(f.bytes()) }
