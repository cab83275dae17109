package chdb

import "strings"

var stringQuoter = strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\x00", `\0`)

// QuoteString returns s as a string literal of ClickHouse's SQL.
func QuoteString(s string) string { return "'" + stringQuoter.Replace(s) + "'" }

var identifierQuoter = strings.NewReplacer(`\`, `\\`, "`", "\\`", "\n", `\n`, "\x00", `\0`)

// QuoteIdentifier returns s as a quoted name of ClickHouse's SQL.
func QuoteIdentifier(s string) string { return "`" + identifierQuoter.Replace(s) + "`" }
