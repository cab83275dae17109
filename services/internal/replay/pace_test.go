package replay

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, looks := time.Now(), 0
		p := pace{speed: 60, now: time.Now}
		for _, row := range []struct{ at, want time.Duration }{{0, 0}, {time.Minute, time.Second}, {30 * time.Second, time.Second}, {time.Hour, time.Minute}} {
			if err := p.wait(t.Context(), int64(row.at), func() { looks++ }); err != nil {
				t.Fatal(err)
			}
			if got := time.Since(start); got != row.want {
				t.Errorf("row of %v is sent after %v, want %v", row.at, got, row.want)
			}
		}
		if looks < 60*5 { // a status can be shown five times a second
			t.Errorf("looked up %d times in a minute", looks)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := p.wait(ctx, int64(48*time.Hour), func() {}); !lifecycle.IsInterrupted(err) {
			t.Errorf("error %v of a wait that is cut short, want an interruption", err)
		}
	})
}
