#!/usr/bin/env bash
# Installs the foreign clients that tests/clients runs, from their own registries, into a cache folder.
#
# Usage: tests/clients/install.sh
#
# Prints one line a client, tab separated: its name, "ok" or "missing", and the program or the reason. Each client stands for
# itself: what this machine cannot install is missing, the others work. Quick when everything is there. Exit code 0 unless
# the cache folder cannot be written.
#
#   kcat              librdkafka from Debian's packages (installed with apt-get when run as root)
#   confluent-kafka   librdkafka from PyPI
#   kafka-python      from PyPI
#   java              Apache Kafka's client and tools from Maven Central; needs Java 17 or later with javac, and Maven
#
# Environment: KLAMM_TEST_CACHE, the cache folder (default ~/.cache/klamm-tests).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=${KLAMM_TEST_CACHE:-$HOME/.cache/klamm-tests}
mkdir -p "$cache"
log=$cache/install.log

# One installation at a time; the others wait and find it done.
if command -v flock > /dev/null; then exec 9> "$cache/lock"; flock 9; fi
: > "$log"

ok() { printf '%s\tok\t%s\n' "$1" "$2"; }
missing() { printf '%s\tmissing\t%s\n' "$1" "$2"; }
have() { command -v "$1" > /dev/null; }
# done_for STAMP FILE…: whether the stamp was made from these very files.
done_for() { local stamp=$1; shift; [ -e "$stamp" ] && cat "$@" | cmp -s - "$stamp"; }
why() { local reason; reason=$(grep -v '^[[:space:]]*$' "$log" | tail -1 | tr '\t' ' '); echo "${reason:-see $log}"; }

install_kcat() {
  local program
  if ! have kcat && ! have kafkacat && have apt-get && [ "$(id -u)" = 0 ]; then
    { DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install kcat \
        || { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install kcat; }
    } >> "$log" 2>&1 || true
  fi
  if program=$(command -v kcat || command -v kafkacat); then ok kcat "$program"
  else missing kcat "no kcat on the PATH, and it could not be installed with apt-get"; fi
}

install_python_clients() {
  local venv=$cache/python names="confluent-kafka kafka-python" name
  if ! have python3; then for name in $names; do missing "$name" "no python3"; done; return; fi
  if ! done_for "$venv/.done" "$here/python/requirements.txt"; then
    rm -rf "$venv"
    if ! { python3 -m venv "$venv" && "$venv/bin/pip" -q install -r "$here/python/requirements.txt"; } >> "$log" 2>&1; then
      for name in $names; do missing "$name" "pip: $(why)"; done
      return
    fi
    cp "$here/python/requirements.txt" "$venv/.done"
  fi
  for name in $names; do ok "$name" "$venv/bin/python"; done
}

install_java() {
  local lib=$cache/java/lib classes=$cache/java/classes tool
  for tool in java javac mvn; do have $tool || { missing java "no $tool"; return; }; done
  if ! done_for "$lib/.done" "$here/java/pom.xml"; then
    rm -rf "$lib"; mkdir -p "$lib"
    if ! mvn -q -B -f "$here/java/pom.xml" dependency:copy-dependencies -DoutputDirectory="$lib" >> "$log" 2>&1; then
      missing java "mvn: $(why)"; return
    fi
    cp "$here/java/pom.xml" "$lib/.done"
  fi
  if ! done_for "$classes/.done" "$here"/java/src/*.java; then
    rm -rf "$classes"; mkdir -p "$classes"
    if ! javac -d "$classes" -cp "$lib/*" "$here"/java/src/*.java >> "$log" 2>&1; then missing java "javac: $(why)"; return; fi
    cat "$here"/java/src/*.java > "$classes/.done"
  fi
  ok java "$cache/java"
}

install_kcat
install_python_clients
install_java
