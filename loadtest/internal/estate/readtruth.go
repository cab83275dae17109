package estate

import (
	"encoding/json"
	"fmt"
	"os"
)

// ReadTruth reads a truth that Generate has written.
func ReadTruth(path string) (Truth, error) {
	var t Truth
	b, err := os.ReadFile(path)
	if err != nil {
		return t, fmt.Errorf("read truth: %w", err)
	}
	if err := json.Unmarshal(b, &t); err != nil {
		return t, fmt.Errorf("decode truth: %w", err)
	}
	return t, nil
}
