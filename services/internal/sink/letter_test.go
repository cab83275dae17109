package sink

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/ntegral/ntegral/schemas/record"
)

// TestLettersFitTheirTopic: a part is larger than any other record, and so may be
// what is said of it.
func TestLettersFitTheirTopic(t *testing.T) {
	l := letter{
		part: record.PartID{Part: 3}, payload: bytes.Repeat([]byte{7}, record.MaxPartBytes),
		cause: errors.New(strings.Repeat("why ", record.MaxText)),
	}
	d, id := l.dead(1)
	value := d.Append(nil)
	if len(value) > record.MaxRecordBytes {
		t.Errorf("the letter has %d bytes, its topic takes %d", len(value), record.MaxRecordBytes)
	}
	back, err := record.DecodeDeadLetter(value)
	if err != nil || !bytes.HasPrefix(l.payload, back.Payload) || !strings.Contains(back.Detail, "of 4194304 bytes") {
		t.Errorf("got a payload of %d bytes, %v, and a detail that ends with %q", len(back.Payload), err, back.Detail[max(0, len(back.Detail)-60):])
	}
	if !strings.HasSuffix(id, "/3") {
		t.Errorf("the ID %q does not name the part", id)
	}
}
