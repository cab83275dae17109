package kafkaserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// segment is one file of a partition's log.
type segment struct {
	base     int64 // offset of its first record
	bytes    int64
	modified time.Time // when its last record was appended
}

// limits are a topic's; negative means none.
type limits struct {
	age   time.Duration
	bytes int64
}

// expire removes expired segments from time to time, until ctx ends.
func expire(ctx context.Context, cfg Config, cluster *kfake.Cluster, logger *slog.Logger) {
	ticker := time.NewTicker(cmp.Or(cfg.RetentionInterval, time.Minute))
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			if err := expireOnce(cfg.Dir, cluster, now); err != nil {
				logger.Warn("expire kafka segments", "error", err)
			}
		}
	}
}

func expireOnce(dir string, cluster *kfake.Cluster, now time.Time) error {
	folders, err := os.ReadDir(filepath.Join(dir, "partitions"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var errs []error
	for _, f := range folders {
		topic, partition, ok := parseFolder(f.Name())
		if !ok {
			continue
		}
		info := cluster.TopicInfo(topic)
		part := cluster.PartitionInfo(topic, partition)
		if info == nil || part == nil {
			continue // deleted meanwhile
		}
		segments, err := listSegments(filepath.Join(dir, "partitions", f.Name()))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		start, ok := keepFrom(segments, limitsOf(info.Configs), now)
		if !ok || start <= part.LogStartOffset {
			continue
		}
		if err := cluster.DeleteRecords(topic, partition, start); err != nil {
			errs = append(errs, fmt.Errorf("expire %s: %w", f.Name(), err))
		}
	}
	return errors.Join(errs...)
}

// keepFrom returns the base of the oldest segment that is to stay, if older ones
// are to go. segments are in order of offset. The newest one always stays.
func keepFrom(segments []segment, l limits, now time.Time) (base int64, ok bool) {
	var total int64
	for _, s := range segments {
		total += s.bytes
	}
	first := 0
	for first < len(segments)-1 {
		s := segments[first]
		tooOld := l.age >= 0 && now.Sub(s.modified) > l.age
		// Like Apache Kafka: what stays is at least the limit.
		tooMuch := l.bytes >= 0 && total-s.bytes >= l.bytes
		if !tooOld && !tooMuch {
			break
		}
		total -= s.bytes
		first++
	}
	if first == 0 {
		return 0, false
	}
	return segments[first].base, true
}

func limitsOf(configs map[string]*string) limits {
	number := func(key string) int64 {
		if v := configs[key]; v != nil {
			if n, err := strconv.ParseInt(*v, 10, 64); err == nil {
				return n
			}
		}
		return -1
	}
	l := limits{age: -1, bytes: number("retention.bytes")}
	if ms := number("retention.ms"); ms >= 0 && ms < int64(1<<63-1)/int64(time.Millisecond) {
		l.age = time.Duration(ms) * time.Millisecond
	}
	return l
}

func listSegments(dir string) ([]segment, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var segments []segment
	for _, e := range entries {
		digits, isLog := strings.CutSuffix(e.Name(), ".dat")
		base, err := strconv.ParseInt(digits, 10, 64)
		if !isLog || err != nil {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // trimmed meanwhile
		}
		if err != nil {
			return nil, err
		}
		segments = append(segments, segment{base: base, bytes: info.Size(), modified: info.ModTime()})
	}
	slices.SortFunc(segments, func(a, b segment) int { return cmp.Compare(a.base, b.base) })
	return segments, nil
}

// parseFolder splits a partition's folder name, TOPIC-NUMBER, as kfake writes it.
func parseFolder(folder string) (topic string, partition int32, ok bool) {
	i := strings.LastIndexByte(folder, '-')
	if i < 0 {
		return "", 0, false
	}
	n, err := strconv.ParseInt(folder[i+1:], 10, 32)
	if err != nil {
		return "", 0, false
	}
	topic, err = url.PathUnescape(folder[:i])
	return topic, int32(n), err == nil
}
