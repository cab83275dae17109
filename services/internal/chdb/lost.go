package chdb

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The engine notes the token of a block before it puts the block's part in its place. Killed
// between the two it takes a retry of the block for a duplicate, and the block is lost. So before
// a start, tokens whose parts are not there are taken back, in the log's own form: lines of
// operation, part and token, of which the last line about a token counts.
//
// A token whose part went with its partition is taken back too. Nobody sends such a block again.
const (
	tokenAdded   = "1"
	tokenDropped = "2"
)

// partName is the form of a part in its place: partition, first and last block, level, mutation.
var partName = regexp.MustCompile(`^(.+?)_(\d+)_(\d+)_\d+(?:_\d+)?$`)

// blocks is a range of block numbers of one partition, both ends in it.
type blocks struct{ first, last uint64 }

// forgetLostBlocks takes back the tokens of lost blocks of all tables in a folder, and says how many.
// The engine must not run.
func forgetLostBlocks(dir string) (int, error) {
	folders, err := filepath.Glob(filepath.Join(dir, "store", "*", "*", "deduplication_logs"))
	if err != nil {
		return 0, fmt.Errorf("find deduplication logs: %w", err)
	}
	total := 0
	for _, folder := range folders {
		n, err := forgetLostBlocksOf(filepath.Dir(folder), folder)
		if err != nil {
			return total, fmt.Errorf("mend deduplication log: %w", err)
		}
		total += n
	}
	return total, nil
}

func forgetLostBlocksOf(table, folder string) (int, error) {
	logs, err := tokenLogs(folder)
	if err != nil || len(logs) == 0 {
		return 0, err
	}
	parts, err := partsOf(table)
	if err != nil {
		return 0, err
	}
	tokens := map[string]string{} // part by token
	whole := 0                    // bytes of the last log that are whole lines
	for _, log := range logs {
		text, err := os.ReadFile(log)
		if err != nil {
			return 0, err
		}
		whole = readTokens(text, tokens)
	}
	var lost strings.Builder
	n := 0
	for _, token := range slices.Sorted(maps.Keys(tokens)) {
		if part := tokens[token]; !holds(parts, part) {
			lost.WriteString(tokenDropped + "\t" + part + "\t" + token + "\n")
			n++
		}
	}
	return n, appendAt(logs[len(logs)-1], whole, lost.String())
}

// tokenLogs returns a table's logs in the order in which they were written.
func tokenLogs(folder string) ([]string, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "deduplication_log_*.txt"))
	if err != nil {
		return nil, err
	}
	numbers := map[string]uint64{}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".txt")
		if numbers[path], err = strconv.ParseUint(name[strings.LastIndexByte(name, '_')+1:], 10, 64); err != nil {
			return nil, fmt.Errorf("unknown file %s: %w", path, err)
		}
	}
	slices.SortFunc(paths, func(a, b string) int { return int(numbers[a]) - int(numbers[b]) })
	return paths, nil
}

// readTokens reads a log into tokens and returns how many bytes of it are whole lines.
func readTokens(text []byte, tokens map[string]string) (whole int) {
	for {
		line, rest, found := bytes.Cut(text, []byte("\n"))
		if !found {
			return whole
		}
		whole += len(line) + 1
		text = rest
		operation, fields, _ := strings.Cut(string(line), "\t")
		part, token, _ := strings.Cut(fields, "\t")
		switch operation {
		case tokenAdded:
			tokens[token] = part
		case tokenDropped:
			delete(tokens, token)
		}
	}
}

// partsOf returns what the parts in a table's folder hold, by partition.
func partsOf(table string) (map[string][]blocks, error) {
	entries, err := os.ReadDir(table)
	if err != nil {
		return nil, err
	}
	parts := map[string][]blocks{}
	for _, e := range entries {
		if partition, b, ok := parsePart(e.Name()); ok && e.IsDir() {
			parts[partition] = append(parts[partition], b)
		}
	}
	return parts, nil
}

// parsePart reads a part's name. Parts under way (tmp_insert_...) are none.
func parsePart(name string) (partition string, b blocks, ok bool) {
	m := partName.FindStringSubmatch(name)
	if m == nil || strings.HasPrefix(name, "tmp") || strings.HasPrefix(name, "delete_tmp") {
		return "", blocks{}, false
	}
	first, err1 := strconv.ParseUint(m[2], 10, 64)
	last, err2 := strconv.ParseUint(m[3], 10, 64)
	return m[1], blocks{first, last}, err1 == nil && err2 == nil
}

// holds says whether a part, or one that it was merged into, is there. A name that is not
// understood is taken to be there: its token stays.
func holds(parts map[string][]blocks, part string) bool {
	partition, b, ok := parsePart(part)
	if !ok {
		return true
	}
	return slices.ContainsFunc(parts[partition], func(p blocks) bool { return p.first <= b.first && b.last <= p.last })
}

// appendAt cuts a file to a size and appends text to it.
func appendAt(path string, size int, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) && text == "" {
		return nil
	}
	if err != nil {
		return err
	}
	err = f.Truncate(int64(size))
	if err == nil {
		_, err = f.WriteAt([]byte(text), int64(size))
	}
	return errors.Join(err, f.Close())
}
