package fact

import (
	"encoding/binary"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// words is a column of strings: their places in a dictionary, whose first is the empty one.
// A part repeats a few strings over and over, and hashing each of a row's eighteen was most
// of the time of encoding it, so the last ones are kept by what tells them apart cheaply.
type words struct {
	places column
	of     func(*Row) *string
	last   [32]entry
	known  map[string]int16
	texts  []byte // of the dictionary, one behind the other
	starts []byte // of each of them, and where the last ends, as Arrow keeps them
}

// entry is a string of the dictionary and its place there.
type entry struct {
	text  string
	place int16
}

// maxWords is how many strings a dictionary has at most: another one for each row, and the
// empty one.
const maxWords = MaxRows + 1

// offsetBytes is what Arrow takes to say where a string begins.
const offsetBytes = 4

func newWords(t text) words {
	w := words{places: newColumn(arrow.Field{Name: t.name, Type: dictionary}), of: t.of, known: map[string]int16{}}
	w.reset()
	return w
}

// keptTexts is how much memory a column keeps for the texts of the next part: names may be
// long, while all else is bounded by the rows of a part.
const keptTexts = 64 << 10

// reset forgets the strings of a part: the next would write them, too.
func (w *words) reset() {
	w.places.reset()
	clear(w.last[:])
	clear(w.known)
	if w.texts = w.texts[:0]; cap(w.texts) > keptTexts {
		w.texts = nil
	}
	w.starts = append(w.starts[:0], make([]byte, 2*offsetBytes)...)
}

// place returns the place of a string in the dictionary, which has it then.
func (w *words) place(s string) int16 {
	if s == "" {
		return 0
	}
	e := &w.last[(int(s[len(s)-1])+len(s))%len(w.last)]
	if e.text == s {
		return e.place
	}
	at, ok := w.known[s]
	if !ok {
		at = int16(w.len())
		w.known[s] = at
		w.texts = append(w.texts, s...)
		w.starts = binary.LittleEndian.AppendUint32(w.starts, uint32(len(w.texts)))
	}
	*e = entry{s, at}
	return at
}

// len is how many strings the dictionary has.
func (w *words) len() int { return len(w.starts)/offsetBytes - 1 }

// bytes is what the dictionary takes.
func (w *words) bytes() int { return len(w.texts) + len(w.starts) }

// put appends the strings of a tile behind rows others.
func (w *words) put(tile []Row, numbers []int64, rows int) {
	bits, at, text := int64(0), int64(0), ""
	for i := range tile {
		if s := *w.of(&tile[i]); s != text { // most are that of the row before
			text, at = s, int64(w.place(s))
			bits |= at
		}
		numbers[i] = at
	}
	w.places.put(numbers[:len(tile)], bits, rows)
}

// array returns the column of rows as an Arrow array, until reset.
func (w *words) array(rows int) arrow.Array {
	texts := array.NewData(arrow.BinaryTypes.String, w.len(), []*memory.Buffer{nil, memory.NewBufferBytes(w.starts), memory.NewBufferBytes(w.texts)}, nil, 0, 0)
	places := w.places.array(rows, dictionary.IndexType)
	data := array.NewDataWithDictionary(dictionary, rows, places.Buffers(), 0, 0, texts)
	return array.NewDictionaryData(data)
}
