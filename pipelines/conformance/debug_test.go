package conformance_test

import (
	"os"
	"testing"
)

func TestDebug(t *testing.T) {
	if os.Getenv("DBG") == "" {
		t.Skip()
	}
	d := randomCluster(*clustersFrom, clusterOptions{late: *clustersFrom%3 == 0})
	debugSingle = true
	s := runStream(t, d, *clustersFrom)
	compareStream(t, *clustersFrom, d, s)
}
