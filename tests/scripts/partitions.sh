#!/usr/bin/env bash
# What many partitions cost one node: time to create, stop and start them, memory, file descriptors; then load on some of them.
#
# Usage: tests/scripts/partitions.sh BINARY [PARTITIONS [ACTIVE]]
#
# BINARY is a klamm built for release; PARTITIONS (20000) lie in topics of 1000; ACTIVE of them (1000) get records. Needs kcat and, for
# the load, Kafka's performance tools. Environment: TMPDIR, the disk to measure; PORT (47192) and the one behind it; RECORDS (500000).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
if [ $# -lt 1 ]; then sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; fi
readonly BINARY=$1 PORT=${PORT:-47192} partitions=${2:-20000} active=${3:-1000}
# shellcheck source-path=SCRIPTDIR source=one_node.sh
. "$here/one_node.sh"

# started WHAT: how long it took, and what it takes.
started() {
  local begin=$1 what=$2
  wait_for_node many-0
  printf '%-28s %6d ms, %d MiB, %d descriptors\n' "$what" $(($(milliseconds) - begin)) "$(resident_mib)" "$(descriptors)"
}

start_node
wait_for_node first
printf '%-28s %6d MiB, %d descriptors\n' 'an idle node' "$(resident_mib)" "$(descriptors)"
begin=$(milliseconds)
for number in $(seq 0 $((partitions / 1000 - 1))); do
  "$BINARY" topic create "many-$number" --partitions 1000 --replication-factor 1 -b "$bootstrap" > /dev/null
done
until [ "$(find "$folder/data" -maxdepth 1 -name 'many-*' | wc -l)" -ge $((partitions / 1000 * 1000)) ]; do sleep 0.05; done
started "$begin" "creating $partitions"
begin=$(milliseconds)
stop_node
printf '%-28s %6d ms\n' 'clean stop' $(($(milliseconds) - begin))
begin=$(milliseconds)
start_node
started "$begin" 'start after a clean stop'
kill_node
begin=$(milliseconds)
start_node
started "$begin" 'start after kill -9'

before=$(awk '{ print $14 + $15 }' "/proc/$node/stat")
sleep 10
after=$(awk '{ print $14 + $15 }' "/proc/$node/stat")
printf '%-28s %6d %% of a processor\n' 'idle' $(((after - before) * 10 / $(getconf CLK_TCK)))
"$BINARY" topic create active --partitions "$active" --replication-factor 1 -b "$bootstrap" > /dev/null
home=$("$here/../clients/install.sh" | awk -F'\t' '$1 == "java" && $2 == "ok" { print $3 }')
[ -n "$home" ] || { echo "Apache Kafka's tools are not installed: tests/clients/install.sh says why" >&2; exit 1; }
produced=$(java -Xmx512m -cp "$home/lib/*" org.apache.kafka.tools.ProducerPerformance --topic active --num-records "${RECORDS:-500000}" \
  --record-size 1024 --throughput -1 --producer-props "bootstrap.servers=$bootstrap" acks=all 2> /dev/null | tail -1)
printf '%-28s %s\n' "load on $active" "$produced"
printf '%-28s %6d MiB, %d descriptors\n' 'after the load' "$(resident_mib)" "$(descriptors)"
kill_node
begin=$(milliseconds)
start_node
started "$begin" 'start after kill -9'
