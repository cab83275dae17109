package replaydir

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Device is one row of inventory.csv. An empty Device means the node itself.
type Device struct {
	Node, Device, Kind, Model, Parent, Provider, Region, Zone, InstanceType, Cluster, Tenant string
}

// Placement is one row of placements.csv. A zero End means still running.
type Placement struct {
	ID, Manager, Cluster, Workload, Kind, Tenant, Team, Node, Devices, Mode, Share string
	Start, End                                                                     time.Time
	Labels                                                                         string
}

// Rate is one row of rates.csv; zero times leave the validity unbounded.
type Rate struct {
	Kind, Key, Value, Unit string
	From, To               time.Time
	Source                 string
}

// WriteInventory writes inventory.csv into dir.
func WriteInventory(dir string, rows []Device) error {
	header := []string{"node", "device", "kind", "model", "parent", "provider", "region", "zone", "instance_type", "cluster", "tenant"}
	return writeTable(filepath.Join(dir, "inventory.csv"), header, len(rows), func(i int) []string {
		r := rows[i]
		return []string{r.Node, r.Device, r.Kind, r.Model, r.Parent, r.Provider, r.Region, r.Zone, r.InstanceType, r.Cluster, r.Tenant}
	})
}

// WritePlacements writes placements.csv into dir.
func WritePlacements(dir string, rows []Placement) error {
	header := []string{"id", "manager", "cluster", "workload", "kind", "tenant", "team", "node", "devices", "mode", "share", "start", "end", "labels"}
	return writeTable(filepath.Join(dir, "placements.csv"), header, len(rows), func(i int) []string {
		r := rows[i]
		return []string{r.ID, r.Manager, r.Cluster, r.Workload, r.Kind, r.Tenant, r.Team, r.Node, r.Devices, r.Mode, r.Share, stamp(r.Start), stamp(r.End), r.Labels}
	})
}

// WriteRates writes rates.csv into dir.
func WriteRates(dir string, rows []Rate) error {
	header := []string{"kind", "key", "value", "unit", "valid_from", "valid_to", "source"}
	return writeTable(filepath.Join(dir, "rates.csv"), header, len(rows), func(i int) []string {
		r := rows[i]
		return []string{r.Kind, r.Key, r.Value, r.Unit, stamp(r.From), stamp(r.To), r.Source}
	})
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func writeTable(path string, header []string, n int, row func(int) []string) error {
	return WriteFile(path, func(w io.Writer) error {
		c := csv.NewWriter(w)
		if err := c.Write(header); err != nil {
			return err
		}
		for i := range n {
			if err := c.Write(row(i)); err != nil {
				return err
			}
		}
		c.Flush()
		return c.Error()
	})
}

// WriteFile writes path through fill and renames it into place when complete,
// so that an interrupted generator leaves no half file that replays cleanly.
func WriteFile(path string, fill func(io.Writer) error) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("create file: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := errors.Join(fill(w), w.Flush(), f.Chmod(0o644), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("rename file: %w", err)
	}
	return nil
}
