package clickhouse

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

// codeTableExists is ClickHouse's TABLE_ALREADY_EXISTS.
const codeTableExists = 57

// migrationsTable has a row for each step forward of each migration: statements counts those that
// are done. A process that dies between a statement and its row repeats that one statement, and
// several processes that migrate at the same time may each run it: therefore a statement of a
// migration either ends in code 57 when it is repeated, or does nothing.
const migrationsTable = `CREATE TABLE IF NOT EXISTS schema_migrations
(
    version UInt32,
    name String,
    checksum String,
    statements UInt32,
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY (version, statements)`

type migration struct {
	version    uint32
	name       string
	checksum   string
	statements []string
}

type appliedMigration struct {
	Version    uint32 `ch:"version"`
	Name       string `ch:"name"`
	Checksum   string `ch:"checksum"`
	Statements uint32 `ch:"statements"`
}

// Migrate brings the database to the state of the *.sql files below fsys, in the order of their
// numbers, and does nothing if it is there. It refuses a database that has been migrated by files
// that are not these: changed ones, or ones that this program does not know yet.
func (c *Client) Migrate(ctx context.Context, fsys fs.FS) error {
	known, err := readMigrations(fsys)
	if err != nil {
		return lifecycle.Permanent(fmt.Errorf("read migrations: %w", err))
	}
	if err := c.Exec(ctx, migrationsTable); err != nil {
		return fmt.Errorf("create schema_migrations: %w", err)
	}
	done, err := c.appliedMigrations(ctx, known)
	if err != nil {
		return err
	}
	for _, m := range known {
		if err := c.applyMigration(ctx, known, m, done); err != nil {
			return fmt.Errorf("migrate to %s: %w", m.name, err)
		}
	}
	return nil
}

// appliedMigrations returns how many statements of each version are done.
func (c *Client) appliedMigrations(ctx context.Context, known []migration) (map[uint32]uint32, error) {
	var applied []appliedMigration
	err := c.Select(ctx, &applied, `SELECT m.version AS version, any(m.name) AS name, argMax(m.checksum, m.statements) AS checksum, max(m.statements) AS statements
		FROM schema_migrations AS m GROUP BY m.version ORDER BY m.version`)
	if err != nil {
		return nil, fmt.Errorf("read schema_migrations: %w", err)
	}
	done, err := compareMigrations(known, applied)
	if err != nil {
		return nil, lifecycle.Permanent(err)
	}
	return done, nil
}

// compareMigrations returns how many statements of each version are done.
func compareMigrations(known []migration, applied []appliedMigration) (map[uint32]uint32, error) {
	done := make(map[uint32]uint32, len(applied))
	var errs []error
	for _, a := range applied {
		done[a.Version] = a.Statements
		i := slices.IndexFunc(known, func(m migration) bool { return m.version == a.Version })
		switch {
		case i < 0:
			errs = append(errs, fmt.Errorf("database has migration %s, which this program does not know: it is older than the database", a.Name))
		case known[i].checksum != a.Checksum:
			errs = append(errs, fmt.Errorf("migration %s has changed since it was applied: a change is the next number", a.Name))
		}
	}
	return done, errors.Join(errs...)
}

// Bounds of waiting for another process that is migrating too.
const (
	migrateLookUp   = 100 * time.Millisecond
	migratePatience = 30 * time.Second
)

func (c *Client) applyMigration(ctx context.Context, known []migration, m migration, done map[uint32]uint32) error {
	at, resumed := done[m.version]
	if !resumed {
		if err := c.recordMigration(ctx, m, 0); err != nil {
			return err
		}
	}
	from := at
	for at < uint32(len(m.statements)) {
		err := c.Exec(ctx, m.statements[at])
		if CodeOf(err) == codeTableExists {
			// After a crash the first statement may have been done without being
			// recorded. Any other one has just been done by somebody else.
			if !resumed || at != from {
				if at, err = c.awaitMigration(ctx, known, m, at); err != nil {
					return err
				}
				continue
			}
			err = nil
		}
		if err != nil {
			return fmt.Errorf("run statement %d: %w", at+1, err)
		}
		at++
		if err := c.recordMigration(ctx, m, int(at)); err != nil {
			return err
		}
	}
	return nil
}

// awaitMigration waits until somebody has recorded more than at statements of m,
// and returns how many. A table that nobody's migration made stays an error.
func (c *Client) awaitMigration(ctx context.Context, known []migration, m migration, at uint32) (uint32, error) {
	bounded, cancel := context.WithTimeout(ctx, migratePatience)
	defer cancel()
	for {
		done, err := c.appliedMigrations(bounded, known)
		if err != nil {
			return 0, err
		}
		if done[m.version] > at {
			return done[m.version], nil
		}
		if lifecycle.Wait(bounded, migrateLookUp) != nil {
			if ctx.Err() != nil {
				return 0, lifecycle.Interrupted(context.Cause(ctx))
			}
			return 0, fmt.Errorf("run statement %d: its table exists, and no migration has said that it made it", at+1)
		}
	}
}

func (c *Client) recordMigration(ctx context.Context, m migration, statements int) error {
	b, err := c.Batch(ctx, "INSERT INTO schema_migrations (version, name, checksum, statements)")
	if err != nil {
		return fmt.Errorf("record migration: %w", err)
	}
	if err := b.Append(m.version, m.name, m.checksum, uint32(statements)); err != nil {
		return errors.Join(fmt.Errorf("record migration: %w", err), b.Abort())
	}
	if err := b.Send(); err != nil {
		return Classify(ctx, fmt.Errorf("record migration: %w", err))
	}
	return nil
}

var migrationName = regexp.MustCompile(`^(\d{4})_[a-z0-9_]+\.sql$`)

// readMigrations reads the files in order and checks that their numbers run from 1 without gaps.
func readMigrations(fsys fs.FS) ([]migration, error) {
	var all []migration
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(p) != ".sql" {
			return err
		}
		parts := migrationName.FindStringSubmatch(d.Name())
		if parts == nil {
			return fmt.Errorf("file %s: want a name like 0001_facts.sql", p)
		}
		text, err := fs.ReadFile(fsys, p)
		if err != nil {
			return err
		}
		version, err := strconv.ParseUint(parts[1], 10, 32)
		if err != nil {
			return fmt.Errorf("file %s: %w", p, err)
		}
		sum := sha256.Sum256(text)
		all = append(all, migration{uint32(version), strings.TrimSuffix(d.Name(), ".sql"), hex.EncodeToString(sum[:]), splitStatements(string(text))})
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b migration) int { return int(a.version) - int(b.version) })
	for i, m := range all {
		if int(m.version) != i+1 {
			return nil, fmt.Errorf("migration %s: want number %04d", m.name, i+1)
		}
		if len(m.statements) == 0 {
			return nil, fmt.Errorf("migration %s has no statement", m.name)
		}
	}
	if len(all) == 0 {
		return nil, errors.New("no migrations")
	}
	return all, nil
}

// splitStatements cuts a file at semicolons that end a line, and drops lines of comment.
func splitStatements(text string) []string {
	var statements []string
	var current strings.Builder
	flush := func() {
		if s := strings.TrimSpace(current.String()); s != "" {
			statements = append(statements, s)
		}
		current.Reset()
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "--") {
			continue
		}
		body, ends := strings.CutSuffix(strings.TrimRight(line, " \t\r\n"), ";")
		current.WriteString(body + "\n")
		if ends {
			flush()
		}
	}
	flush()
	return statements
}
