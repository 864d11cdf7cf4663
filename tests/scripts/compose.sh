#!/usr/bin/env bash
# Proves docker-compose.yml: three nodes that the host and other containers reach, the loss of one, and data that stays.
#
# Usage: tests/scripts/compose.sh
#
# Needs docker with compose, kcat, and the ports 9092 to 9094. Builds the image from source (minutes, the first time) and
# leaves nothing else behind. Exit codes: 0 all well, 1 not, 77 not run because something is missing on this machine.
# KLAMM_COMPOSE_RECORDS: how many records each step produces (10000).
set -euo pipefail

readonly RECORDS=${KLAMM_COMPOSE_RECORDS:-10000}
readonly PROJECT=klamm-compose-test
readonly TOPIC=compose
readonly FROM_HOST=localhost:9092,localhost:9093,localhost:9094
readonly FROM_CONTAINERS=klamm-1:19092,klamm-2:19092,klamm-3:19092
# Far more than a node needs, and less than the grace that compose gives it.
readonly STOP_SECONDS_MAX=15

cd "$(dirname "$0")/../.."
work=$(mktemp -d)

say() { printf 'compose: %s\n' "$*"; }
skip() { say "not run: $*"; exit 77; }
fail() { say "FAILED: $*"; compose logs --tail 30 || true; exit 1; }

docker info > /dev/null 2>&1 || skip "no docker daemon answers"
kcat=$(command -v kcat || command -v kafkacat) || skip "no kcat to produce with"
if docker compose version > /dev/null 2>&1; then compose=(docker compose)
elif command -v docker-compose > /dev/null; then compose=(docker-compose)
else skip "neither 'docker compose' nor 'docker-compose' is there"; fi

compose() { "${compose[@]}" -p "$PROJECT" "$@"; }
# compose_quietly ARG…: shows what compose said only if it failed.
compose_quietly() { compose "$@" > "$work/compose.log" 2>&1 || { tail -40 "$work/compose.log"; fail "compose $1"; }; }
container() { compose ps -a -q "klamm-$1"; }
property() { docker inspect -f "$2" "$(container "$1")"; } # property NODE TEMPLATE
in_container() { docker run --rm --network klamm klamm "$@" --bootstrap-server "$FROM_CONTAINERS"; }

cleanup() {
  compose down --volumes > /dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT

wait_healthy() { # wait_healthy NODE…
  local node since=$SECONDS
  for node in "$@"; do
    until [ "$(property "$node" '{{.State.Health.Status}}')" = healthy ]; do
      [ $((SECONDS - since)) -lt 60 ] || fail "klamm-$node is $(property "$node" '{{.State.Health.Status}}') after a minute"
      sleep 0.2
    done
  done
}

wait_in_sync() {
  local since=$SECONDS
  while in_container topic describe "$TOPIC" | grep -q under-replicated; do
    [ $((SECONDS - since)) -lt 60 ] || fail "$TOPIC is under-replicated after a minute"
  done
}

# numbers FIRST: the next numbers, which are the records to be produced; remembers them.
numbers() { seq "$1" $(($1 + RECORDS - 1)) | tee -a "$work/sent"; }
produce() { "$kcat" -P -q -b "$FROM_HOST" -t "$TOPIC" -X enable.idempotence=true; }

# check_records WHEN: another container reads what was sent, nothing less and nothing twice.
check_records() {
  in_container consume "$TOPIC" --from-beginning --exit-at-end | sort -n > "$work/read" || fail "$1: consuming in a container"
  sort -n "$work/sent" | cmp - "$work/read" || fail "$1: $(wc -l < "$work/read") of $(wc -l < "$work/sent") records are read"
  say "$1: another container reads all $(wc -l < "$work/read") records"
}

say "the image is built"
SECONDS=0
compose_quietly build
say "built in $SECONDS s: $(($(docker image inspect -f '{{.Size}}' klamm) / 1000000)) MB with its base"

SECONDS=0
compose_quietly up -d
wait_healthy 1 2 3
say "three nodes are healthy $SECONDS s after 'up'"
user=$(docker exec "$(container 1)" id -u)
[ "$user" != 0 ] || fail "nodes run as root"

in_container topic create "$TOPIC" --partitions 3 > /dev/null || fail "creating a topic from a container"
numbers 1 | produce || fail "producing from the host"
check_records "produced from the host"

# The second half follows when a node, which leads one of the three partitions, is gone.
{
  numbers $((RECORDS + 1))
  docker kill --signal KILL "$(container 2)" > "$work/kill.log"
  numbers $((2 * RECORDS + 1))
} | produce || fail "producing while klamm-2 is killed"
[ "$(property 2 '{{.State.Running}}')" = false ] || fail "klamm-2 is not dead"
check_records "klamm-2 killed meanwhile"

docker start "$(container 2)" > /dev/null
wait_healthy 2
wait_in_sync
check_records "klamm-2 back and in sync"

SECONDS=0
compose_quietly stop
took=$SECONDS
for node in 1 2 3; do
  [ "$(property "$node" '{{.State.ExitCode}}')" = 0 ] || fail "klamm-$node stopped with $(property "$node" '{{.State.ExitCode}}')"
done
[ "$took" -le "$STOP_SECONDS_MAX" ] || fail "stopping took $took s"
say "stopped cleanly in $took s"

compose_quietly down
compose_quietly up -d
wait_healthy 1 2 3
check_records "all containers replaced, volumes kept"
say "all well"
