package main

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ntegral/ntegral/services/internal/chdb"
	"github.com/ntegral/ntegral/services/internal/kafka/kafkatest"
	"github.com/ntegral/ntegral/services/internal/system"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"ntegral": main})
}

func TestScripts(t *testing.T) { runScripts(t, "testdata", nil) }

// TestAddresses runs a system without a data folder against either broker.
func TestAddresses(t *testing.T) {
	kafkatest.EachFresh(t, func(t *testing.T, b *kafkatest.Broker) {
		ports, err := system.FreePorts(3)
		if err != nil {
			t.Fatal(err)
		}
		store := system.Loopback(ports[0])
		runScripts(t, "testdata/addresses", map[string]string{
			system.KafkaBrokers: b.Config.Brokers[0], system.KafkaUser: b.Config.User, system.KafkaPassword: b.Config.Password.Reveal(),
			"NTEGRAL_CHDB_LISTEN": store, "NTEGRAL_CHDB_DATA_DIR": t.TempDir(),
			"NTEGRAL_CHDB_WRITER_PASSWORD": "writes", "NTEGRAL_CHDB_READER_PASSWORD": "reads",
			system.ClickhouseURL: "http://" + store, system.ClickhousePassword: "writes", system.ClickhouseReadPassword: "reads",
			system.ProcessListen: system.Loopback(ports[1]), system.SinkListen: system.Loopback(ports[2]),
		})
	})
}

func runScripts(t *testing.T, dir string, environ map[string]string) {
	library, missing := chdb.Find(os.Getenv("NTEGRAL_CHDB_LIB"))
	testscript.Run(t, testscript.Params{
		Dir: dir,
		Setup: func(e *testscript.Env) error {
			if library != "" {
				e.Setenv("NTEGRAL_CHDB_LIB", library) // HOME, where its cache is, is another one in scripts
			}
			for name, value := range environ {
				e.Setenv(name, value)
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

// awaitHealthy waits until the system of a data folder, or that of the
// environment, is up and healthy.
func awaitHealthy(ts *testscript.TestScript, _ bool, args []string) {
	deadline := time.Now().Add(time.Minute)
	for {
		arguments := []string{"status"}
		if len(args) > 0 {
			arguments = append(arguments, "--data", args[0])
		}
		err := ts.Exec("ntegral", arguments...)
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
