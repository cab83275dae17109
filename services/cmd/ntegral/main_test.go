package main

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ntegral/ntegral/services/internal/chdb"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"ntegral": main})
}

func TestScripts(t *testing.T) {
	library, missing := chdb.Find(os.Getenv("NTEGRAL_CHDB_LIB"))
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			if library != "" {
				e.Setenv("NTEGRAL_CHDB_LIB", library) // HOME, where its cache is, is another one in scripts
			}
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"healthy": awaitHealthy},
		Condition: func(name string) (bool, error) {
			switch {
			case name != "chdb":
				return false, fmt.Errorf("unknown condition %q", name)
			case missing != nil && os.Getenv("CI") != "":
				return false, missing
			}
			return missing == nil, nil
		},
	})
}

// awaitHealthy waits until the system of a data folder is up and healthy.
func awaitHealthy(ts *testscript.TestScript, _ bool, args []string) {
	deadline := time.Now().Add(time.Minute)
	for {
		err := ts.Exec("ntegral", "status", "--data", args[0])
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("not healthy: %v", err)
		}
		// There is nothing to wait for but another answer.
		time.Sleep(100 * time.Millisecond)
	}
}
