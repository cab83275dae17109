import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * Lays what lies between two readings on the minute and the holder of the first
 * one, and hands on a record's sums minute by minute. The last readings of a node
 * are in a store, so that they survive with the rest.
 */
final class Attribution implements FixedKeyProcessor<String, Attribution.Joined, Sums> {
    static final String STORE = "last";
    static final long MINUTE = 60_000_000_000L;

    /** A samples record beside the placements of its node. */
    record Joined(byte[] samples, byte[] placements) {}

    private FixedKeyProcessorContext<String, Sums> context;
    private KeyValueStore<String, byte[]> store;
    private final Map<String, Holds> holds = new HashMap<>();

    @Override
    public void init(FixedKeyProcessorContext<String, Sums> context) {
        this.context = context;
        this.store = context.getStateStore(STORE);
    }

    @Override
    public void process(FixedKeyRecord<String, Joined> r) {
        Samples samples = Samples.decode(r.value().samples());
        if (samples.series.isEmpty()) return; // a seal
        Holds node = holds.computeIfAbsent(r.key(), k -> Holds.decode(r.value().placements()));
        Map<String, long[]> last = decode(store.get(r.key()));
        Map<Long, Sums> minutes = new HashMap<>();
        for (Samples.Series c : samples.series) add(c, samples.axes.get(c.axis()), node, last, minutes);
        store.put(r.key(), encode(last));
        minutes.forEach((minute, sums) -> context.forward(r.withValue(sums).withTimestamp(minute * 60_000)));
    }

    private static void add(Samples.Series c, long[] times, Holds node, Map<String, long[]> last, Map<Long, Sums> minutes) {
        String key = (char) c.metric() + c.device();
        long[] before = last.get(key);
        long[] values = c.values(times.length);
        for (int i = 0; i < times.length; i++) {
            long v = values[i];
            if (before != null) {
                String holder = node.holder(c.device(), before[0]);
                Sums sums = minutes.computeIfAbsent(before[0] / MINUTE, k -> new Sums());
                if (c.metric() == Samples.ENERGY) sums.add(holder, v - before[1], 0);
                else sums.add(holder, 0, (v + before[1]) * ((times[i] - before[0]) / 1000) / 2000);
            }
            before = new long[] {times[i], v};
        }
        last.put(key, before);
    }

    private static byte[] encode(Map<String, long[]> last) {
        ByteBuffer out = ByteBuffer.allocate(last.size() * 600);
        last.forEach((key, r) -> {
            byte[] name = key.getBytes(StandardCharsets.UTF_8);
            out.putShort((short) name.length).put(name).putLong(r[0]).putLong(r[1]);
        });
        byte[] b = new byte[out.position()];
        out.flip().get(b);
        return b;
    }

    private static Map<String, long[]> decode(byte[] b) {
        Map<String, long[]> last = new HashMap<>();
        if (b == null) return last;
        ByteBuffer in = ByteBuffer.wrap(b);
        while (in.hasRemaining()) {
            byte[] name = new byte[in.getShort()];
            in.get(name);
            last.put(new String(name, StandardCharsets.UTF_8), new long[] {in.getLong(), in.getLong()});
        }
        return last;
    }
}
