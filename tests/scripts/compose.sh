#!/usr/bin/env bash
# Proves docker-compose.yml: produce from the host, consume in another container, kill one node, go on, volumes kept.
#
# Usage: tests/scripts/compose.sh
#
# Builds the image from source, uses the ports 9092 to 9094, and leaves nothing behind but the image. Needs docker with
# compose, and kcat (which tests/clients/install.sh installs). Exit codes: 0 all well, 1 not, 77 not run (no docker).
# KLAMM_COMPOSE_RECORDS: how many records each step produces (10000).
set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
records=${KLAMM_COMPOSE_RECORDS:-10000}
outside=localhost:9092,localhost:9093,localhost:9094
inside=klamm-1:19092,klamm-2:19092,klamm-3:19092
topic=compose
project=klamm-compose-test
client=$project-client
work=$(mktemp -d)

say() { printf 'compose: %s\n' "$*"; }
fail() { say "FAILED: $*"; compose logs --tail 30 || true; exit 1; }
skip() { say "not run: $*"; exit 77; }

command -v docker > /dev/null || skip "no docker on this machine"
docker info > /dev/null 2>&1 || skip "no docker daemon answers"
if docker compose version > /dev/null 2>&1; then compose=(docker compose)
elif command -v docker-compose > /dev/null; then compose=(docker-compose)
else skip "neither 'docker compose' nor 'docker-compose' is there"; fi
compose() { "${compose[@]}" --project-directory "$top" -f "$top/docker-compose.yml" -p "$project" "$@"; }

kcat=$("$top/tests/clients/install.sh" | awk -F'\t' '$1 == "kcat" && $2 == "ok" { print $3 }')
[ -n "$kcat" ] || fail "no kcat to produce with"

cleanup() {
  docker rm -f "$client" > /dev/null 2>&1 || true
  compose down --volumes > /dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT

container() { compose ps -a -q "klamm-$1"; }

wait_healthy() { # wait_healthy NODE…
  local node state
  for node in "$@"; do
    for _ in $(seq 1 120); do
      state=$(docker inspect -f '{{.State.Health.Status}}' "$(container "$node")")
      [ "$state" = healthy ] && continue 2
      sleep 0.5
    done
    fail "klamm-$node is $state after a minute"
  done
}

produce() { # produce FIRST: numbers from FIRST on, from the host
  seq "$1" $(($1 + records - 1)) > "$work/batch"
  "$kcat" -P -b "$outside" -t "$topic" -X acks=all -X enable.idempotence=true -l "$work/batch" || fail "producing from the host"
  cat "$work/batch" >> "$work/sent"
}

check_consumed() { # check_consumed WHAT: another container reads exactly what was sent
  docker exec "$client" kcat -C -q -e -o beginning -b "$inside" -t "$topic" | sort -n > "$work/read" || fail "consuming in a container"
  sort -n "$work/sent" | cmp - "$work/read" || fail "$1: $(wc -l < "$work/read") of $(wc -l < "$work/sent") records"
  say "$1: another container reads all $(wc -l < "$work/read") records"
}

say "building the image and starting three nodes"
compose up -d --build > "$work/up.log" 2>&1 || { tail -40 "$work/up.log"; fail "docker compose up"; }
wait_healthy 1 2 3
docker run -d --name "$client" --network klamm debian:bookworm-slim sleep infinity > /dev/null
docker exec "$client" sh -c 'apt-get -qq update && apt-get -qq -y --no-install-recommends install kcat' > "$work/apt.log" 2>&1 ||
  { tail "$work/apt.log"; fail "installing kcat in a container"; }

produce 1
check_consumed "produced from the host"

docker kill -s KILL "$(container 2)" > /dev/null
say "klamm-2 is killed"
produce $((records + 1))
check_consumed "without klamm-2"

docker start "$(container 2)" > /dev/null
wait_healthy 2
compose down > /dev/null 2>&1
compose up -d > "$work/up.log" 2>&1 || { tail -40 "$work/up.log"; fail "docker compose up, again"; }
wait_healthy 1 2 3
check_consumed "all containers replaced, volumes kept"

user=$(docker exec "$(container 1)" id -u)
[ "$user" != 0 ] || fail "nodes run as root"
say "image: $(($(docker image inspect -f '{{.Size}}' klamm) / 1048576)) MiB, user id $user"
say "all well"
