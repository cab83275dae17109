// Package system knows what a data folder is: everything of one one-machine
// system, so that two systems in two folders never meet.
//
//	DIR/ntegral.env   addresses and generated passwords, mode 0600, one NAME=value a line
//	DIR/kafka/        data of the embedded Kafka
//	DIR/clickhouse/   data of the embedded ClickHouse
//	DIR/log/          NAME.log of each process
//	DIR/run/          lock, process numbers and status.json of the running system
//
// ntegral.env uses the names that the processes read from their environment, so
// it can also be sourced by a shell to reach the system with other tools. It is
// written when the folder is made and then stays: ports and passwords are those
// of the first start. A port given by configuration overrules the file and is
// saved in it. Lines with other names are kept, so an operator may add settings.
//
// Create and Load may run at any time, in any number of processes: Create holds
// a lock of the folder while it reads and writes the file, and the file is
// replaced as a whole. Create changes the ports of a running system when it is
// told others, so whoever starts one calls it under the supervisor's lock.
package system

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Folder is the path of a data folder.
type Folder string

// EnvFile holds addresses and passwords.
func (f Folder) EnvFile() string { return filepath.Join(string(f), "ntegral.env") }

// Kafka is the data folder of the embedded Kafka.
func (f Folder) Kafka() string { return filepath.Join(string(f), "kafka") }

// Clickhouse is the data folder of the embedded ClickHouse.
func (f Folder) Clickhouse() string { return filepath.Join(string(f), "clickhouse") }

// Log is where the processes' logs are.
func (f Folder) Log() string { return filepath.Join(string(f), "log") }

// Run is where the running system says what it is doing.
func (f Folder) Run() string { return filepath.Join(string(f), "run") }

// System is a data folder with what its ntegral.env says.
type System struct {
	Folder Folder
	Env    Env
}

// ErrNoSystem says that a folder holds no system. A command that was pointed at
// the wrong folder gets it.
var ErrNoSystem = errors.New("no system in this folder")

// Load reads the system in dir.
func Load(dir string) (System, error) {
	folder, err := absolute(dir)
	if err != nil {
		return System{}, err
	}
	env, err := readEnv(folder.EnvFile())
	if errors.Is(err, fs.ErrNotExist) {
		return System{}, fmt.Errorf("load %s: %w (start one with up --data %s)", folder, ErrNoSystem, dir)
	}
	if err != nil {
		return System{}, fmt.Errorf("load %s: %w", folder, err)
	}
	return System{Folder: folder, Env: env}, nil
}

// Create makes the folders and the file of dir, or completes them where parts
// are missing, and returns the system. Nothing that exists is lost.
func Create(dir string, cfg Config) (s System, err error) {
	if err := cfg.Validate(); err != nil {
		return System{}, fmt.Errorf("configure system: %w", err)
	}
	folder, err := absolute(dir)
	if err != nil {
		return System{}, err
	}
	for _, d := range []string{string(folder), folder.Kafka(), folder.Clickhouse(), folder.Log(), folder.Run()} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return System{}, fmt.Errorf("make data folder: %w", err)
		}
	}
	unlock, err := lockSettings(folder)
	if err != nil {
		return System{}, fmt.Errorf("create %s: %w", folder, err)
	}
	defer func() { err = errors.Join(err, unlock()) }()
	env, err := readEnv(folder.EnvFile())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return System{}, fmt.Errorf("create %s: %w", folder, err)
	}
	changed, err := complete(&env, cfg)
	if err != nil {
		return System{}, fmt.Errorf("create %s: %w", folder, err)
	}
	if changed {
		if err := env.write(folder.EnvFile()); err != nil {
			return System{}, fmt.Errorf("create %s: %w", folder, err)
		}
	}
	return System{Folder: folder, Env: env}, nil
}

func absolute(dir string) (Folder, error) {
	if dir == "" {
		return "", errors.New("no data folder given")
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("resolve data folder: %w", err)
	}
	return Folder(abs), nil
}
