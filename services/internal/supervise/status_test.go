package supervise

import (
	"context"
	"os"
	"testing"

	"github.com/ntegral/ntegral/services/internal/lifecycle"
	"github.com/ntegral/ntegral/services/internal/system"
)

// A folder in the place of the file that is renamed into it stands for a disk
// that takes nothing.
func TestStatusIsWrittenWhenItCanBe(t *testing.T) {
	folder := system.Folder(t.TempDir())
	if err := os.MkdirAll(folder.Run(), 0o700); err != nil {
		t.Fatal(err)
	}
	b, err := newBoard(folder, []Child{{Name: "kafka"}})
	if err != nil {
		t.Fatal(err)
	}
	blocks := []string{statusPath(folder) + ".new", pidPath(folder, "kafka") + ".new"}
	for _, path := range blocks {
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.set("kafka", func(s *ChildStatus) { s.State = StateReady }); err == nil {
		t.Error("a status that was not written is no error")
	}
	if err := b.writePID("kafka", 7); err == nil {
		t.Error("a process number that was not written is no error")
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); b.rewrite(ctx) }()
	for _, path := range blocks {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	err = lifecycle.Retry(t.Context(), lifecycle.Backoff{Min: rewriteInterval / 20, Max: rewriteInterval / 10}, func(context.Context) error {
		if _, err := os.Stat(pidPath(folder, "kafka")); err != nil {
			return err
		}
		s, _, err := ReadStatus(folder)
		if err == nil && !s.Ready {
			return os.ErrNotExist
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	cancel()
	<-done
}
