package record

// Seal says that nothing follows from a node for now: all its windows close.
type Seal struct {
	Node    string
	TakenIn int64
}

// Append encodes the seal.
func (s *Seal) Append(b []byte) []byte {
	b = appendText(b, 1, s.Node)
	return appendInt(b, 2, s.TakenIn)
}

// DecodeSeal reads a seal.
func DecodeSeal(b []byte) (s Seal, err error) {
	err = each(b, func(f field) error {
		switch f.n {
		case 1:
			return f.text(&s.Node, MaxName)
		case 2:
			return f.int(&s.TakenIn)
		}
		return nil
	})
	if err == nil && s.Node == "" {
		err = malformed("no node")
	}
	return s, err
}
