import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Who holds the devices of a node, from its record in the placements table. */
final class Holds {
    record Hold(long from, long to, String workload) {}

    private final Map<String, List<Hold>> byDevice = new HashMap<>();

    static Holds decode(byte[] b) {
        Holds h = new Holds();
        if (b == null) return h;
        ByteBuffer in = ByteBuffer.wrap(b);
        while (in.hasRemaining()) h.placement(Samples.message(in));
        return h;
    }

    private void placement(ByteBuffer in) {
        String workload = "";
        List<String> devices = new ArrayList<>();
        long start = 0, end = 0;
        boolean ended = false;
        while (in.hasRemaining()) {
            long tag = Samples.varint(in);
            switch ((int) (tag >>> 3)) {
                case 6 -> workload = Samples.text(Samples.message(in));
                case 10 -> devices.add(Samples.text(Samples.message(in)));
                case 13 -> start = Samples.varint(in);
                case 14 -> ended = Samples.varint(in) != 0;
                case 15 -> end = Samples.varint(in);
                default -> Samples.skip(in, (int) tag & 7);
            }
        }
        Hold hold = new Hold(start, ended ? end : Long.MAX_VALUE, workload);
        for (String d : devices) byDevice.computeIfAbsent(d, k -> new ArrayList<>()).add(hold);
    }

    /** The load's holds of a device do not overlap. */
    String holder(String device, long t) {
        for (Hold h : byDevice.getOrDefault(device, List.of())) if (t >= h.from && t < h.to) return h.workload;
        return "";
    }
}
