package chserver

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	chproto "github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"
)

// reframe turns Native blocks of revision 0, which is all that the engine writes, into blocks of
// nativeRevision. Where a column ends is only known to who decodes it, so each block is decoded and
// encoded again with the client library's own code. A piece of a result holds whole blocks.
func reframe(piece []byte) ([]byte, error) {
	in := chproto.NewReader(bytes.NewReader(piece))
	var out chproto.Buffer
	for {
		block := proto.Block{ServerContext: &column.ServerContext{Timezone: time.UTC}}
		err := block.Decode(in, 0)
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return out.Buf, nil
		}
		if err != nil {
			return nil, fmt.Errorf("decode native block: %w", err)
		}
		if block.Rows() == 0 {
			if err := encodeHeader(&out, &block); err != nil {
				return nil, err
			}
			continue
		}
		if err := block.Encode(&out, nativeRevision); err != nil {
			return nil, fmt.Errorf("encode native block: %w", err)
		}
	}
}

// encodeHeader writes a block without rows. The library would write the prefixes of some columns,
// which its own decoder does not expect there.
func encodeHeader(out *chproto.Buffer, block *proto.Block) error {
	if err := block.EncodeHeader(out, nativeRevision); err != nil {
		return fmt.Errorf("encode native block: %w", err)
	}
	for _, c := range block.Columns {
		out.PutString(c.Name())
		out.PutString(string(c.Type()))
		out.PutBool(false)
	}
	return nil
}
