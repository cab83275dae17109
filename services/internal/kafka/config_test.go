package kafka_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/kelseyhightower/envconfig"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ntegral/ntegral/services/internal/kafka"
	"github.com/ntegral/ntegral/services/internal/lifecycle"
)

func TestConfigFromTheEnvironment(t *testing.T) {
	for k, v := range map[string]string{"BROKERS": "a:1,b:2", "USER": "u", "PASSWORD": "p", "TLS": "true", "CA_FILE": "/ca.pem"} {
		t.Setenv("NTEGRAL_KAFKA_"+k, v)
	}
	var got kafka.Config
	if err := envconfig.Process("NTEGRAL_KAFKA", &got); err != nil {
		t.Fatal(err)
	}
	want := kafka.Config{Brokers: []string{"a:1", "b:2"}, User: "u", Password: "p", Mechanism: "SCRAM-SHA-256", TLS: true, CAFile: "/ca.pem"}
	if fmt.Sprint(got) != fmt.Sprint(want) || got.Password != want.Password {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if err := got.Validate(); err != nil {
		t.Errorf("validate: %v", err)
	}
}

func TestValidateListsAllProblems(t *testing.T) {
	err := kafka.Config{Brokers: []string{"nowhere"}, User: "u", Mechanism: "GUESS", CAFile: "x", Replicas: -1}.Validate()
	for _, want := range []string{`"nowhere" is not host:port`, "give both or neither", `"GUESS"`, "needs tls", "replicas"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to say %q", err, want)
		}
	}
	if err := (kafka.Config{}).Validate(); err == nil || !strings.Contains(err.Error(), "none given") {
		t.Errorf("no brokers: got %v", err)
	}
}

func TestSecretDoesNotFormat(t *testing.T) {
	c := kafka.Config{Password: "hunter2"}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		fmt.Fprintf(&out, verb, c)
	}
	fmt.Fprintf(&out, "%q", c.Password)
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(b)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "config", c, "password", c.Password)
	if strings.Contains(out.String(), "hunter2") {
		t.Errorf("the password shows: %s", out.String())
	}
	if got := c.Password.Reveal(); got != "hunter2" {
		t.Errorf("reveal: got %q", got)
	}
}

func TestClassify(t *testing.T) {
	for _, tc := range []struct {
		name string
		err  error
		is   func(error) bool
	}{
		{"connection lost", io.ErrUnexpectedEOF, lifecycle.IsRetryable},
		{"not the leader", kerr.NotLeaderForPartition, lifecycle.IsRetryable},
		{"unknown server error, as with a full disk", kerr.UnknownServerError, lifecycle.IsRetryable},
		{"deadline", context.DeadlineExceeded, lifecycle.IsRetryable},
		{"too large", fmt.Errorf("produce: %w", kerr.MessageTooLarge), lifecycle.IsPermanent},
		{"wrong password", kerr.SaslAuthenticationFailed, lifecycle.IsPermanent},
		{"not allowed", kerr.TopicAuthorizationFailed, lifecycle.IsPermanent},
		{"fenced", fmt.Errorf("join: %w", kerr.FencedInstanceID), lifecycle.IsPermanent},
		{"gap", &kafka.GapError{}, lifecycle.IsPermanent},
		{"cancelled", context.Canceled, lifecycle.IsInterrupted},
		{"client closed", errors.Join(kgo.ErrClientClosed), lifecycle.IsInterrupted},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := kafka.Classify(tc.err)
			if !tc.is(got) || !errors.Is(got, tc.err) {
				t.Errorf("got %#v", got)
			}
		})
	}
	if kafka.Classify(nil) != nil {
		t.Error("nil became an error")
	}
}
