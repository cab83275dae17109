package peers

import (
	"bytes"
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/ntegral/ntegral/loadtest/internal/product"
)

const engineGroup = "kafka-engine-peer"

//go:embed engine.sql
var engineSQL string

//go:embed engine.proto
var engineProto []byte

// store is the embedded ClickHouse engine behind its HTTP interface, with
// nothing of ours in it.
type store struct {
	*child
	url, password string
}

func startStore(ctx context.Context, c *contest) (*store, error) {
	address, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(c.dir, "clickhouse")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	s := &store{url: "http://" + address, password: rand.Text()}
	s.child, err = spawn("clickhouse", filepath.Join(c.dir, "clickhouse.log"), []string{
		"NTEGRAL_CHDB_DATA_DIR=" + data, "NTEGRAL_CHDB_LISTEN=" + address, "NTEGRAL_CHDB_WRITER_PASSWORD=" + s.password, "NTEGRAL_CHDB_READER_PASSWORD=" + rand.Text(),
	}, c.Binary, "clickhouse")
	if err != nil {
		return nil, err
	}
	err = product.Until(ctx, func() (bool, error) {
		_, err := s.ask(ctx, "SELECT 1")
		return err == nil, s.ended()
	})
	if err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *store) ask(ctx context.Context, query string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, strings.NewReader(query))
	if err != nil {
		return "", fmt.Errorf("make request: %w", err)
	}
	r.SetBasicAuth("ntegral", s.password)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", fmt.Errorf("ask clickhouse: %w", err)
	}
	defer func() { _ = answer.Body.Close() }() // read to its end, or useless
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = errors.New(string(bytes.TrimSpace(body)))
	}
	if err != nil {
		return "", fmt.Errorf("ask clickhouse: %w", err)
	}
	return string(body), nil
}

// runEngine lets a Kafka table, a view and a dictionary make the facts. Tables
// and dictionary stand before the clock runs; it starts with the view, which
// starts the consumers, and ends when the facts have been asked for.
func runEngine(ctx context.Context, c *contest) (result, error) {
	var r result
	s, err := startStore(ctx, c)
	if err != nil {
		return r, err
	}
	defer s.stop()
	schema := filepath.Join(c.dir, "engine.proto")
	if err := os.WriteFile(schema, engineProto, 0o600); err != nil {
		return r, fmt.Errorf("write schema: %w", err)
	}
	sql := strings.NewReplacer("{broker}", c.broker.address, "{schema}", schema, "{group}", engineGroup, "{placements}", c.Load.holds()).Replace(engineSQL)
	statements := strings.Split(strings.TrimSpace(sql), ";\n\n")
	view, question := len(statements)-2, len(statements)-1
	for _, q := range statements[:view] {
		if _, err := s.ask(ctx, q); err != nil {
			return r, err
		}
	}
	before, err := s.usage()
	if err != nil {
		return r, fmt.Errorf("read use of clickhouse: %w", err)
	}
	began := time.Now()
	if _, err := s.ask(ctx, statements[view]); err != nil {
		return r, err
	}
	var rows string
	err = r.measure(began, before, s.child, func() error {
		if err := c.broker.committed(ctx, engineGroup, s.ended); err != nil {
			return err
		}
		rows, err = s.ask(ctx, statements[question])
		return err
	})
	if err != nil {
		return r, err
	}
	r.facts, err = tabFacts(rows)
	return r, err
}

// holds is the placements as rows of a VALUES list: one a device.
func (l Load) holds() string {
	var b strings.Builder
	for n := range l.Nodes {
		for _, p := range l.placements(n) {
			for _, d := range p.Devices {
				fmt.Fprintf(&b, ",('%s','%s',%d,%d,'%s')", p.Node, d, p.Start, p.End-1, p.Workload) // its ranges are closed
			}
		}
	}
	return strings.TrimPrefix(b.String(), ",")
}

// tabFacts reads minute, node, workload and energy from tab-separated rows.
func tabFacts(rows string) (Facts, error) {
	facts := Facts{}
	for line := range strings.Lines(rows) {
		cells := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(cells) != 4 {
			return nil, fmt.Errorf("read facts: %d columns", len(cells))
		}
		minute, err1 := strconv.ParseInt(cells[0], 10, 64)
		energy, err2 := strconv.ParseInt(cells[3], 10, 64)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("read facts: %w", err)
		}
		facts[Key{Minute: minute, Node: cells[1], Workload: cells[2]}] = energy
	}
	return facts, nil
}
