import java.io.IOException;
import java.io.PrintStream;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Sends the numbers 0, 1, 2, … as record values, round robin over the partitions, at a steady rate until stdin closes.
 *
 * Prints a line per outcome, "ack NUMBER PARTITION OFFSET MS" or "fail NUMBER MS REASON" (MS since the start), and
 * "done SENT" at the end. Idempotent with acks=all, as Java's producer is by default.
 *
 * Usage: FailoverProducer BOOTSTRAP TOPIC PARTITIONS INTERVAL_MS
 */
public final class FailoverProducer {
    public static void main(String[] args) {
        String topic = args[1];
        int partitions = Integer.parseInt(args[2]);
        long intervalNanos = Long.parseLong(args[3]) * 1_000_000L;
        PrintStream out = new PrintStream(System.out, true);
        AtomicBoolean stop = stopWhenStdinCloses();
        long start = System.nanoTime();
        long sent = 0;
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(config(args[0]))) {
            while (!stop.get()) {
                long number = sent++;
                int partition = (int) (number % partitions);
                producer.send(new ProducerRecord<>(topic, partition, null, Long.toString(number)), (metadata, error) -> {
                    long elapsedMs = (System.nanoTime() - start) / 1_000_000L;
                    if (error == null) {
                        out.println("ack " + number + " " + partition + " " + metadata.offset() + " " + elapsedMs);
                    } else {
                        out.println("fail " + number + " " + elapsedMs + " " + error);
                    }
                });
                LockSupport.parkNanos(start + sent * intervalNanos - System.nanoTime());
            }
        }
        out.println("done " + sent);
    }

    private static Map<String, Object> config(String bootstrap) {
        return Map.of(
            "bootstrap.servers", bootstrap,
            "key.serializer", StringSerializer.class.getName(),
            "value.serializer", StringSerializer.class.getName());
    }

    private static AtomicBoolean stopWhenStdinCloses() {
        AtomicBoolean stop = new AtomicBoolean();
        Thread watcher = new Thread(() -> {
            try {
                while (System.in.read() >= 0) {
                    // Only the end of the input counts.
                }
            } catch (IOException error) {
                // A broken pipe ends the input as well.
            }
            stop.set(true);
        });
        watcher.setDaemon(true);
        watcher.start();
        return stop;
    }
}
