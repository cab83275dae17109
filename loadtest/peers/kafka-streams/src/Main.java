import java.time.Duration;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.state.Stores;

/**
 * The contender written with Kafka Streams: samples joined with a global table of
 * placements, one-minute windows of sums per node and workload, exactly once.
 * Stores are in memory with changelogs; a window's sums go out with each commit
 * that changed them, and the last counts.
 *
 * <p>Arguments: broker, application id, samples topic, placements topic, facts topic, state folder.
 */
public final class Main {
    public static void main(String[] a) throws InterruptedException {
        KafkaStreams streams = new KafkaStreams(topology(a[2], a[3], a[4]).build(), config(a[0], a[1], a[5]));
        CountDownLatch ended = new CountDownLatch(1);
        streams.setUncaughtExceptionHandler(e -> {
            e.printStackTrace();
            ended.countDown();
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(5))));
        streams.start();
        ended.await();
        System.exit(1);
    }

    private static Properties config(String broker, String id, String dir) {
        Properties p = new Properties();
        p.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, broker);
        p.put(StreamsConfig.APPLICATION_ID_CONFIG, id);
        p.put(StreamsConfig.STATE_DIR_CONFIG, dir);
        p.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        p.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        p.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 2);
        p.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 1000); // a step of the product; the default is 100
        p.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 64L << 20);
        p.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
        p.put(StreamsConfig.consumerPrefix("max.partition.fetch.bytes"), 8 << 20);
        return p;
    }

    private static StreamsBuilder topology(String samples, String placements, String facts) {
        StreamsBuilder b = new StreamsBuilder();
        var holds = b.globalTable(placements, Consumed.with(Serdes.String(), Serdes.ByteArray()),
            Materialized.<String, byte[]>as(Stores.inMemoryKeyValueStore("holds")));
        b.addStateStore(Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore(Attribution.STORE), Serdes.String(), Serdes.ByteArray())
            .withCachingEnabled());
        Duration minute = Duration.ofMinutes(1), grace = Duration.ofMinutes(15);
        b.stream(samples, Consumed.with(Serdes.String(), Serdes.ByteArray()).withTimestampExtractor((r, partitionTime) -> {
                long first = Samples.first((byte[]) r.value());
                return first < 0 ? Math.max(partitionTime, 0) : first / 1_000_000;
            }))
            .leftJoin(holds, (node, s) -> node, (s, p) -> new Attribution.Joined(s, p))
            .processValues(Attribution::new, Attribution.STORE)
            .groupByKey(Grouped.with(Serdes.String(), Sums.serde()))
            .windowedBy(TimeWindows.ofSizeAndGrace(minute, grace))
            .aggregate(Sums::new, (node, s, sums) -> sums.plus(s),
                Materialized.<String, Sums>as(Stores.inMemoryWindowStore("sums", minute.plus(grace), minute, false))
                    .withKeySerde(Serdes.String()).withValueSerde(Sums.serde()).withCachingEnabled())
            .toStream()
            .flatMap((window, sums) -> sums.byWorkload.entrySet().stream()
                .map(e -> KeyValue.pair(window.key(), Sums.fact(window.window().start() / 60_000, e.getKey(), e.getValue()))).toList())
            .to(facts, Produced.with(Serdes.String(), Serdes.ByteArray()));
        return b;
    }
}
