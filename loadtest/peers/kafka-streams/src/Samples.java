import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** What the contender needs of a samples record, decoded by hand: energy and activity. */
final class Samples {
    static final int ENERGY = 2, ACTIVE = 5;

    /** A column of values of one metric of one device. */
    record Series(String device, int metric, int axis, long base, long scale, ByteBuffer offsets) {
        /** The values at so many times. */
        long[] values(int n) {
            long[] values = new long[n];
            int width = n == 0 ? 0 : offsets.limit() / n;
            for (int i = 0; i < n; i++) {
                long offset = switch (width) {
                    case 1 -> offsets.get(i) & 0xff;
                    case 2 -> offsets.getShort(2 * i) & 0xffff;
                    case 4 -> offsets.getInt(4 * i) & 0xffffffffL;
                    case 8 -> offsets.getLong(8 * i);
                    default -> 0;
                };
                values[i] = base + scale * offset;
            }
            return values;
        }
    }

    final List<long[]> axes = new ArrayList<>();
    final List<Series> series = new ArrayList<>();

    static Samples decode(byte[] b) {
        Samples s = new Samples();
        List<String> devices = new ArrayList<>();
        List<ByteBuffer> offsets = new ArrayList<>();
        ByteBuffer none = ByteBuffer.allocate(0);
        ByteBuffer counts = none, metrics = none, axes = none, bases = none, scales = none;
        ByteBuffer in = ByteBuffer.wrap(b);
        while (in.hasRemaining()) {
            long tag = varint(in);
            switch ((int) (tag >>> 3)) {
                case 3 -> s.axes.add(axis(message(in)));
                case 5 -> devices.add(text(message(in)));
                case 6 -> counts = message(in);
                case 7 -> metrics = message(in);
                case 8 -> axes = message(in);
                case 9 -> bases = message(in);
                case 10 -> scales = message(in);
                case 11 -> offsets.add(message(in).order(ByteOrder.LITTLE_ENDIAN));
                default -> skip(in, (int) tag & 7);
            }
        }
        int i = 0;
        for (String device : devices) {
            for (long left = varint(counts); left > 0; left--, i++) {
                int metric = (int) varint(metrics), axis = axes == none ? 0 : (int) varint(axes);
                long base = varint(bases), scale = Math.max(varint(scales), 1);
                if (metric == ENERGY || metric == ACTIVE) s.series.add(new Series(device, metric, axis, base, scale, offsets.get(i)));
            }
        }
        return s;
    }

    /** The time of the first reading, for the extractor; -1 where there is none. */
    static long first(byte[] b) {
        ByteBuffer in = ByteBuffer.wrap(b);
        while (in.hasRemaining()) {
            long tag = varint(in);
            if (tag >>> 3 == 3) {
                ByteBuffer axis = message(in);
                while (axis.hasRemaining()) {
                    long t = varint(axis);
                    if (t >>> 3 == 1) return varint(axis);
                    skip(axis, (int) t & 7);
                }
            } else {
                skip(in, (int) tag & 7);
            }
        }
        return -1;
    }

    private static long[] axis(ByteBuffer in) {
        long start = 0, tick = 0;
        long[] times = new long[0];
        while (in.hasRemaining()) {
            long tag = varint(in);
            switch ((int) (tag >>> 3)) {
                case 1 -> start = varint(in);
                case 2 -> times = new long[(int) varint(in)];
                case 3 -> tick = varint(in);
                case 4 -> {
                    ByteBuffer steps = message(in);
                    for (int i = 1; steps.hasRemaining(); i++) times[i] = zigzag(varint(steps));
                }
                default -> skip(in, (int) tag & 7);
            }
        }
        for (int i = 0; i < times.length; i++) times[i] = i == 0 ? start : times[i - 1] + times[i] * tick;
        return times;
    }

    static long varint(ByteBuffer in) {
        long v = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            byte b = in.get();
            v |= (long) (b & 0x7f) << shift;
            if (b >= 0) return v;
        }
        throw new IllegalArgumentException("varint is too long");
    }

    static long zigzag(long v) { return v >>> 1 ^ -(v & 1); }

    static ByteBuffer message(ByteBuffer in) {
        int n = (int) varint(in);
        ByteBuffer m = in.slice(in.position(), n);
        in.position(in.position() + n);
        return m;
    }

    static String text(ByteBuffer m) {
        return new String(m.array(), m.arrayOffset() + m.position(), m.remaining(), StandardCharsets.UTF_8);
    }

    static void skip(ByteBuffer in, int type) {
        switch (type) {
            case 0 -> varint(in);
            case 2 -> message(in);
            default -> throw new IllegalArgumentException("wire type " + type);
        }
    }
}
