package chserver

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ntegral/ntegral/services/internal/chdb"
)

// The guard looks at a reader's statement through the engine's own parser: its class, and its
// syntax tree as EXPLAIN AST prints it, one node a line. The role and readonly = 1 hold without
// it; the guard closes what access control leaves open in an embedded engine: functions that touch
// files and the network without a grant, and system tables that are readable by anyone.

// deniedFunctions reach outside the database without asking for a grant, or tell about the machine.
var deniedFunctions = []string{
	"aiclassify", "aiembed", "aiextract", "aigenerate", "aitranslate", "aisummarize",
	"catboostevaluate", "file", "filesystemavailable", "filesystemcapacity", "filesystemunreserved",
	"getclienthttpheader", "getmacro", "getserverport", "getserversetting", "hascolumnintable", "reversednsquery",
}

// allowedTableFunctions compute their rows or read only what the statement itself names.
var allowedTableFunctions = []string{
	"generate_series", "generateseries", "null", "numbers", "numbers_mt", "primes", "values", "view", "viewifpermitted", "zeros", "zeros_mt",
}

// readableSystemTables are those that the reader gets; none shows other users' statements.
var readableSystemTables = []string{
	"aggregate_function_combinators", "build_options", "collations", "columns", "completions", "data_type_families", "databases", "dictionaries",
	"formats", "functions", "licenses", "numbers", "numbers_mt", "one", "parts", "settings", "table_engines", "table_functions",
	"tables", "time_zones", "zeros", "zeros_mt",
}

// allowedRoots are the statements, by the name of the tree's root.
var allowedRoots = []string{
	"DescribeQuery", "ExistsTableQuery", "ExistsViewQuery", "ExistsDatabaseQuery", "ExistsDictionaryQuery", "Explain",
	"SelectWithUnionQuery", "SelectIntersectExceptQuery", "SelectQuery", "ShowColumns", "ShowCreateTableQuery", "ShowCreateViewQuery",
	"ShowCreateDatabaseQuery", "ShowCreateDictionaryQuery", "ShowFunctions", "ShowIndexes", "ShowTables", "ShowEngineQuery",
}

var allowedExplains = []string{"EXPLAIN", "EXPLAIN AST", "EXPLAIN ESTIMATE", "EXPLAIN PIPELINE", "EXPLAIN QUERY TREE", "EXPLAIN SYNTAX"}

const (
	codeAccessDenied = 497
	codeReadonly     = 164
	codeSyntaxError  = 62
)

// admit decides whether the reader may run sql. The session must already be the reader's.
func admit(c *chdb.Conn, sql string, params []chdb.Param) error {
	a, err := c.Classify(sql)
	if err != nil {
		return err
	}
	switch {
	case a.Class == chdb.ClassUnknown:
		// Let the engine say what is wrong with it; nothing else would run it.
		if _, _, err := c.Query(explainAST+sql, "TSVRaw", params...); err != nil {
			return inStatement(err)
		}
		return newError(codeSyntaxError, "SYNTAX_ERROR", "Syntax error: not a statement that %s may run", ReaderUser)
	case a.Statements != 1:
		return newError(codeSyntaxError, "SYNTAX_ERROR", "Syntax error (Multi-statements are not allowed)")
	case a.Class != chdb.ClassReadOnly:
		return newError(codeReadonly, "READONLY", "%s: Cannot execute query in readonly mode", ReaderUser)
	}
	tree, _, err := c.Query(explainAST+sql, "TSVRaw", params...)
	if err != nil {
		return err
	}
	return admitTree(string(tree))
}

// explainAST stands before a statement that is asked about.
const explainAST = "EXPLAIN AST "

var position = regexp.MustCompile(`failed at position (\d+)`)

// inStatement counts the position of a syntax error from the statement's own begin.
func inStatement(err error) error {
	e, ok := errors.AsType[*chdb.Error](err)
	if !ok {
		return err
	}
	shifted := *e
	shifted.Message = position.ReplaceAllStringFunc(e.Message, func(text string) string {
		n, err := strconv.Atoi(position.FindStringSubmatch(text)[1])
		if err != nil || n <= len(explainAST) {
			return text
		}
		return fmt.Sprintf("failed at position %d", n-len(explainAST))
	})
	return &shifted
}

// admitTree looks at a printed syntax tree. A name that holds a line break makes extra lines, which
// can only make the guard refuse more.
func admitTree(tree string) error {
	lines := strings.Split(strings.TrimRight(tree, "\n"), "\n")
	root, _, _ := strings.Cut(strings.TrimSpace(lines[0]), " ")
	if !slices.Contains(allowedRoots, root) {
		return newError(codeAccessDenied, "ACCESS_DENIED", "%s: Not enough privileges for a statement of kind %s", ReaderUser, root)
	}
	if kind := firstName(strings.TrimPrefix(lines[0], "Explain ")); root == "Explain" && !slices.Contains(allowedExplains, kind) {
		return newError(codeAccessDenied, "ACCESS_DENIED", "%s: Not enough privileges for %s", ReaderUser, kind)
	}
	inTableExpression := false
	for _, line := range lines {
		kind, rest, _ := strings.Cut(strings.TrimLeft(line, " "), " ")
		switch kind {
		case "Function":
			if err := admitFunction(firstName(rest), inTableExpression); err != nil {
				return err
			}
		case "Set":
			// The engine refuses SETTINGS of the statement itself, but not those of a subquery. Options
			// of EXPLAIN, right below the root, are no settings.
			if root != "Explain" || !strings.HasPrefix(line, " Set") {
				return newError(codeReadonly, "READONLY", "Cannot modify settings in readonly mode")
			}
		case "ColumnsApplyTransformer":
			return newError(codeAccessDenied, "ACCESS_DENIED", "%s: Not enough privileges. APPLY is not available to this user", ReaderUser)
		case "TableIdentifier", "Identifier", "ASTTableIdentifier", "ASTIdentifier":
			if err := admitIdentifier(firstName(rest)); err != nil {
				return err
			}
		}
		inTableExpression = kind == "TableExpression"
	}
	return nil
}

// firstName cuts "name (alias a) (children 2)" down to the name.
func firstName(rest string) string {
	name, _, _ := strings.Cut(rest, " (")
	return name
}

func admitFunction(name string, table bool) error {
	lower := strings.ToLower(name)
	switch {
	case table && !slices.Contains(allowedTableFunctions, lower):
		return newError(codeAccessDenied, "ACCESS_DENIED", "%s: Not enough privileges. The table function %s is not available to this user", ReaderUser, name)
	case !table && (slices.Contains(deniedFunctions, lower) || strings.HasPrefix(lower, "ai") && len(name) > 2 && name[2] >= 'A' && name[2] <= 'Z'):
		return newError(codeAccessDenied, "ACCESS_DENIED", "%s: Not enough privileges. The function %s is not available to this user", ReaderUser, name)
	}
	return nil
}

// admitIdentifier refuses the system tables that the reader does not get. Columns are identifiers
// too: system.tables.name passes as a column of system.tables.
func admitIdentifier(name string) error {
	table, ok := strings.CutPrefix(name, "system.")
	if !ok {
		return nil
	}
	table, _, _ = strings.Cut(table, ".")
	if !slices.Contains(readableSystemTables, table) {
		return newError(codeAccessDenied, "ACCESS_DENIED", "%s: Not enough privileges. To execute this query, it's necessary to have the grant SELECT ON system.%s", ReaderUser, table)
	}
	return nil
}

func newError(code int, name, format string, args ...any) *chdb.Error {
	return &chdb.Error{Code: code, Name: name, Message: fmt.Sprintf("Code: %d. DB::Exception: %s. (%s)", code, fmt.Sprintf(format, args...), name)}
}
