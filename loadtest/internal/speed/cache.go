package speed

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/ntegral/ntegral/loadtest/internal/benchset"
	"github.com/ntegral/ntegral/loadtest/internal/replaydir"
)

// format changes when the generator does, so that old sets are not reused.
const format = 1

// set returns the directory of the set that o describes, generating it below
// cache when it is not there. Its description is written last: a set without
// one was interrupted and is made again.
func set(cache string, o benchset.Options) (dir string, s benchset.Set, err error) {
	name := fmt.Sprintf("v%d-%dx%d-%s-%s-%d", format, o.Nodes, o.Devices, o.Duration, o.Every, o.Seed)
	dir, about := filepath.Join(cache, name), filepath.Join(cache, name+".json")
	if b, err := os.ReadFile(about); err == nil && json.Unmarshal(b, &s) == nil && s.Rows > 0 {
		return dir, s, nil
	}
	o.Dir = dir
	if s, err = benchset.Generate(o); err != nil {
		return "", s, fmt.Errorf("generate set: %w", err)
	}
	return dir, s, replaydir.WriteFile(about, func(w io.Writer) error { return json.NewEncoder(w).Encode(s) })
}

// DefaultCache is where sets are kept between runs.
func DefaultCache() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find cache folder: %w", err)
	}
	return filepath.Join(base, "ntegral", "loadtest"), nil
}

// Standard is the set that the project's target is stated for.
func Standard(seed uint64) benchset.Options {
	return benchset.Options{
		Nodes: 64, Devices: 8, Start: time.Date(2026, 9, 15, 13, 0, 0, 0, time.UTC),
		Duration: 2 * time.Hour, Every: 2 * time.Second, Seed: seed,
	}
}
