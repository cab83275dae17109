package kafkaserver_test

import (
	"os"
	"testing"

	"github.com/ntegral/ntegral/services/internal/kafka/kafkatest"
)

func TestMain(m *testing.M) { os.Exit(kafkatest.Main(m)) }
