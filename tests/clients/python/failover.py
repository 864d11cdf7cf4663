"""The producing, consuming and reading side of a failover drill, with confluent-kafka (librdkafka).

    failover.py produce BOOTSTRAP TOPIC PARTITIONS INTERVAL_MS
        Sends the numbers 0, 1, 2, … as record values, round robin over the partitions, at a steady rate until stdin
        closes; idempotent, acks=all. Prints "ack NUMBER PARTITION OFFSET MS" or "fail NUMBER MS REASON" a record (MS
        since the start), and "done SENT" at the end.

    failover.py consume BOOTSTRAP TOPIC GROUP
        Reads as a member of a group until stdin closes. Prints "got PARTITION OFFSET NUMBER" a record.

    failover.py read BOOTSTRAP TOPIC PARTITIONS
        Prints "got PARTITION OFFSET NUMBER" for everything that is in the topic.
"""

import sys
import threading
import time

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition, OFFSET_BEGINNING

IDLE_SECONDS_MAX = 60


def stdin_closed():
    closed = threading.Event()

    def watch():
        while sys.stdin.read(1):
            pass
        closed.set()

    threading.Thread(target=watch, daemon=True).start()
    return closed


def produce(bootstrap, topic, partitions, interval_ms):
    stop = stdin_closed()
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "acks": "all", "linger.ms": 0})
    start = time.monotonic()

    def elapsed_ms():
        return int((time.monotonic() - start) * 1000)

    def report(number):
        def delivered(error, message):
            if error is None:
                print("ack", number, message.partition(), message.offset(), elapsed_ms(), flush=True)
            else:
                print("fail", number, elapsed_ms(), error, flush=True)

        return delivered

    sent = 0
    while not stop.is_set():
        try:
            producer.produce(topic, str(sent), partition=sent % partitions, on_delivery=report(sent))
            sent += 1
        except BufferError:
            pass  # a full queue is what an outage looks like: serve callbacks, try again
        producer.poll(max(0.0, start + sent * interval_ms / 1000 - time.monotonic()))
    producer.flush()
    print("done", sent, flush=True)


def consume(bootstrap, topic, group):
    stop = stdin_closed()
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "auto.commit.interval.ms": 200,
        }
    )
    consumer.subscribe([topic])
    while not stop.is_set():
        for message in consumer.consume(1000, 0.1):
            if message.error() is None:
                print("got", message.partition(), message.offset(), message.value().decode(), flush=True)
    consumer.close()


def read(bootstrap, topic, partitions):
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "unused", "enable.partition.eof": True})
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in range(partitions)])
    unfinished = set(range(partitions))
    while unfinished:
        message = consumer.poll(IDLE_SECONDS_MAX)
        if message is None:
            sys.exit(f"nothing for {IDLE_SECONDS_MAX} s, partitions {unfinished} have not ended")
        if message.error() is None:
            print("got", message.partition(), message.offset(), message.value().decode())
        elif message.error().code() == KafkaError._PARTITION_EOF:
            unfinished.discard(message.partition())
    consumer.close()


if __name__ == "__main__":
    command, arguments = sys.argv[1], sys.argv[2:]
    if command == "produce":
        produce(arguments[0], arguments[1], int(arguments[2]), int(arguments[3]))
    elif command == "consume":
        consume(*arguments)
    else:
        read(arguments[0], arguments[1], int(arguments[2]))
