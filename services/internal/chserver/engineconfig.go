package chserver

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"text/template"
)

// The engine's own configuration. Its one user has no rights but those of the two roles, and a
// session keeps only the one that it is given: the engine itself refuses files, URLs, other
// databases and changes to a session of the reader. Passwords never reach the engine.

const serverTemplate = `<clickhouse>
	<users_config>{{.UsersPath | xml}}</users_config>
	{{if .Memory}}<max_server_memory_usage>{{.Memory}}</max_server_memory_usage>{{end}}
	<mark_cache_size>268435456</mark_cache_size>
	<uncompressed_cache_size>0</uncompressed_cache_size>
	<compiled_expression_cache_size>33554432</compiled_expression_cache_size>
	{{if .Reserve}}<storage_configuration><disks><default><keep_free_space_bytes>{{.Reserve}}</keep_free_space_bytes></default></disks></storage_configuration>{{end}}
	{{if .Durable}}<merge_tree><fsync_after_insert>1</fsync_after_insert><fsync_part_directory>1</fsync_part_directory></merge_tree>{{end}}
</clickhouse>
`

const usersTemplate = `<clickhouse>
	<profiles><default/></profiles>
	<roles>
		<ntegral_writer><grants><query>GRANT ALL ON *.*</query></grants></ntegral_writer>
		<ntegral_reader><grants>
			<query>GRANT SELECT, SHOW, dictGet ON {{.Database}}.*</query>{{range .SystemTables}}
			<query>GRANT SELECT ON system.{{.}}</query>{{end}}
		</grants></ntegral_reader>
	</roles>
	<users><default>
		<password/>
		<networks><ip>::1</ip><ip>127.0.0.1</ip></networks>
		<profile>default</profile>
		<quota>default</quota>
		<grants><query>GRANT ntegral_writer</query><query>GRANT ntegral_reader</query></grants>
	</default></users>
	<quotas><default/></quotas>
</clickhouse>
`

const (
	writerRole = "ntegral_writer"
	readerRole = "ntegral_reader"
)

// writeEngineConfig puts the engine's configuration beside its data and returns its path.
func writeEngineConfig(c Config) (string, error) {
	dir, err := filepath.Abs(c.DataDir)
	if err != nil {
		return "", fmt.Errorf("write engine configuration: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("write engine configuration: %w", err)
	}
	values := map[string]any{
		"UsersPath": filepath.Join(dir, "ntegral-users.xml"), "Memory": c.MemoryBytes, "Durable": c.Durable, "Reserve": c.ReserveBytes,
		"Database": c.Database, "SystemTables": readableSystemTables,
	}
	for name, text := range map[string]string{"ntegral-engine.xml": serverTemplate, "ntegral-users.xml": usersTemplate} {
		t, err := template.New(name).Funcs(template.FuncMap{"xml": escapeXML}).Parse(text)
		if err != nil {
			return "", fmt.Errorf("parse engine configuration %s: %w", name, err)
		}
		var b bytes.Buffer
		if err := t.Execute(&b, values); err != nil {
			return "", fmt.Errorf("write engine configuration %s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o600); err != nil {
			return "", fmt.Errorf("write engine configuration: %w", err)
		}
	}
	return filepath.Join(dir, "ntegral-engine.xml"), nil
}

func escapeXML(s string) (string, error) {
	var b bytes.Buffer
	err := xml.EscapeText(&b, []byte(s))
	return b.String(), err
}
