"""Produces and consumes lines with confluent-kafka (librdkafka).

    librdkafka_io.py produce BOOTSTRAP TOPIC CODEC FILE      a record a line: key, tab, value
    librdkafka_io.py consume BOOTSTRAP GROUP COUNT TOPIC…    prints topic, partition, offset, key, value; tab separated
"""

import sys

from confluent_kafka import Consumer, Producer, TopicPartition

IDLE_SECONDS_MAX = 60


def produce(bootstrap, topic, codec, path):
    # Idempotent: what is sent again would change its place otherwise.
    settings = {"compression.type": codec, "linger.ms": 5, "enable.idempotence": True}
    producer = Producer({"bootstrap.servers": bootstrap, **settings})
    failures = []

    def delivered(error, _message):
        if error is not None:
            failures.append(error)

    with open(path, "rb") as lines:
        for line in lines:
            key, value = line.rstrip(b"\n").split(b"\t", 1)
            while True:
                try:
                    producer.produce(topic, value, key, on_delivery=delivered)
                    break
                except BufferError:
                    producer.poll(0.1)
            producer.poll(0)
    unsent = producer.flush(IDLE_SECONDS_MAX)
    if failures or unsent:
        sys.exit(f"{len(failures)} records failed ({failures[:1]}), {unsent} not sent")


def consume(bootstrap, group, count, topics):
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest"})
    consumer.subscribe(topics)
    out = sys.stdout.buffer
    partitions = set()
    for received in range(count):
        message = consumer.poll(IDLE_SECONDS_MAX)
        if message is None:
            sys.exit(f"nothing for {IDLE_SECONDS_MAX} s after {received} of {count} records")
        if message.error():
            sys.exit(f"after {received} records: {message.error()}")
        partitions.add((message.topic(), message.partition()))
        place = f"{message.topic()}\t{message.partition()}\t{message.offset()}\t".encode()
        out.write(place + message.key() + b"\t" + message.value() + b"\n")
    ends = [consumer.get_watermark_offsets(TopicPartition(*place))[1] for place in partitions]
    consumer.close()  # commits what was read
    if sum(ends) != count:
        sys.exit(f"the partitions end at {sum(ends)} records together, not {count}")


if __name__ == "__main__":
    if sys.argv[1] == "produce":
        produce(*sys.argv[2:])
    else:
        consume(sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5:])
