package peers

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// dial makes a broker of one that runs already.
func dial(address string) (*broker, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(address))
	if err != nil {
		return nil, fmt.Errorf("make client: %w", err)
	}
	return &broker{address: address, client: client, admin: kadm.NewClient(client)}, nil
}
