"""Produces and consumes lines with kafka-python.

    kafka_python_io.py produce BOOTSTRAP TOPIC CODEC FILE      a record a line: key, tab, value
    kafka_python_io.py consume BOOTSTRAP GROUP COUNT TOPIC…    prints topic, partition, offset, key, value; tab separated
    kafka_python_io.py follow BOOTSTRAP GROUP SESSION_TIMEOUT_MS TOPIC
                                                               prints values as they come, until stdin closes
"""

import sys
import threading

from kafka import KafkaConsumer, KafkaProducer

IDLE_SECONDS_MAX = 60


def produce(bootstrap, topic, codec, path):
    codec = None if codec == "none" else codec
    producer = KafkaProducer(bootstrap_servers=bootstrap.split(","), compression_type=codec, linger_ms=5, acks="all")
    failures = []
    with open(path, "rb") as lines:
        for line in lines:
            key, value = line.rstrip(b"\n").split(b"\t", 1)
            producer.send(topic, value=value, key=key).add_errback(failures.append)
    producer.flush(IDLE_SECONDS_MAX)
    producer.close()
    if failures:
        sys.exit(f"{len(failures)} records failed ({failures[0]!r})")


def consume(bootstrap, group, count, topics):
    consumer = KafkaConsumer(
        *topics,
        bootstrap_servers=bootstrap.split(","),
        group_id=group,
        auto_offset_reset="earliest",
        consumer_timeout_ms=IDLE_SECONDS_MAX * 1000,
    )
    out = sys.stdout.buffer
    received = 0
    for record in consumer:
        place = f"{record.topic}\t{record.partition}\t{record.offset}\t".encode()
        out.write(place + record.key + b"\t" + record.value + b"\n")
        received += 1
        if received == count:
            break
    if received < count:
        sys.exit(f"nothing for {IDLE_SECONDS_MAX} s after {received} of {count} records")
    end = sum(consumer.end_offsets(list(consumer.assignment())).values())
    consumer.commit()
    consumer.close()
    if end != count:
        sys.exit(f"the partitions end at {end} records together, not {count}")


def follow(bootstrap, group, session_timeout_ms, topic):
    stdin = threading.Thread(target=sys.stdin.read, daemon=True)
    stdin.start()
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=bootstrap.split(","),
        group_id=group,
        auto_offset_reset="earliest",
        session_timeout_ms=int(session_timeout_ms),
        heartbeat_interval_ms=1000,
    )
    while stdin.is_alive():
        for records in consumer.poll(100).values():
            for record in records:
                print(record.value.decode(), flush=True)
    consumer.close()


if __name__ == "__main__":
    if sys.argv[1] == "produce":
        produce(*sys.argv[2:])
    elif sys.argv[1] == "follow":
        follow(*sys.argv[2:])
    else:
        consume(sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5:])
