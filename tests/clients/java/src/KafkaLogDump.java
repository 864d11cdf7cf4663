import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Iterator;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.record.internal.FileRecords;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.storage.internals.checkpoint.LeaderEpochCheckpointFile;
import org.apache.kafka.storage.internals.log.AbortedTxn;
import org.apache.kafka.storage.internals.log.BatchMetadata;
import org.apache.kafka.storage.internals.log.EpochEntry;
import org.apache.kafka.storage.internals.log.LogDirFailureChannel;
import org.apache.kafka.storage.internals.log.OffsetIndex;
import org.apache.kafka.storage.internals.log.OffsetPosition;
import org.apache.kafka.storage.internals.log.ProducerStateEntry;
import org.apache.kafka.storage.internals.log.ProducerStateManager;
import org.apache.kafka.storage.internals.log.TimeIndex;
import org.apache.kafka.storage.internals.log.TimestampOffset;
import org.apache.kafka.storage.internals.log.TransactionIndex;

/**
 * Prints all that Kafka's own classes read in the folders of partitions: a line a fact, fields apart by spaces, bytes in hex.
 *
 * <pre>
 * folder NAME
 * batch SEGMENT POSITION SIZE BASE LAST EPOCH CRC CODEC TIMESTAMP_TYPE TRANSACTIONAL CONTROL DELETE_HORIZON MAX_TIMESTAMP
 *       PRODUCER PRODUCER_EPOCH BASE_SEQUENCE LAST_SEQUENCE COUNT
 * record OFFSET TIMESTAMP KEY VALUE [NAME=VALUE]…
 * index SEGMENT OFFSET POSITION          timeindex SEGMENT TIMESTAMP OFFSET
 * aborted SEGMENT PRODUCER FIRST LAST STABLE
 * producer SNAPSHOT PRODUCER EPOCH LAST_SEQUENCE LAST_OFFSET OFFSET_DELTA TIMESTAMP COORDINATOR_EPOCH TRANSACTION_FIRST_OFFSET
 * epoch EPOCH START
 * </pre>
 *
 * Null is "-", no bytes are ".". Usage: KafkaLogDump FOLDER…
 */
public final class KafkaLogDump {
    private final PrintStream out;

    KafkaLogDump(PrintStream out) {
        this.out = out;
    }

    public static void main(String[] args) throws IOException {
        KafkaLogDump dump = new KafkaLogDump(System.out);
        for (String folder : args) {
            dump.folder(new File(folder));
        }
    }

    /** Everything in the folder of a partition. */
    void folder(File folder) throws IOException {
        out.println("folder " + folder.getName());
        File[] files = folder.listFiles();
        Arrays.sort(files);
        for (File file : files) {
            String name = file.getName();
            int dot = name.indexOf('.');
            if (name.equals("leader-epoch-checkpoint")) {
                epochs(file);
            } else if (dot == 20) {
                file(file, Long.parseLong(name.substring(0, dot)), name.substring(dot));
            }
        }
    }

    private void file(File file, long baseOffset, String suffix) throws IOException {
        switch (suffix) {
            case ".log" -> batches(file, baseOffset);
            case ".index" -> offsetIndex(file, baseOffset);
            case ".timeindex" -> timeIndex(file, baseOffset);
            case ".txnindex" -> aborted(file, baseOffset);
            case ".snapshot" -> producers(file, baseOffset);
            default -> { }
        }
    }

    private void batches(File file, long segment) throws IOException {
        try (FileRecords records = FileRecords.open(file, false)) {
            int position = 0;
            for (RecordBatch batch : records.batches()) {
                batch.ensureValid();
                line("batch", segment, position, batch.sizeInBytes(), batch.baseOffset(), batch.lastOffset(),
                    batch.partitionLeaderEpoch(), batch.checksum(), batch.compressionType().name, batch.timestampType(),
                    batch.isTransactional(), batch.isControlBatch(), batch.deleteHorizonMs().orElse(-1), batch.maxTimestamp(),
                    batch.producerId(), batch.producerEpoch(), batch.baseSequence(), batch.lastSequence(), batch.countOrNull());
                position += batch.sizeInBytes();
                for (Iterator<Record> all = batch.iterator(); all.hasNext();) {
                    record(all.next());
                }
            }
        }
    }

    private void record(Record record) {
        StringBuilder line = new StringBuilder("record ").append(record.offset()).append(' ').append(record.timestamp())
            .append(' ').append(hex(record.key())).append(' ').append(hex(record.value()));
        for (Header header : record.headers()) {
            ByteBuffer value = header.value() == null ? null : ByteBuffer.wrap(header.value());
            line.append(' ').append(header.key()).append('=').append(hex(value));
        }
        out.println(line);
    }

    private void offsetIndex(File file, long segment) throws IOException {
        try (OffsetIndex index = new OffsetIndex(file, segment, -1, false)) {
            for (int i = 0; i < index.entries(); i++) {
                OffsetPosition entry = index.entry(i);
                // Room for entries, where Kafka could not trim the file: no entry points to the first batch.
                if (entry.position() == 0) {
                    return;
                }
                line("index", segment, entry.offset(), entry.position());
            }
        }
    }

    private void timeIndex(File file, long segment) throws IOException {
        try (TimeIndex index = new TimeIndex(file, segment, -1, false)) {
            for (int i = 0; i < index.entries(); i++) {
                TimestampOffset entry = index.entry(i);
                if (entry.timestamp() == 0) {
                    return;
                }
                line("timeindex", segment, entry.timestamp(), entry.offset());
            }
        }
    }

    private void aborted(File file, long segment) throws IOException {
        try (TransactionIndex index = new TransactionIndex(segment, file)) {
            index.sanityCheck();
            for (AbortedTxn aborted : index.allAbortedTxns()) {
                line("aborted", segment, aborted.producerId(), aborted.firstOffset(), aborted.lastOffset(),
                    aborted.lastStableOffset());
            }
        }
    }

    private void producers(File file, long offset) throws IOException {
        for (ProducerStateEntry entry : ProducerStateManager.readSnapshot(file)) {
            BatchMetadata last = new BatchMetadata(-1, -1, 0, entry.lastTimestamp());
            for (BatchMetadata batch : entry.batchMetadata()) {
                last = batch;
            }
            line("producer", offset, entry.producerId(), entry.producerEpoch(), last.lastSeq(), last.lastOffset(),
                last.offsetDelta(), entry.lastTimestamp(), entry.coordinatorEpoch(), entry.currentTxnFirstOffset().orElse(-1));
        }
    }

    private void epochs(File file) throws IOException {
        for (EpochEntry entry : new LeaderEpochCheckpointFile(file, new LogDirFailureChannel(1)).read()) {
            line("epoch", entry.epoch(), entry.startOffset());
        }
    }

    private void line(String kind, Object... fields) {
        StringBuilder line = new StringBuilder(kind);
        for (Object field : fields) {
            line.append(' ').append(field);
        }
        out.println(line);
    }

    private static String hex(ByteBuffer bytes) {
        if (bytes == null) {
            return "-";
        }
        byte[] copy = new byte[bytes.remaining()];
        bytes.duplicate().get(copy);
        return copy.length == 0 ? "." : HexFormat.of().formatHex(copy);
    }
}
