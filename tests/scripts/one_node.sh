# Sourced by the scripts that measure a node of their own: one node in a folder of its own, which goes with the script.
#
# Needs BINARY, the program to measure, and PORT, the first of two ports that are free. Gives start_node, wait_for_node, node,
# kill_node, stop_node and milliseconds; $folder is the node's, $bootstrap its address.
# shellcheck shell=bash

readonly bootstrap=127.0.0.1:$PORT
folder=$(mktemp -d "${TMPDIR:-/tmp}/klamm-measure.XXXXXX")
node=

cat > "$folder/server.properties" <<END
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$((PORT + 1))
listeners=PLAINTEXT://$bootstrap,CONTROLLER://127.0.0.1:$((PORT + 1))
controller.listener.names=CONTROLLER
log.dirs=$folder/data
END

milliseconds() { echo $(($(date +%s%N) / 1000000)); }

start_node() {
  "$BINARY" server --config "$folder/server.properties" >> "$folder/log" 2>&1 &
  node=$!
}

# wait_for_node TOPIC: until a record is acknowledged.
wait_for_node() {
  until echo ready | kcat -P -b "$bootstrap" -t "$1" -p 0 -X message.timeout.ms=2000 -X acks=all 2> /dev/null; do
    kill -0 "$node" || { tail -5 "$folder/log" >&2; return 1; }
    sleep 0.01
  done
}

kill_node() { kill -9 "$node"; wait "$node" 2> /dev/null || true; }

stop_node() { kill "$node"; wait "$node" || true; }

resident_mib() { awk '/^VmRSS/ { print int($2 / 1024) }' "/proc/$node/status"; }

descriptors() { find "/proc/$node/fd" -mindepth 1 | wc -l; }

leave() {
  trap - EXIT
  if [ -n "$node" ]; then kill -9 "$node" 2> /dev/null || true; fi
  [ -n "${KEEP:-}" ] || rm -rf "$folder"
}
trap leave EXIT
