package status

import (
	"fmt"
	"time"
)

// Config is what operators set. Its prefix is NTEGRAL_STATUS.
type Config struct {
	// MaxLag is how long a record may wait for its task before that is a
	// problem; 0 means for ever. A backlog, such as a large replay is, can be
	// older than this for good reasons.
	MaxLag time.Duration `split_words:"true" default:"5m" desc:"how long a record may wait for its processor or sink before status calls it a problem; 0 means for ever"`
}

// Validate lists everything that is wrong with the configuration.
func (c Config) Validate() error {
	if c.MaxLag < 0 {
		return fmt.Errorf("status max lag %v: use 0 or more", c.MaxLag)
	}
	return nil
}
