#!/usr/bin/env bash
# Produces to and consumes from a cluster with Kafka's own performance tools, and tells what its processes spent on it.
#
# Usage: tests/scripts/throughput.sh BOOTSTRAP PID…
#
# BOOTSTRAP is host:port,… of any cluster that speaks Kafka's protocol; the PIDs are those of its nodes on this machine, whose
# processor time is counted. Prints one line: produced and consumed MB/s (10^6 bytes), the producer's p99 latency in ms,
# processor seconds per GB that was produced and consumed, and the nodes' resident memory in MiB.
#
# To compare two clusters, run it on them by turns, several times: machines drift, ratios of neighbours do not.
#
# Environment: RECORDS (1000000), RECORD_BYTES (1024), PARTITIONS (12), REPLICATION (3), ACKS (all), PRODUCER_PROPS
# (more producer settings, "linger.ms=5 …").
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
if [ $# -lt 2 ]; then sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; fi
readonly bootstrap=$1
shift
readonly records=${RECORDS:-1000000} size=${RECORD_BYTES:-1024} topic=throughput-$$-$RANDOM
ticks=$(getconf CLK_TCK)
home=$("$here/../clients/install.sh" | awk -F'\t' '$1 == "java" && $2 == "ok" { print $3 }')
[ -n "$home" ] || { echo "Apache Kafka's tools are not installed: tests/clients/install.sh says why" >&2; exit 1; }

tool() { local class=$1; shift; java -Xmx512m -cp "$home/lib/*" "org.apache.kafka.tools.$class" "$@"; }

# cpu PID…: ticks that the processes have used.
cpu() { local pid sum=0; for pid in "$@"; do sum=$((sum + $(awk '{ print $14 + $15 }' "/proc/$pid/stat"))); done; echo "$sum"; }

tool TopicCommand --bootstrap-server "$bootstrap" --create --topic "$topic" \
  --partitions "${PARTITIONS:-12}" --replication-factor "${REPLICATION:-3}" > /dev/null
before=$(cpu "$@")
# shellcheck disable=SC2086 # settings are words
produced=$(tool ProducerPerformance --topic "$topic" --num-records "$records" --record-size "$size" --throughput -1 \
  --producer-props "bootstrap.servers=$bootstrap" "acks=${ACKS:-all}" ${PRODUCER_PROPS:-} 2> /dev/null | tail -1)
middle=$(cpu "$@")
consumed=$(tool ConsumerPerformance --bootstrap-server "$bootstrap" --topic "$topic" --num-records "$records" \
  --timeout 60000 --hide-header 2> /dev/null | tail -1) || true
after=$(cpu "$@")
rss=$(for pid in "$@"; do awk '/^VmRSS/ { print int($2 / 1024) }' "/proc/$pid/status"; done | tr '\n' ' ')
tool TopicCommand --bootstrap-server "$bootstrap" --delete --topic "$topic" > /dev/null

echo "raw: $produced" >&2
echo "raw: $consumed" >&2
awk -v produced="$produced" -v cpu=$((after - before)) -v cpu_produce=$((middle - before)) -v ticks="$ticks" \
  -v bytes=$((records * size)) -v rss="$rss" 'BEGIN {
    split(produced, p, /[ (,]+/); for (i in p) if (p[i] == "99th.") p99 = 0
    match(produced, /[0-9.]+ records\/sec/); rate = substr(produced, RSTART, RLENGTH) + 0
    match(produced, /[0-9]+ ms 99th/); p99 = substr(produced, RSTART, RLENGTH) + 0
    printf "produce %.1f MB/s, p99 %d ms, CPU %.2f s/GB to produce, %.2f in all, resident %sMiB\n",
      rate * bytes / 1e6 / '"$records"', p99, cpu_produce / ticks / (bytes / 1e9), cpu / ticks / (bytes / 1e9), rss }'
