// Package kafkaserver is the embedded Kafka of a one-machine system: one broker
// with a data folder, made of franz-go's kfake, with what kfake lacks for that
// work put around it.
//
// What it adds:
//
//   - a lock on the folder, because two brokers on one folder destroy it;
//   - a user and a password, by SCRAM (not PLAIN, for which the broker would keep
//     the password itself on the disk). They are optional on loopback and
//     mandatory elsewhere. They are taken from the configuration at each start,
//     so changing them there is enough;
//   - retention by whole segments, as Apache Kafka does it, instead of kfake's own;
//   - the end of members of a group that were killed while they waited to join it,
//     which kfake would keep with their partitions (see sessions);
//   - a reserve of disk space, below which producers wait, and an end where a write
//     fails all the same (see space).
//
// Why retention is our own: kfake forgets the end of a partition that holds no
// segment when it is started again, and gives the offsets out anew from 0. A
// ledger that remembers offsets would then skip records. So the newest segment
// of a partition is never removed, and a request to delete records is cut so
// that the newest record stays.
//
// What it promises: an acknowledged record survives the death of the process,
// in order and without gaps; a record may stand twice where the process died
// between storing and acknowledging it, because the broker forgets the sequence
// numbers of producers. With Config.Durable it survives the loss of power, too.
// What it does not: transactions and compaction are not safe over a kill, and
// deleted records may reappear after one, up to the begin of their segment.
//
// Run is three goroutines beside those of kfake and of a client to itself, all
// ended when it returns. It may run any number of times in one process, on
// folders and ports of their own.
package kafkaserver
