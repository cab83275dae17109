package record

import "strconv"

// CorrectionID names a record of the corrections topic: the run of
// reconciliation that wrote it, and its place among that run's records for the
// task. 0 is the record that begins the run and has no value.
type CorrectionID struct {
	Run      string
	Sequence uint64
}

// Headers returns the record's identity as record headers.
func (c CorrectionID) Headers() []Header {
	return []Header{{"run", []byte(c.Run)}, {"sequence", strconv.AppendUint(nil, c.Sequence, 10)}}
}

// CorrectionIDOf reads the identity of a correction back from its headers.
func CorrectionIDOf(headers []Header) (CorrectionID, error) {
	run := value(headers, "run")
	sequence, err := strconv.ParseUint(value(headers, "sequence"), 10, 64)
	if err != nil || run == "" || len(run) > MaxName || (sequence == 0) != (TypeOf(headers) == TypeReconciliation) {
		return CorrectionID{}, malformed("correction headers")
	}
	return CorrectionID{Run: run, Sequence: sequence}, nil
}
