#!/usr/bin/env bash
# How long a node with much data takes from start to the first acknowledged record, after kill -9, page cache warm and cold.
#
# Usage: tests/scripts/restart.sh BINARY [GIGABYTES [PARTITIONS]]
#
# BINARY is a klamm built for release. Fills PARTITIONS (200) with GIGABYTES (20), kills the node while it is written to, and starts it
# again, three times each way. Needs kcat and Kafka's performance tools; dropping the page cache needs root. Environment: TMPDIR, the disk
# to measure; PORT (47192) and the one behind it.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
if [ $# -lt 1 ]; then sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; fi
readonly BINARY=$1 PORT=${PORT:-47192} gigabytes=${2:-20} partitions=${3:-200} record_bytes=10000
# shellcheck source-path=SCRIPTDIR source=one_node.sh
. "$here/one_node.sh"
home=$("$here/../clients/install.sh" | awk -F'\t' '$1 == "java" && $2 == "ok" { print $3 }')
[ -n "$home" ] || { echo "Apache Kafka's tools are not installed: tests/clients/install.sh says why" >&2; exit 1; }

# produce RECORDS: into all partitions.
produce() {
  java -Xmx512m -cp "$home/lib/*" org.apache.kafka.tools.ProducerPerformance --topic much --num-records "$1" \
    --record-size "$record_bytes" --throughput -1 \
    --producer-props "bootstrap.servers=$bootstrap" acks=all batch.size=200000 linger.ms=20 delivery.timeout.ms=2000 \
    request.timeout.ms=1500 2> /dev/null | tail -1
}

start_node
wait_for_node first
"$BINARY" topic create much --partitions "$partitions" --replication-factor 1 -b "$bootstrap" > /dev/null
produce $((gigabytes * 100000))
du -sh "$folder/data" | cut -f1
for cache in warm warm warm cold cold cold; do
  # Killed in the middle of appends, so that there is something to recover.
  produce 1000000 > /dev/null &
  load=$!
  sleep 3
  kill_node
  pkill -9 -P "$load" || true
  wait "$load" || true
  if [ "$cache" = cold ]; then sync; echo 3 > /proc/sys/vm/drop_caches; fi
  begin=$(milliseconds)
  start_node
  wait_for_node much
  printf '%s: %d ms from start to an acknowledged record, %d MiB\n' "$cache" $(($(milliseconds) - begin)) "$(resident_mib)"
done
