package record

import "strconv"

// Topics. Samples, placements, inventory, corrections, facts, state and history have
// the same number of partitions, and the first three the node as key: partition p of
// each is task p. Rates have one partition, which every task reads whole.
const (
	Samples     = "ntegral.samples.v1"
	Placements  = "ntegral.placements.v1"
	Inventory   = "ntegral.inventory.v1"
	Rates       = "ntegral.rates.v1"
	Corrections = "ntegral.corrections.v1"
	Billing     = "ntegral.billing.v1"
	Facts       = "ntegral.facts.v1"
	State       = "ntegral.state.v1"
	History     = "ntegral.history.v1"
	Replays     = "ntegral.replays.v1"
	DeadLetters = "ntegral.dead_letters.v1"
)

// RatesKey is the key of every rate: they have one partition, and one key keeps
// a version of a rate from overtaking an earlier one.
const RatesKey = "rates"

// Topic is a topic and how it is kept.
type Topic struct {
	Name string
	// Single topics have one partition whatever the number of tasks.
	Single bool
	// RetentionHours is how long records stay; 0 keeps them for ever.
	RetentionHours int64
	// RetentionBytes bounds a partition; 0 does not.
	RetentionBytes int64
	// RecordBytes bounds a record's value; 0: MaxRecordBytes.
	RecordBytes int
}

// ValueBytes bounds a record's value in a topic.
func ValueBytes(topic string) int {
	for _, t := range Topics() {
		if t.Name == topic && t.RecordBytes > 0 {
			return t.RecordBytes
		}
	}
	return MaxRecordBytes
}

// BatchBytes bounds a batch of records of a topic before it is compressed. Where
// records are larger than usual it has room for one and its framing.
func BatchBytes(topic string) int {
	if n := ValueBytes(topic); n > MaxRecordBytes {
		return n + MaxRecordBytes/4
	}
	return MaxRecordBytes
}

// Topics lists every topic of the system. Dimensions are kept for ever: they
// are small and read from their beginning. Corrections are seldom: a bound of
// time would leave their partitions empty between two. Samples outlast the horizon by far;
// tasks trim the state and history topics by deleting the records that no
// checkpoint needs any more.
func Topics() []Topic {
	const week, month = 7 * 24, 30 * 24
	return []Topic{
		{Name: Samples, RetentionHours: week, RetentionBytes: 64 << 30},
		{Name: Placements},
		{Name: Inventory},
		{Name: Rates, Single: true},
		{Name: Corrections, RetentionBytes: 1 << 30, RecordBytes: MaxPartBytes},
		{Name: Billing, Single: true},
		{Name: Facts, RetentionHours: week, RetentionBytes: 16 << 30, RecordBytes: MaxPartBytes},
		{Name: State},
		{Name: History},
		{Name: Replays, Single: true},
		{Name: DeadLetters, Single: true, RetentionHours: month, RetentionBytes: 1 << 30},
	}
}

// Configs are the topic's Kafka settings.
func (t Topic) Configs() map[string]string {
	ms, bytes := int64(-1), int64(-1)
	if t.RetentionHours > 0 {
		ms = t.RetentionHours * 3_600_000
	}
	if t.RetentionBytes > 0 {
		bytes = t.RetentionBytes
	}
	return map[string]string{
		"cleanup.policy":    "delete",
		"retention.ms":      strconv.FormatInt(ms, 10),
		"retention.bytes":   strconv.FormatInt(bytes, 10),
		"max.message.bytes": strconv.Itoa(2 * max(t.RecordBytes, MaxRecordBytes)),
	}
}
