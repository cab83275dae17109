package chserver

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kelseyhightower/envconfig"
)

func TestConfigDefaults(t *testing.T) {
	t.Setenv("NTEGRAL_CHDB_DATA_DIR", "/data")
	t.Setenv("NTEGRAL_CHDB_WRITER_PASSWORD", "hush")
	t.Setenv("NTEGRAL_CHDB_READER_SECONDS", "7")
	t.Setenv("NTEGRAL_CHDB_LIB", "/opt/libchdb.so")
	var c struct{ Chdb Config }
	if err := envconfig.Process("NTEGRAL", &c); err != nil {
		t.Fatal(err)
	}
	if err := c.Chdb.Validate(); err != nil {
		t.Error(err)
	}
	if c.Chdb.Reader.Seconds != 7 || c.Chdb.Listen != "127.0.0.1:8123" || c.Chdb.Lib != "/opt/libchdb.so" {
		t.Errorf("got %+v", c.Chdb)
	}
	text, _ := json.Marshal(c)
	for _, printed := range []string{fmt.Sprint(c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c), string(text)} {
		if strings.Contains(printed, "hush") {
			t.Errorf("the password is printed: %s", printed)
		}
	}
}

func TestConfigValidate(t *testing.T) {
	err := Config{Listen: "x", Database: "system", DrainTimeout: time.Second, WriterPassword: "a", ReaderPassword: "a", Threads: -1}.Validate()
	for _, want := range []string{"listen", "data dir", "database", "equals the writer's", "threads", "max concurrent", "reader memory", "reader seconds", "reader result rows", "reader result bytes", "reader concurrent"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not mention %s", err, want)
		}
	}
}
