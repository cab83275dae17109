import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** Energy in uJ and busy time in ns of each workload. */
final class Sums {
    final Map<String, long[]> byWorkload = new HashMap<>();

    void add(String workload, long energy, long busy) {
        long[] sum = byWorkload.computeIfAbsent(workload, k -> new long[2]);
        sum[0] += energy;
        sum[1] += busy;
    }

    Sums plus(Sums other) {
        other.byWorkload.forEach((workload, sum) -> add(workload, sum[0], sum[1]));
        return this;
    }

    static Serde<Sums> serde() {
        return Serdes.serdeFrom((topic, s) -> s == null ? null : s.encode(), (topic, b) -> b == null ? null : decode(b));
    }

    private byte[] encode() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            for (Map.Entry<String, long[]> e : byWorkload.entrySet()) {
                out.writeUTF(e.getKey());
                out.writeLong(e.getValue()[0]);
                out.writeLong(e.getValue()[1]);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    private static Sums decode(byte[] b) {
        Sums s = new Sums();
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(b))) {
            while (in.available() > 0) s.add(in.readUTF(), in.readLong(), in.readLong());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return s;
    }

    /** A fact as the comparison reads it: minute, energy, busy as zigzag varints, then the workload. */
    static byte[] fact(long minute, String workload, long[] sum) {
        byte[] name = workload.getBytes(StandardCharsets.UTF_8);
        ByteBuffer out = ByteBuffer.allocate(30 + name.length);
        for (long v : new long[] {minute, sum[0], sum[1]}) {
            for (v = v << 1 ^ v >> 63; (v & ~0x7fL) != 0; v >>>= 7) out.put((byte) (v | 0x80));
            out.put((byte) v);
        }
        out.put(name);
        byte[] b = new byte[out.position()];
        out.flip().get(b);
        return b;
    }
}
