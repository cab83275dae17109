package system_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/ntegral/ntegral/services/internal/system"
)

func TestCreateIsKeptByTheNextStart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "system")
	first, err := system.Create(dir, system.Config{})
	if err != nil {
		t.Fatal(err)
	}
	again, err := system.Create(dir, system.Config{})
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := system.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for what, got := range map[string]system.System{"second create": again, "load": loaded} {
		if diff := cmp.Diff(got.Env.Environ(), first.Env.Environ()); diff != "" {
			t.Errorf("%s (-got +first):\n%s", what, diff)
		}
	}
	info, err := os.Stat(first.Folder.EnvFile())
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("mode of the settings: got %o, want 600", got)
	}
	if err := system.CheckFree(first.Addresses()["kafka"], first.Addresses()["clickhouse"]); err != nil {
		t.Errorf("chosen ports: %v", err)
	}
}

// TestCreateAtOnce makes one folder's system several times at once, as commands
// that start together do: all must know the same ports and passwords.
func TestCreateAtOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	const callers = 16
	var group errgroup.Group
	made := make([]system.System, callers)
	begin := make(chan struct{})
	for i := range callers {
		group.Go(func() (err error) {
			<-begin
			made[i], err = system.Create(dir, system.Config{})
			return err
		})
	}
	close(begin)
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, s := range made[1:] {
		if diff := cmp.Diff(made[0].Env.Environ(), s.Env.Environ()); diff != "" {
			t.Fatalf("two callers got different settings (-one +other):\n%s", diff)
		}
	}
}

func TestSystemsNeverMeet(t *testing.T) {
	a, err := system.Create(t.TempDir(), system.Config{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := system.Create(t.TempDir(), system.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{system.KafkaBrokers, system.KafkaPassword, system.ClickhouseURL, system.ClickhousePassword, system.ClickhouseReadPassword} {
		if a.Env.Get(name) == b.Env.Get(name) {
			t.Errorf("%s is the same in two folders", name)
		}
	}
}

func TestConfiguredPortOverrulesAndIsSaved(t *testing.T) {
	dir := t.TempDir()
	if _, err := system.Create(dir, system.Config{}); err != nil {
		t.Fatal(err)
	}
	if _, err := system.Create(dir, system.Config{ClickhousePort: 18123}); err != nil {
		t.Fatal(err)
	}
	s, err := system.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.Env.Get(system.ClickhouseURL), "http://127.0.0.1:18123"; got != want {
		t.Errorf("url: got %s, want %s", got, want)
	}
	if got, want := s.Addresses()["clickhouse"], "127.0.0.1:18123"; got != want {
		t.Errorf("address: got %s, want %s", got, want)
	}
}

func TestForeignLinesAreKept(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "# mine\nNTEGRAL_PROCESS_WINDOW=30s\n", 0o600)
	if _, err := system.Create(dir, system.Config{}); err != nil {
		t.Fatal(err)
	}
	s, err := system.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Env.Get("NTEGRAL_PROCESS_WINDOW"); got != "30s" {
		t.Errorf("got %q, want the operator's own setting", got)
	}
}

func TestBadSettingsAreRefusedWithoutTheirValues(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		mode       os.FileMode
		want       string
	}{
		{"no equals sign", "hunter2\n", 0o600, "line 1 is not NAME=value"},
		{"a shell's character", "A=b\nNTEGRAL_KAFKA_PASSWORD=hunter2$x\n", 0o600, "line 2: the value of NTEGRAL_KAFKA_PASSWORD"},
		{"twice", "A=1\nA=2\n", 0o600, "A is set twice"},
		{"readable by others", "NTEGRAL_KAFKA_PASSWORD=hunter2\n", 0o644, "chmod 600"},
		{"beyond loopback", "NTEGRAL_KAFKA_BROKERS=0.0.0.0:9092\n", 0o600, "not a loopback address"},
		{"one port twice", "NTEGRAL_SINK_LISTEN=127.0.0.1:9\nNTEGRAL_PROCESS_LISTEN=127.0.0.1:9\n", 0o600, "is that of"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, tc.text, tc.mode)
			_, err := system.Create(dir, system.Config{})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got %v, want it to say %q", err, tc.want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows a password: %v", err)
			}
		})
	}
}

func write(t *testing.T, dir, text string, mode os.FileMode) {
	t.Helper()
	path := system.Folder(dir).EnvFile()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask is
		t.Fatal(err)
	}
}

func TestPasswordsDoNotFormat(t *testing.T) {
	s, err := system.Create(t.TempDir(), system.Config{})
	if err != nil {
		t.Fatal(err)
	}
	password := s.Env.Get(system.KafkaPassword)
	if password == "" {
		t.Fatal("no password was made")
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(verb, s); strings.Contains(got, password) {
			t.Errorf("%s shows a password", verb)
		}
	}
}

func TestLoadOfNothing(t *testing.T) {
	if _, err := system.Load(t.TempDir()); !errors.Is(err, system.ErrNoSystem) {
		t.Errorf("got %v, want ErrNoSystem", err)
	}
}

func TestValidateListsAllProblems(t *testing.T) {
	err := system.Config{KafkaPort: -1, SinkPort: 7, ProcessPort: 7, DiskFloorBytes: -1}.Validate()
	for _, want := range []string{"kafka port", "sink port: 7 is that of process", "disk floor"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to say %q", err, want)
		}
	}
}

func TestTakenPortIsNamed(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if err := system.CheckFree(ln.Addr().String()); err == nil || !strings.Contains(err.Error(), ln.Addr().String()) {
		t.Errorf("got %v, want the taken address named", err)
	}
}

func TestDisk(t *testing.T) {
	s, err := system.Create(t.TempDir(), system.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CheckDisk(system.Config{DiskFloorBytes: 1}); err != nil {
		t.Errorf("floor of a byte: %v", err)
	}
	err = s.CheckDisk(system.Config{DiskFloorBytes: 1 << 62})
	if _, ok := errors.AsType[*system.LowDiskError](err); !ok {
		t.Errorf("floor beyond any disk: got %v, want a LowDiskError", err)
	}
	if err := os.WriteFile(filepath.Join(s.Folder.Kafka(), "x"), make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := system.DiskUse(s.Folder.Kafka()); err != nil || got < 1<<20 {
		t.Errorf("use: got %d, %v, want a MiB or more", got, err)
	}
}

// The settings on which figures depend stay what they were at the first start:
// left out they are kept, given differently they are refused.
func TestDefinitionsAreKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	window := func(value string, given bool) system.Config {
		return system.Config{Definitions: []system.Definition{{Name: "NTEGRAL_PROCESS_WINDOW", Value: value, Given: given}}}
	}
	for _, tc := range []struct {
		cfg  system.Config
		fail bool
	}{
		{window("10s", true), false}, {window("1m0s", false), false}, {window("10s", true), false}, {window("1m0s", true), true},
	} {
		s, err := system.Create(dir, tc.cfg)
		if (err != nil) != tc.fail {
			t.Fatalf("%+v: %v, want an error: %t", tc.cfg.Definitions, err, tc.fail)
		}
		if err == nil && s.Env.Get("NTEGRAL_PROCESS_WINDOW") != "10s" {
			t.Errorf("window is %s, want 10s", s.Env.Get("NTEGRAL_PROCESS_WINDOW"))
		}
	}
}
