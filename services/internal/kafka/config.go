package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/ntegral/ntegral/services/internal/secret"
)

// Secret is a password that does not print.
type Secret = secret.Password

// Mechanisms of SASL, as Kafka names them.
const (
	MechanismPlain       = "PLAIN"
	MechanismScramSHA256 = "SCRAM-SHA-256"
	MechanismScramSHA512 = "SCRAM-SHA-512"
)

// Config says which Kafka to speak to, and as whom. Its prefix is NTEGRAL_KAFKA.
type Config struct {
	// Brokers to ask first, as host:port, separated by commas.
	Brokers []string `split_words:"true" desc:"brokers to ask first, host:port, separated by commas"`
	// User for SASL; empty means no authentication.
	User string `split_words:"true" desc:"SASL user; empty means no authentication"`
	// Password of the user.
	Password Secret `split_words:"true" desc:"SASL password"`
	// Mechanism of SASL: SCRAM-SHA-256, SCRAM-SHA-512 or PLAIN.
	Mechanism string `split_words:"true" default:"SCRAM-SHA-256" desc:"SASL mechanism: SCRAM-SHA-256, SCRAM-SHA-512 or PLAIN"`
	// TLS encrypts the connections.
	TLS bool `split_words:"true" desc:"encrypt connections with TLS"`
	// CAFile holds the certificates to trust, PEM; empty means the system's. It needs TLS.
	CAFile string `split_words:"true" desc:"PEM file of the certificates to trust; empty means the system's"`
	// Replicas of a topic that is made; 0 means the broker's default.
	Replicas int16 `split_words:"true" default:"0" desc:"replication factor of topics that are made; 0 means the broker's default"`
}

// Validate lists everything that is wrong with c.
func (c Config) Validate() error {
	var errs []error
	if len(c.Brokers) == 0 {
		errs = append(errs, errors.New("kafka brokers: none given"))
	}
	for _, b := range c.Brokers {
		if host, port, err := net.SplitHostPort(b); err != nil || host == "" || port == "" {
			errs = append(errs, fmt.Errorf("kafka brokers: %q is not host:port", b))
		}
	}
	if (c.User == "") != (c.Password == "") {
		errs = append(errs, errors.New("kafka user and password: give both or neither"))
	}
	if _, err := c.mechanism(); err != nil {
		errs = append(errs, err)
	}
	if c.CAFile != "" && !c.TLS {
		errs = append(errs, errors.New("kafka ca file: needs tls"))
	}
	if c.Replicas < 0 {
		errs = append(errs, fmt.Errorf("kafka replicas: %d is negative", c.Replicas))
	}
	return errors.Join(errs...)
}

// mechanism returns nil where there is no user.
func (c Config) mechanism() (sasl.Mechanism, error) {
	var m sasl.Mechanism
	switch strings.ToUpper(c.Mechanism) {
	case MechanismScramSHA256, "":
		m = scram.Auth{User: c.User, Pass: c.Password.Reveal()}.AsSha256Mechanism()
	case MechanismScramSHA512:
		m = scram.Auth{User: c.User, Pass: c.Password.Reveal()}.AsSha512Mechanism()
	case MechanismPlain:
		m = plain.Auth{User: c.User, Pass: c.Password.Reveal()}.AsMechanism()
	default:
		return nil, fmt.Errorf("kafka mechanism: %q is none of %s, %s, %s", c.Mechanism,
			MechanismScramSHA256, MechanismScramSHA512, MechanismPlain)
	}
	if c.User == "" {
		return nil, nil
	}
	return m, nil
}

// tlsConfig returns nil where TLS is off.
func (c Config) tlsConfig() (*tls.Config, error) {
	if !c.TLS {
		return nil, nil
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CAFile == "" {
		return t, nil
	}
	pem, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read kafka ca file: %w", err)
	}
	t.RootCAs = x509.NewCertPool()
	if !t.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read kafka ca file: %s holds no certificate", c.CAFile)
	}
	return t, nil
}
