package chserver

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ntegral/ntegral/services/internal/chdb"
)

// openSession makes the engine's connection for one request of a user. Its settings are, in this
// order: what the user's kind gets, what the request asks for, and for the reader the limits and
// readonly = 1, after which nothing can be changed.
func (h *Handler) openSession(u user, r *request) (*chdb.Conn, error) {
	c, err := h.engine.Connect()
	if err != nil {
		return nil, err
	}
	if err := h.prepareSession(c, u, r); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (h *Handler) prepareSession(c *chdb.Conn, u user, r *request) error {
	role := writerRole
	settings := h.writerSettings(r)
	if u == reader {
		role = readerRole
		if r.database != h.config.Database && r.database != "system" && r.database != "default" {
			// The role decides; this only keeps the name of what does not exist out of the answer.
			return newError(codeAccessDenied, "ACCESS_DENIED", "%s: Not enough privileges. To execute this query, it's necessary to have the grant SHOW DATABASES ON %s.*", ReaderUser, r.database)
		}
		var err error
		if settings, err = h.readerSettings(r); err != nil {
			return err
		}
	}
	database := r.database
	if u == reader {
		database = h.config.Database
	}
	for _, sql := range []string{
		"USE " + chdb.QuoteIdentifier(database),
		"SET " + joinSettings(settings),
		"SET ROLE " + role,
	} {
		if err := c.Exec(sql); err != nil {
			return err
		}
	}
	if u == reader {
		return c.Exec("SET readonly = 1")
	}
	return nil
}

func joinSettings(settings []setting) string {
	parts := make([]string, len(settings))
	for i, s := range settings {
		parts[i] = chdb.QuoteIdentifier(s.name) + " = " + chdb.QuoteString(s.value)
	}
	return strings.Join(parts, ", ")
}

// common are the settings of every session. The log comment is how a statement is found again to
// kill it, and nobody else's: the user's own comment stands behind what makes it unique.
// Times without a zone are UTC, wherever the machine stands.
func (h *Handler) common(r *request) []setting {
	s := []setting{{"async_insert", "0"}, {"log_comment", r.tag}, {"implicit_select", "0"}, {"session_timezone", "UTC"}}
	if !r.streams() && !r.insert {
		s = append(s, setting{"max_result_bytes", strconv.Itoa(maxWholeBytes)}, setting{"max_result_rows", strconv.Itoa(maxWholeRows)}, setting{"result_overflow_mode", "throw"})
	}
	if h.config.Threads > 0 {
		s = append(s, setting{"max_threads", strconv.Itoa(h.config.Threads)})
	}
	return s
}

func (h *Handler) writerSettings(r *request) []setting {
	s := h.common(r)
	if h.config.QueryMemoryBytes > 0 {
		s = append(s, setting{"max_memory_usage", strconv.FormatInt(h.config.QueryMemoryBytes, 10)})
	}
	for _, v := range r.settings {
		if v.name != "log_comment" {
			s = append(s, v)
		}
	}
	return s
}

// readerMay are settings that the reader may choose: how the result looks and how it is read.
var readerMay = []string{
	"add_http_cors_header", "aggregate_functions_null_for_empty", "any_join_distinct_right_table_keys", "date_time_output_format", "decimal_check_overflow",
	"distributed_product_mode", "empty_result_for_aggregation_by_empty_set", "extremes", "group_by_use_nulls", "join_algorithm", "join_default_strictness",
	"join_use_nulls", "max_block_size", "optimize_read_in_order", "preferred_block_size_bytes", "session_timezone", "transform_null_in",
	"union_default_mode", "use_index_for_in_with_subqueries",
}

// readerIgnored are settings that clients send by habit and that mean nothing, or nothing more,
// to the reader.
var readerIgnored = []string{"log_comment", "readonly", "allow_ddl", "insert_deduplication_token", "deduplicate_blocks_in_dependent_materialized_views"}

// readerSettings lets the reader choose what it may and keeps the lower of each limit and its wish.
func (h *Handler) readerSettings(r *request) ([]setting, error) {
	l := h.config.Reader
	limits := map[string]int64{
		"max_memory_usage": l.MemoryBytes, "max_memory_usage_for_user": 0, "max_execution_time": int64(l.Seconds),
		"max_result_rows": l.ResultRows, "max_result_bytes": l.ResultBytes, "max_bytes_before_external_group_by": 0, "max_bytes_before_external_sort": 0,
	}
	if h.config.Threads > 0 {
		limits["max_threads"] = int64(h.config.Threads)
	}
	if !r.streams() {
		limits["max_result_bytes"] = min(l.ResultBytes, maxWholeBytes)
		limits["max_result_rows"] = min(l.ResultRows, maxWholeRows)
	}
	chosen := h.common(r)
	for _, s := range r.settings {
		limit, limited := limits[s.name]
		switch {
		case limited:
			if v, err := strconv.ParseFloat(s.value, 64); err == nil && v > 0 && limit > 0 && v < float64(limit) {
				limits[s.name] = max(1, int64(v))
			}
		case slices.Contains(readerIgnored, s.name):
		case slices.Contains(readerMay, s.name) || strings.HasPrefix(s.name, "output_format_"):
			chosen = append(chosen, s)
		default:
			return nil, newError(codeReadonly, "READONLY", "Cannot modify '%s' setting in readonly mode", s.name)
		}
	}
	chosen = append(chosen,
		setting{"timeout_overflow_mode", "throw"}, setting{"result_overflow_mode", "throw"}, setting{"allow_ddl", "0"},
		setting{"allow_introspection_functions", "0"}, setting{"timeout_before_checking_execution_speed", "0"}, setting{"max_temporary_data_on_disk_size_for_query", fmt.Sprint(8 * l.MemoryBytes)})
	for name, v := range limits {
		if v > 0 {
			chosen = append(chosen, setting{name, strconv.FormatInt(v, 10)})
		}
	}
	return chosen, nil
}
