import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import kafka.tools.StorageTool;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.ProducerState;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.common.utils.Time;

/**
 * Runs an Apache Kafka of one node, which writes logs of all kinds for others to read.
 *
 * <pre>
 * write DIR PORT    formats DIR, starts Kafka there, writes, tells what Kafka says, and ends like kill -9
 * reopen DIR PORT COPY…  starts Kafka there again, writes more, tells what Kafka says, stops it in order, and prints what
 *                   {@link KafkaLogDump} reads in the folders below COPY… and DIR, after a line "dump PATH" each
 * </pre>
 *
 * What Kafka says of each partition of the topics:
 *
 * <pre>
 * live TOPIC-PARTITION START END STABLE
 * live-producer TOPIC-PARTITION PRODUCER EPOCH LAST_SEQUENCE LAST_TIMESTAMP COORDINATOR_EPOCH TRANSACTION_FIRST_OFFSET
 * committed TOPIC-PARTITION OFFSET…     what a consumer of committed records sees
 * </pre>
 *
 * The controller listens on PORT + 1.
 */
public final class KafkaDataDir {
    private static final List<String> CODECS = List.of("none", "gzip", "snappy", "lz4", "zstd");
    private static final long TIME = 1_700_000_000_000L;
    private static final Map<String, Map<String, String>> TOPICS = Map.of(
        "codecs", Map.of("internal.segment.bytes", "8192", "index.interval.bytes", "400"),
        "stamped", Map.of("message.timestamp.type", "LogAppendTime", "segment.index.bytes", "120", "index.interval.bytes", "0"),
        "compacted", Map.of("cleanup.policy", "compact", "internal.segment.bytes", "2048", "index.interval.bytes", "300",
            "min.cleanable.dirty.ratio", "0.001"),
        "transactions", Map.of("internal.segment.bytes", "2048", "index.interval.bytes", "300"),
        "deleted", Map.of("internal.segment.bytes", "1024"));

    private final Path dir;
    private final String bootstrap;
    private final KafkaRaftServer server;
    private final PrintStream out = new PrintStream(System.out, false);
    private final Random random;
    private final List<KafkaProducer<String, String>> open = new ArrayList<>();

    private KafkaDataDir(String mode, Path dir, int port) {
        this.dir = dir;
        this.bootstrap = "127.0.0.1:" + port;
        this.random = new Random(mode.length());
        this.server = new KafkaRaftServer(KafkaConfig.fromProps(properties(dir, port)), Time.SYSTEM);
    }

    public static void main(String[] args) throws Exception {
        Path dir = Path.of(args[1]);
        int port = Integer.parseInt(args[2]);
        if (args[0].equals("write")) {
            format(dir, port);
        }
        KafkaDataDir kafka = new KafkaDataDir(args[0], dir, port);
        kafka.server.startup();
        try (Admin admin = Admin.create(Map.<String, Object>of("bootstrap.servers", kafka.bootstrap))) {
            if (args[0].equals("write")) {
                kafka.createTopics(admin);
            }
            kafka.write(args[0]);
            kafka.deleteRecords(admin);
            kafka.awaitCompaction();
            kafka.tell(admin);
        }
        kafka.out.flush();
        if (args[0].equals("write")) {
            Runtime.getRuntime().halt(0);
        }
        kafka.stop();
        KafkaLogDump dump = new KafkaLogDump(kafka.out);
        for (String copy : Arrays.copyOfRange(args, 3, args.length)) {
            kafka.dump(dump, Path.of(copy));
        }
        kafka.dump(dump, dir);
        kafka.out.flush();
        // Not every thread of the server is a daemon.
        Runtime.getRuntime().halt(0);
    }

    private static Properties properties(Path dir, int port) {
        int controller = port + 1;
        Properties properties = new Properties();
        properties.putAll(Map.of(
            "process.roles", "broker,controller",
            "node.id", "1",
            "controller.quorum.voters", "1@127.0.0.1:" + controller,
            "listeners", "PLAINTEXT://127.0.0.1:" + port + ",CONTROLLER://127.0.0.1:" + controller,
            "listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "controller.listener.names", "CONTROLLER",
            "log.dirs", dir.toString()));
        properties.putAll(Map.of(
            "offsets.topic.replication.factor", "1",
            "offsets.topic.num.partitions", "1",
            "transaction.state.log.replication.factor", "1",
            "transaction.state.log.min.isr", "1",
            "transaction.state.log.num.partitions", "1",
            "log.cleaner.backoff.ms", "50",
            "log.cleaner.dedupe.buffer.size", "4194304",
            "log.retention.ms", "-1"));
        properties.putAll(Map.of(
            "log.retention.check.interval.ms", "100",
            "log.initial.task.delay.ms", "100",
            "auto.create.topics.enable", "false"));
        return properties;
    }

    private static void format(Path dir, int port) throws IOException {
        Path file = Files.createTempFile(dir.getParent(), "server", ".properties");
        try (var writer = Files.newBufferedWriter(file)) {
            properties(dir, port).store(writer, null);
        }
        String[] arguments = {"format", "-t", "4L6g3nShT-eMCtK--X86sw", "-c", file.toString()};
        if (StorageTool.execute(arguments, System.err) != 0) {
            throw new IOException("cannot format " + dir);
        }
    }

    private void createTopics(Admin admin) throws Exception {
        List<NewTopic> topics = new ArrayList<>();
        TOPICS.forEach((name, config) -> {
            Map<String, String> all = new HashMap<>(config);
            all.putIfAbsent("segment.index.bytes", "4096");
            topics.add(new NewTopic(name, 1, (short) 1).configs(all));
        });
        admin.createTopics(topics).all().get();
    }

    private void write(String mode) throws Exception {
        for (String codec : CODECS) {
            for (boolean idempotent : new boolean[] {true, false}) {
                writeCodec(codec, idempotent);
            }
        }
        writeStamped();
        writeTransactions(mode);
        writeCompacted(mode);
        writeNumbers("deleted", 60);
    }

    /** Batches of many records, with keys, values and headers of all kinds, times back and forth. */
    private void writeCodec(String codec, boolean idempotent) throws Exception {
        Map<String, Object> config = Map.of("compression.type", codec, "enable.idempotence", idempotent, "linger.ms", 1000,
            "batch.size", 65536);
        try (KafkaProducer<String, String> producer = producer(config)) {
            for (int batch = 0; batch < 12; batch++) {
                for (int i = 0; i < 1 + batch * 3; i++) {
                    String key = i % 4 == 0 ? null : i % 4 == 1 ? "" : "key-" + i;
                    String value = i % 7 == 3 ? null : text(random.nextInt(120));
                    ProducerRecord<String, String> record =
                        new ProducerRecord<>("codecs", 0, TIME + random.nextInt(100_000), key, value);
                    for (int h = 0; h < i % 3; h++) {
                        record.headers().add("h" + h, i % 5 == 0 ? null : text(h * 9).getBytes(StandardCharsets.UTF_8));
                    }
                    producer.send(record);
                }
                producer.flush();
            }
        }
    }

    private void writeStamped() throws Exception {
        try (KafkaProducer<String, String> producer = producer(Map.of("compression.type", "lz4"))) {
            for (int i = 0; i < 40; i++) {
                producer.send(new ProducerRecord<>("stamped", 0, TIME, "k", text(i)));
                producer.flush();
            }
        }
    }

    private void writeNumbers(String topic, int count) throws Exception {
        try (KafkaProducer<String, String> producer = producer(Map.of())) {
            for (int i = 0; i < count; i++) {
                producer.send(new ProducerRecord<>(topic, 0, TIME + i, null, "number " + i)).get();
            }
        }
    }

    /** Producers by turns, each transaction in several batches; the last one of them stays open. */
    private void writeTransactions(String mode) throws Exception {
        String topic = "transactions";
        try (KafkaProducer<String, String> plain = producer(Map.of());
                KafkaProducer<String, String> a = transactional(mode + "-a");
                KafkaProducer<String, String> b = transactional(mode + "-b")) {
            for (int round = 0; round < 12; round++) {
                a.beginTransaction();
                send(a, topic, round);
                b.beginTransaction();
                send(b, topic, round);
                send(plain, topic, round);
                send(a, topic, round);
                end(a, round % 3 != 0);
                send(b, topic, round);
                end(b, round % 2 == 0);
            }
            KafkaProducer<String, String> undecided = transactional(mode + "-open");
            open.add(undecided);
            undecided.beginTransaction();
            send(undecided, topic, 0);
            send(undecided, topic, 1);
            a.beginTransaction();
            send(a, topic, 100);
            end(a, false);
            send(plain, topic, 100);
        }
    }

    /** Few keys again and again, tombstones, and transactions of both ends. */
    private void writeCompacted(String mode) throws Exception {
        String topic = "compacted";
        try (KafkaProducer<String, String> plain = producer(Map.of("compression.type", "zstd", "linger.ms", 1000));
                KafkaProducer<String, String> transactional = transactional(mode + "-compacted")) {
            for (int i = 0; i < 300; i++) {
                String value = i % 11 == 0 ? null : text(30);
                plain.send(new ProducerRecord<>(topic, 0, TIME + i, "key-" + random.nextInt(25), value));
                if (i % 8 == 7) {
                    plain.flush();
                }
                if (i % 20 == 19) {
                    transactional.beginTransaction();
                    send(transactional, topic, i);
                    send(transactional, topic, i + 1);
                    end(transactional, i % 40 == 19);
                }
            }
        }
    }

    private void send(KafkaProducer<String, String> producer, String topic, int number) throws Exception {
        producer.send(new ProducerRecord<>(topic, 0, TIME + number, "txn-" + number % 5, text(40))).get();
    }

    private static void end(KafkaProducer<String, String> producer, boolean commit) {
        if (commit) {
            producer.commitTransaction();
        } else {
            producer.abortTransaction();
        }
    }

    private KafkaProducer<String, String> transactional(String id) {
        KafkaProducer<String, String> producer = producer(Map.of("transactional.id", id, "transaction.timeout.ms", 900_000));
        producer.initTransactions();
        return producer;
    }

    private KafkaProducer<String, String> producer(Map<String, Object> config) {
        Map<String, Object> all = new HashMap<>(config);
        all.put("bootstrap.servers", bootstrap);
        all.putIfAbsent("linger.ms", 0);
        // Else a transaction begins a tenth of a second after the one before.
        all.put("retry.backoff.ms", 2);
        all.put("retry.backoff.max.ms", 10);
        return new KafkaProducer<>(all, new StringSerializer(), new StringSerializer());
    }

    private String text(int length) {
        StringBuilder text = new StringBuilder();
        while (text.length() < length) {
            text.append((char) ('a' + random.nextInt(random.nextBoolean() ? 2 : 26)));
        }
        return text.toString();
    }

    private void deleteRecords(Admin admin) throws Exception {
        var target = org.apache.kafka.clients.admin.RecordsToDelete.beforeOffset(25);
        admin.deleteRecords(Map.of(new TopicPartition("deleted", 0), target)).all().get();
        await("segments before the start are gone",
            () -> !Files.exists(dir.resolve("deleted-0/00000000000000000000.log")));
    }

    /** Until the cleaner has come to the active segment. */
    private void awaitCompaction() throws Exception {
        Path folder = dir.resolve("compacted-0");
        await("compaction", () -> {
            String[] names = folder.toFile().list();
            long active = Arrays.stream(names).filter(name -> name.endsWith(".log"))
                .mapToLong(name -> Long.parseLong(name.substring(0, 20))).max().orElse(0);
            boolean isQuiet = Arrays.stream(names)
                .noneMatch(name -> name.endsWith(".cleaned") || name.endsWith(".swap"));
            return isQuiet && checkpoint().contains("compacted 0 " + active);
        });
    }

    private List<String> checkpoint() {
        try {
            return Files.readAllLines(dir.resolve("cleaner-offset-checkpoint"));
        } catch (IOException notYet) {
            return List.of();
        }
    }

    private static void await(String what, BooleanSupplier condition) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException("waited too long: " + what);
            }
            Thread.sleep(10);
        }
    }

    private void tell(Admin admin) throws Exception {
        List<TopicPartition> partitions = TOPICS.keySet().stream().map(topic -> new TopicPartition(topic, 0)).toList();
        Map<String, Object> config = Map.of("bootstrap.servers", bootstrap, "isolation.level", "read_committed",
            "auto.offset.reset", "none", "enable.auto.commit", false);
        Map<String, Object> uncommitted = new HashMap<>(config);
        uncommitted.put("isolation.level", "read_uncommitted");
        ByteArrayDeserializer bytes = new ByteArrayDeserializer();
        try (KafkaConsumer<byte[], byte[]> committed = new KafkaConsumer<>(config, bytes, bytes);
                KafkaConsumer<byte[], byte[]> all = new KafkaConsumer<>(uncommitted, bytes, bytes)) {
            Map<TopicPartition, Long> starts = all.beginningOffsets(partitions);
            Map<TopicPartition, Long> ends = all.endOffsets(partitions);
            Map<TopicPartition, Long> stable = committed.endOffsets(partitions);
            for (TopicPartition partition : partitions) {
                out.println("live " + partition + " " + starts.get(partition) + " " + ends.get(partition) + " "
                    + stable.get(partition));
                out.println("committed " + partition + consume(committed, partition, starts.get(partition), stable.get(partition)));
            }
        }
        var described = admin.describeProducers(partitions).all().get();
        described.forEach((partition, state) -> tellProducers(partition, state.activeProducers()));
    }

    private static String consume(KafkaConsumer<byte[], byte[]> consumer, TopicPartition partition, long start, long end) {
        consumer.assign(List.of(partition));
        consumer.seek(partition, start);
        StringBuilder offsets = new StringBuilder();
        while (consumer.position(partition) < end) {
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
                offsets.append(' ').append(record.offset());
            }
        }
        return offsets.toString();
    }

    private void tellProducers(TopicPartition partition, Collection<ProducerState> producers) {
        for (ProducerState producer : producers) {
            out.println("live-producer " + partition + " " + producer.producerId() + " " + producer.producerEpoch() + " "
                + producer.lastSequence() + " " + producer.lastTimestamp() + " " + producer.coordinatorEpoch().orElse(-1) + " "
                + producer.currentTransactionStartOffset().orElse(-1));
        }
    }

    private void stop() {
        // Without waiting, and without a chance to end the open transaction.
        open.forEach(producer -> producer.close(Duration.ZERO));
        server.shutdown();
        server.awaitShutdown();
    }

    private void dump(KafkaLogDump dump, Path root) throws IOException {
        out.println("dump " + root);
        File[] folders = root.toFile().listFiles(file -> file.isDirectory() && file.getName().matches(".*-\\d+"));
        Arrays.sort(folders);
        for (File folder : folders) {
            dump.folder(folder);
        }
    }
}
