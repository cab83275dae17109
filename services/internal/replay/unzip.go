package replay

import (
	"io"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
)

// counter counts what is read through it; the count may be asked for from
// another goroutine.
type counter struct {
	in io.Reader
	n  atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// unzip decompresses ahead of its reader, in a goroutine of its own, because
// that takes longer than all the rest of a row's way.
type unzip struct {
	blocks chan block
	spare  chan []byte
	stop   chan struct{}
	ended  chan struct{}
	now    block
	rest   []byte
}

type block struct {
	b   []byte
	err error
}

const (
	blockBytes = 256 << 10
	blocks     = 8
)

func newUnzip(in io.Reader) *unzip {
	u := &unzip{
		blocks: make(chan block, blocks), spare: make(chan []byte, blocks+2), stop: make(chan struct{}), ended: make(chan struct{}),
	}
	go u.run(in)
	return u
}

func (u *unzip) run(in io.Reader) {
	defer close(u.ended)
	z, err := gzip.NewReader(in)
	for {
		var b []byte
		if err == nil {
			select {
			case b = <-u.spare:
			default:
				b = make([]byte, blockBytes)
			}
			n := 0
			for n < len(b) && err == nil {
				var m int
				m, err = z.Read(b[n:])
				n += m
			}
			b = b[:n]
		}
		select {
		case u.blocks <- block{b, err}:
		case <-u.stop:
			return
		}
		if err != nil {
			return
		}
	}
}

// Read returns io.EOF also for a file of no bytes at all.
func (u *unzip) Read(p []byte) (int, error) {
	for len(u.rest) == 0 {
		if u.now.err != nil {
			return 0, u.now.err
		}
		if u.now.b != nil {
			select {
			case u.spare <- u.now.b[:cap(u.now.b)]:
			default:
			}
		}
		u.now = <-u.blocks
		u.rest = u.now.b
	}
	n := copy(p, u.rest)
	u.rest = u.rest[n:]
	return n, nil
}

// Close ends the goroutine. It may be called once.
func (u *unzip) Close() error {
	close(u.stop)
	<-u.ended
	return nil
}
