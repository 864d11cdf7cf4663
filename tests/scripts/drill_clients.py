#!/usr/bin/env python3
"""Runs a drill while idempotent producers of librdkafka and Java write to the same cluster, and judges what they see.

Usage: tests/scripts/drill_clients.py BOOTSTRAP OUT COMMAND...

COMMAND is a `klamm drill` of the cluster at BOOTSTRAP (host:port,...) that writes to OUT: it must have the option
`--out OUT`. Each producer writes numbers to six partitions of a topic of its own, 200 a second, until the drill has
ended. Then everything is read back: no acknowledged number may be missing or at another offset, none may be there twice,
and each partition must hold them in the order in which they were sent. Prints a table with the longest time between two
acknowledgements of one partition, over the rounds of each scenario. Exits with 1 if something is wrong.
"""

import datetime
import json
import math
import os
import pathlib
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict

HERE = pathlib.Path(__file__).resolve().parent
CLIENTS = HERE.parent / "clients"
PARTITIONS = 6
INTERVAL_MS = 5
READ_SECONDS_MAX = 600


def installed(*names):
    """Where the clients of these names are installed; ends the program if one of them is not."""
    lines = subprocess.run([CLIENTS / "install.sh"], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    homes = {name: rest for name, state, rest in (line.split("\t", 2) for line in lines) if state == "ok"}
    missing = [name for name in names if name not in homes]
    if missing:
        sys.exit(f"{', '.join(missing)} not installed: tests/clients/install.sh says why")
    return [homes[name] for name in names]


class Producer:
    """A producer and what it has said, with the time at which it was heard."""

    def __init__(self, name, topic, command):
        self.name, self.topic = name, topic
        self.acks = {}
        self.times = defaultdict(list)
        self.failures = []
        self.done = False
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.listener = threading.Thread(target=self.listen)
        self.listener.start()

    def listen(self):
        for line in self.process.stdout:
            kind, *words = line.split()
            if kind == "ack":
                number, partition = map(int, words[:2])
                # Who sends again what had arrived is not told where.
                offset = None if words[2] in ("None", "-1") else int(words[2])
                self.acks[number] = (partition, offset)
                self.times[partition].append(time.time())
            elif kind == "fail":
                self.failures.append(line.strip())
            self.done |= kind == "done"

    def finish(self):
        self.process.stdin.close()
        self.process.wait()
        self.listener.join()

    def longest_gap(self, begin, end):
        """The longest time between two acknowledgements of one partition that lies mostly between two moments."""
        gaps = [0.0]
        for times in self.times.values():
            gaps += [b - a for a, b in zip(times, times[1:]) if begin < (a + b) / 2 < end]
        return max(gaps)


def judge(producer, read):
    """What is wrong, in words."""
    found = defaultdict(list)
    for partition, offset, number in read:
        found[number].append((partition, offset))
    wrong = []
    if not producer.done:
        wrong.append("the producer did not come to an end")

    def is_found(number, partition, offset):
        return any(partition == p and offset in (o, None) for p, o in found[number])

    lost = [number for number, place in producer.acks.items() if not is_found(number, *place)]
    if lost:
        wrong.append(f"{len(lost)} acknowledged numbers are lost, such as {lost[:5]}")
    doubled = [number for number, count in Counter(number for _, _, number in read).items() if count > 1]
    if doubled:
        wrong.append(f"{len(doubled)} numbers are there twice, such as {doubled[:5]}")
    last = {}
    for partition, offset, number in sorted(read):
        if last.get(partition, -1) >= number:
            wrong.append(f"in partition {partition}, {number} at offset {offset} is behind {last[partition]}")
        last[partition] = number
    return wrong


def rounds_of(out):
    """Scenario, begin and end of each round, in seconds since 1970."""
    report = json.loads((out / "report.json").read_text())
    started = datetime.datetime.strptime(report["setup"]["started"], "%Y-%m-%d %H:%M:%S.%f UTC")
    started = started.replace(tzinfo=datetime.timezone.utc).timestamp()
    for item in report["availability"]["rounds"]:
        yield item["scenario"], started + item["begin_us"] / 1e6, started + item["end_us"] / 1e6


def nearest_rank(values, percent):
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    bootstrap, out, command = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3:]
    python, java = installed("confluent-kafka", "java")
    failover = CLIENTS / "python" / "failover.py"
    suffix = f"{os.getpid()}-{int(time.time())}"
    commands = {
        "librdkafka": [python, failover, "produce"],
        "java": ["java", "-Xmx128m", "-cp", f"{java}/lib/*:{java}/classes", "FailoverProducer"],
    }
    producers = []
    for name, start in commands.items():
        topic = f"drill-{name}-{suffix}"
        tool = ["java", "-Xmx128m", "-cp", f"{java}/lib/*", "org.apache.kafka.tools.TopicCommand", "--bootstrap-server", bootstrap]
        create = ["--create", "--topic", topic, "--partitions", str(PARTITIONS), "--replication-factor", "3"]
        subprocess.run(tool + create + ["--config", "min.insync.replicas=2"], stdout=subprocess.DEVNULL, check=True)
        producers.append(Producer(name, topic, start + [bootstrap, topic, str(PARTITIONS), str(INTERVAL_MS)]))
    try:
        drilled = subprocess.run(command).returncode
    finally:
        for producer in producers:
            producer.finish()
    is_wrong = drilled != 0
    gaps = defaultdict(list)
    for scenario, begin, end in rounds_of(out):
        for producer in producers:
            gaps[scenario, producer.name].append(producer.longest_gap(begin, end))
    print(f"{'scenario':18} {'client':12} rounds     p50     p90     p99     max")
    for (scenario, name), values in gaps.items():
        figures = "".join(f"{nearest_rank(values, percent):6.2f} s" for percent in (50, 90, 99, 100))
        print(f"{scenario:18} {name:12} {len(values):6}{figures}")
    for producer in producers:
        read = subprocess.run(
            [python, failover, "read", bootstrap, producer.topic, str(PARTITIONS)],
            stdout=subprocess.PIPE, text=True, check=True, timeout=READ_SECONDS_MAX,
        ).stdout
        wrong = judge(producer, [tuple(map(int, line.split()[1:])) for line in read.splitlines()])
        is_wrong |= bool(wrong)
        print(f"{producer.name}: {len(producer.acks)} acknowledged, {len(producer.failures)} failed: {'; '.join(wrong) or 'nothing is wrong'}")
        for failure in producer.failures[:3]:
            print("  " + failure)
    sys.exit(1 if is_wrong else 0)


if __name__ == "__main__":
    main()
