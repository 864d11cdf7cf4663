#!/usr/bin/env python3
"""What many partitions cost a cluster of three nodes: time to create them and to fail over, memory, processor time.

Usage: tests/scripts/cluster_partitions.py BINARY [PARTITIONS [FOLDER]]

BINARY is a klamm built for release; PARTITIONS (10000), of three replicas each, lie in topics of 1000; FOLDER ($TMPDIR) is
on the disk to measure. Kills a broker that is not the active controller, then the active controller, and
tells how long it took until every partition had a living leader, and until each had acknowledged a record. PORT (47392)
and the two behind it must be free, and those 100 above. Needs confluent-kafka and Kafka's tools (tests/clients/install.sh).
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

from drill_clients import installed

PORT = int(os.environ.get("PORT", "47392"))
TOPIC_SIZE = 1000
PATIENCE_SECONDS = 300


def import_confluent_kafka(python):
    """The client lives in an environment of its own: goes on there."""
    try:
        import confluent_kafka.admin
    except ImportError:
        os.execv(python, [python, *sys.argv])
    return confluent_kafka


def say(what, text):
    print(f"{what:34} {text}", flush=True)


class Cluster:
    def __init__(self, binary, folder):
        self.binary, self.data = binary, folder / "cluster"
        self.process = subprocess.Popen(
            [binary, "dev", "--data", self.data, "--port", str(PORT)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.ids = [1, 2, 3]
        for node in self.ids:
            wait_until(f"node {node} serves", lambda: self.serves(node))

    def address(self, node):
        return f"127.0.0.1:{PORT + node - 1}"

    def addresses(self, nodes):
        return ",".join(self.address(node) for node in nodes)

    def serves(self, node):
        command = [self.binary, "health", "-b", self.address(node), "--timeout-ms", "1000"]
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0

    def dev(self, *words):
        subprocess.run([self.binary, "dev", "--data", self.data, *map(str, words)], stdout=subprocess.DEVNULL, check=True)

    def pids(self):
        return {node["id"]: node["pid"] for node in json.loads((self.data / "dev.json").read_text())["nodes"]}

    def memory(self):
        resident = []
        for node, pid in sorted(self.pids().items()):
            status = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
            kib = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
            resident.append(f"{kib / 1024:.0f}")
        return f"{' '.join(resident)} MiB resident"

    def processor_seconds(self):
        ticks = 0
        for pid in self.pids().values():
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def quit(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def wait_until(what, condition):
    begin = time.monotonic()
    while not condition():
        if time.monotonic() - begin > PATIENCE_SECONDS:
            sys.exit(f"in vain: {what}")
        time.sleep(0.01)


def partitions_of(admin, topics):
    """Topic, partition and what is known of it, for all of the topics."""
    known = admin.list_topics(timeout=30).topics
    for topic in topics:
        if topic in known:
            for index, partition in known[topic].partitions.items():
                yield topic, index, partition


def wait_in_sync(admin, topics):
    def is_done():
        found = [p for _, _, p in partitions_of(admin, topics)]
        return len(found) == len(topics) * TOPIC_SIZE and all(len(p.isrs) == 3 and p.leader >= 0 for p in found)

    wait_until("all replicas are in sync", is_done)


def write_everywhere(kafka, cluster, nodes, topics):
    """Waits until each partition has acknowledged a record."""
    failures = []
    producer = kafka.Producer(
        {
            "bootstrap.servers": cluster.addresses(nodes),
            "acks": "all",
            "linger.ms": 0,
            "queue.buffering.max.messages": 1_000_000,
        }
    )
    for topic in topics:
        for partition in range(TOPIC_SIZE):
            producer.produce(topic, b"x", partition=partition, on_delivery=lambda e, _: failures.append(e) if e else None)
    unsent = producer.flush(PATIENCE_SECONDS)
    if failures or unsent:
        sys.exit(f"{len(failures)} records were refused, such as {failures[:1]}; {unsent} not answered")


def fail_over(kafka, cluster, topics, victim, what):
    others = [node for node in cluster.ids if node != victim]
    admin = kafka.admin.AdminClient({"bootstrap.servers": cluster.addresses(others)})
    led = sum(p.leader == victim for _, _, p in partitions_of(admin, topics))
    begin = time.monotonic()
    cluster.dev("kill", victim)
    wait_until("every partition has another leader", lambda: all(p.leader in others for _, _, p in partitions_of(admin, topics)))
    elected = time.monotonic() - begin
    write_everywhere(kafka, cluster, others, topics)
    say(f"{what} dies, led {led}", f"all led after {elected:.2f} s, all written to after {time.monotonic() - begin:.2f} s")
    begin = time.monotonic()
    cluster.dev("start", victim)
    wait_in_sync(admin, topics)
    say(f"{what} comes back", f"all in sync after {time.monotonic() - begin:.2f} s; {cluster.memory()}")
    balanced = len(topics) * TOPIC_SIZE // 3 * 9 // 10
    for topic in topics:
        # One request may change 10,000 partitions at most, as with Kafka.
        partitions = [kafka.TopicPartition(topic, partition) for partition in range(TOPIC_SIZE)]
        admin.elect_leaders(kafka.ElectionType.PREFERRED, partitions).result()
    wait_until("leaders are balanced", lambda: sum(p.leader == victim for _, _, p in partitions_of(admin, topics)) >= balanced)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    python, java = installed("confluent-kafka", "java")
    kafka = import_confluent_kafka(python)
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    topics = [f"many-{number}" for number in range(count // TOPIC_SIZE)]
    with tempfile.TemporaryDirectory(dir=sys.argv[3] if len(sys.argv) > 3 else None) as folder:
        cluster = Cluster(sys.argv[1], pathlib.Path(folder))
        try:
            measure(kafka, java, cluster, topics)
        finally:
            cluster.quit()


def measure(kafka, java, cluster, topics):
    say("three idle nodes", cluster.memory())
    admin = kafka.admin.AdminClient({"bootstrap.servers": cluster.addresses(cluster.ids)})
    begin = time.monotonic()
    for topic in topics:
        shape = ["--partitions", str(TOPIC_SIZE), "--replication-factor", "3", "-b", cluster.address(1)]
        subprocess.run([cluster.binary, "topic", "create", topic, *shape], stdout=subprocess.DEVNULL, check=True)
    created = time.monotonic() - begin
    write_everywhere(kafka, cluster, cluster.ids, topics)
    written = time.monotonic() - begin
    wait_in_sync(admin, topics)
    count = len(topics) * TOPIC_SIZE
    say(f"creating {count} x 3", f"{created:.2f} s, all written to after {written:.2f} s; {cluster.memory()}")
    begin = time.monotonic()
    write_everywhere(kafka, cluster, cluster.ids, topics)
    say("a record for each", f"{time.monotonic() - begin:.2f} s")
    # What was written is flushed, checkpointed and looked through first.
    time.sleep(30)
    before = cluster.processor_seconds()
    time.sleep(10)
    say("idle", f"{(cluster.processor_seconds() - before) * 10:.0f} % of a processor, all three together")
    for what in ("broker", "controller"):
        controller = active_controller(cluster, java)
        victim = controller if what == "controller" else next(node for node in cluster.ids if node != controller)
        fail_over(kafka, cluster, topics, victim, what)
    begin, before = time.monotonic(), cluster.pids()[1]
    cluster.dev("restart", 1)
    wait_until("node 1 is another process", lambda: cluster.pids()[1] not in (before, None))
    wait_until("node 1 serves", lambda: cluster.serves(1))
    wait_in_sync(admin, topics)
    say("clean restart of a node", f"all in sync after {time.monotonic() - begin:.2f} s; {cluster.memory()}")


def active_controller(cluster, java):
    """The leader of the quorum; what Metadata tells clients is any living broker."""
    command = ["java", "-Xmx128m", "-cp", f"{java}/lib/*", "org.apache.kafka.tools.MetadataQuorumCommand"]
    command += ["--bootstrap-server", cluster.addresses(cluster.ids), "describe", "--status"]
    status = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("LeaderId"))


if __name__ == "__main__":
    main()
