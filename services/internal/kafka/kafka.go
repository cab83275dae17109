// Package kafka is how this program speaks to Kafka: one way to build a client,
// to make and check topics, to read one partition from an exact offset and to
// tell one error from another. The same code serves Apache Kafka and the
// embedded broker of package kafkaserver.
//
// Words:
//
//   - the start of a partition is the offset of the oldest record that it still
//     holds, its end is the offset that the next record will get;
//   - a gap is a range of offsets that a reader wanted and the partition does not
//     hold any more (trimmed or expired) or does not hold yet;
//   - co-partitioned topics have the same number of partitions and are written
//     with the same partitioner, so that equal keys meet in equal partitions.
//
// Invariants:
//
//   - A produced record is acknowledged by all in-sync replicas, by an idempotent
//     producer. Nothing here uses transactions or compaction: the embedded broker
//     does not keep their promises over a kill.
//   - A record's partition is Kafka's murmur2 of its key, as every other client
//     has it.
//   - A Reader returns each record from its offset on exactly once and in order,
//     over lost connections and restarts of the broker, or says with a GapError
//     which offsets are missing. It never moves to another offset by itself.
//   - Trim never empties a partition, because the embedded broker forgets the end
//     of an empty one when it restarts and would give its offsets out again.
//
// A client is safe for concurrent use, a Reader is not.
package kafka
