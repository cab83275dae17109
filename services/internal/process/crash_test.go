package process

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/kafka/kafkatest"
)

// envChild makes the test binary a processor: its value is a childConfig.
const envChild = "NTEGRAL_TEST_PROCESS"

type childConfig struct {
	Config   Config
	Password string // Config hides it
}

// child runs a processor until it is killed.
func child() int {
	var c childConfig
	if err := json.Unmarshal([]byte(os.Getenv(envChild)), &c); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	c.Config.Kafka.Password = kafka.Secret(c.Password)
	set := Settings{Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)), Ready: func(string) { fmt.Println("ready") }}
	if err := run(context.Background(), c.Config, set, tallyFactory{pad: 1 << 10}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// spawn starts a processor in a process of its own and waits until it is ready.
func (r *rig) spawn(cfg Config) *exec.Cmd {
	r.t.Helper()
	encoded, err := json.Marshal(childConfig{Config: cfg, Password: cfg.Kafka.Password.Reveal()})
	if err != nil {
		r.t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envChild+"="+string(encoded))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		_ = cmd.Process.Kill() // may have ended
		_ = cmd.Wait()
		if r.t.Failed() {
			r.t.Logf("processor %d:\n%s", cmd.Process.Pid, stderr.String())
		}
	})
	if !bufio.NewScanner(out).Scan() {
		r.t.Fatal("processor is not ready")
	}
	return cmd
}

// TestKill kills a processor at random moments, each time with other steps.
func TestKill(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		r := newRig(t, b, 2)
		for range 4 {
			cfg := r.cfg
			cfg.Group = fmt.Sprint(r.cfg.Group, r.random.Uint64()) // no waiting for the dead member's session
			cfg.StepBytes = 1 + r.random.IntN(2000)
			cfg.CheckpointInterval = time.Duration(5+r.random.IntN(100)) * time.Millisecond
			cmd := r.spawn(cfg)
			r.publish(20 + r.random.IntN(150))
			if r.random.IntN(2) == 0 {
				r.check() // kill it when idle, too
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // says that it was killed
		}
		p := r.startProcess(r.cfg)
		r.publish(20)
		r.check()
		p.stop(t)
	})
}

// TestZombie stops a processor in its tracks, lets another one take over, and
// wakes it: what it writes then must not count.
func TestZombie(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		r := newRig(t, b, 2)
		cfg := r.cfg
		cfg.SessionTimeout, cfg.StepBytes = 6*time.Second, 300
		zombie := r.spawn(cfg)
		r.publish(100)
		r.signal(zombie, syscall.SIGSTOP)
		r.publish(60)
		cfg.Group += "-b" // takes over at once
		p := r.startProcess(cfg)
		r.check()
		r.signal(zombie, syscall.SIGCONT)
		r.publish(100)
		// Both are alive and each may fence the other until the zombie is gone.
		if err := zombie.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = zombie.Wait() // says that it was killed
		r.publish(20)
		r.check()
		p.stop(t)
	})
}

// TestInstance kills a named processor and starts it again: it must have its
// tasks back long before its session would have ended.
func TestInstance(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, b *kafkatest.Broker) {
		r := newRig(t, b, 2)
		cfg := r.cfg
		cfg.InstanceID, cfg.SessionTimeout = "processor-1", 5*time.Minute
		cmd := r.spawn(cfg)
		r.publish(50)
		r.check()
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // says that it was killed
		p := r.startProcess(cfg)
		r.publish(20)
		r.check()
		p.stop(t)
	})
}

func (r *rig) signal(cmd *exec.Cmd, sig os.Signal) {
	r.t.Helper()
	if err := cmd.Process.Signal(sig); err != nil {
		r.t.Fatal(err)
	}
}

// TestAbandon ends tasks without a last step, as a lost assignment does, and
// opens them at the same time as others.
func TestAbandon(t *testing.T) {
	b := kafkatest.InProcess(t)
	r := newRig(t, b, 1)
	for round := range 12 {
		cfg := r.cfg
		cfg.StepBytes = 1 + r.random.IntN(1500)
		cfg.StepInterval = time.Millisecond
		cfg.SessionTimeout = time.Second
		env := r.environment(cfg)
		one := startTask(env, 0)
		two := one
		if round%3 == 0 {
			two = startTask(env, 0) // two openers at once
		}
		r.publish(10 + r.random.IntN(60))
		one.end(true)
		two.end(true)
		<-one.done
		<-two.done
	}
	last := startTask(r.environment(r.cfg), 0)
	r.check()
	last.end(false)
	<-last.done
}

// TestBrokerKilled kills the embedded broker under a processor. It forgets its
// producers then, so that their retries repeat records, which must not count
// twice; and its group, so that tasks are lost and opened again.
func TestBrokerKilled(t *testing.T) {
	b := kafkatest.Spawn(t)
	r := newRig(t, b, 2)
	p := r.startProcess(r.cfg)
	for range 4 {
		r.publish(40)
		b.Kill(t)
		b.Start(t)
	}
	r.publish(20)
	r.check()
	p.stop(t)
}

// TestStopsWithoutBroker stops a processor whose broker is away: its last step
// cannot be written, and it ends nevertheless.
func TestStopsWithoutBroker(t *testing.T) {
	b := kafkatest.InProcess(t)
	r := newRig(t, b, 2)
	cfg := r.cfg
	cfg.StopTimeout = 100 * time.Millisecond
	p := r.startProcess(cfg)
	r.publish(20)
	r.check()
	b.Stop(t)
	p.stop(t)
}
