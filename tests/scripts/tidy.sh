#!/usr/bin/env bash
# Checks the house rules that neither the compiler nor clippy knows. Reads only; builds nothing.
#
# Usage: tests/scripts/tidy.sh
#
#   layers     crates depend on those of this workspace that the table in ARCHITECTURE.md allows, and on no others
#   lints      every crate takes the lints of the workspace
#   unfinished no todo!, unimplemented! or dbg!
#   size       no source file is longer than 800 lines, unless it is generated
#   places     nothing names a folder of somebody's machine, or a package registry of somebody's own
#
# Exit codes: 0 all well, 1 not: each finding is a line.
set -euo pipefail

cd "$(dirname "$0")/../.."
readonly LINES_MAX=800
findings=0

# Without git nothing would be found, and all seem well.
git ls-files > /dev/null

found() { printf '%s: %s\n' "$1" "$2"; findings=$((findings + 1)); }

# found_lines RULE: a finding for each line of standard input.
found_lines() { local line; while IFS= read -r line; do found "$1" "$line"; done; }

# Files of the project: tracked, or new and not ignored; those deleted but still tracked are left out.
files() {
  git ls-files --cached --others --exclude-standard -- "$@" | sort -u | while IFS= read -r file; do
    if [ -f "$file" ]; then printf '%s\n' "$file"; fi
  done
}

# search PATTERN PATHSPEC…: matching lines; none is no failure, anything else is.
search() {
  local pattern=$1 status=0
  shift
  git grep --untracked -nIE -e "$pattern" -- "$@" || status=$?
  [ "$status" -le 1 ]
}

# The table of crates in ARCHITECTURE.md, as lines "crate<tab>what it may use".
allowed_table() {
  awk -F'|' '$3 ~ /^ *`[a-z-]+` *$/ && $2 ~ /^ *([0-9]|test|tool)/ {
    gsub(/[` ]/, "", $3); gsub(/[`,]/, " ", $5); print $3 "\t" $5 }' ARCHITECTURE.md
}

# The crates of this workspace that a manifest depends on, tests aside, without their prefix.
dependencies() {
  awk '/^\[/ { section = $0; if (section !~ /dev-dependencies/ && match(section, /dependencies\.klamm-[a-z-]+/))
                 print substr(section, RSTART + 13, RLENGTH - 13) }
       (section ~ /^\[(target\..*\.)?(build-)?dependencies\]/) && /^klamm-?[a-z-]*[ .=]/ {
         sub(/[ .=].*/, ""); print }' "$1" | sed 's/^klamm-//' | sort -u
}

check_layers() {
  local table manifest crate allowed used
  table=$(allowed_table)
  if [ -z "$table" ]; then found layers "ARCHITECTURE.md has no table of crates"; return; fi
  while IFS= read -r manifest; do
    crate=$(basename "$(dirname "$manifest")")
    if ! grep -q "^$crate"$'\t' <<< "$table"; then
      found layers "$manifest: the table in ARCHITECTURE.md does not know $crate"
      continue
    fi
    allowed=$(awk -F'\t' -v crate="$crate" '$1 == crate { print $2 }' <<< "$table")
    for used in $(dependencies "$manifest"); do
      case " $allowed " in
        *" $used "* | *" all "*) ;;
        *) found layers "$manifest: $crate may not use $used" ;;
      esac
    done
  done < <(files 'crates/*/Cargo.toml' 'tests/Cargo.toml' 'benches/Cargo.toml')
}

check_lints() {
  local manifest
  while IFS= read -r manifest; do
    grep -A1 -Fx '[lints]' "$manifest" | grep -qx 'workspace *= *true' ||
      found lints "$manifest: no \"[lints] workspace = true\""
  done < <(files 'crates/*/Cargo.toml' 'tests/Cargo.toml' 'benches/Cargo.toml')
}

check_unfinished() {
  found_lines unfinished < <(search '\b(todo|unimplemented|dbg)!' '*.rs')
}

check_size() {
  local file lines
  while IFS= read -r file; do
    lines=$(wc -l < "$file")
    if [ "$lines" -gt "$LINES_MAX" ]; then found size "$file: $lines lines, $LINES_MAX at most"; fi
  done < <(files 'crates/*/src/*.rs' | grep -vE '/messages/|/table\.rs$')
}

check_places() {
  local file
  # Written so that this file does not find itself.
  found_lines places < <(search '(^|[^A-Za-z0-9_.~}-])/(work|root|home/[a-z]+|Users/[A-Za-z]+)/' . ':!LICENSE')
  found_lines places < <(search '(index-url|registry|mirror)[a-z-]* *= *"?(sparse[+])?https?:' . ':!Cargo.lock')
  found_lines places < <(git grep --untracked -nE '^source = ' -- Cargo.lock |
    grep -vF 'registry+https://github.com/rust-lang/crates.io-index' || true)
  while IFS= read -r file; do
    found places "$file: registries are for the machine to choose"
  done < <(files | grep -E '(^|/)(pip\.conf|\.npmrc|\.pypirc|settings\.xml|\.cargo/credentials.*)$' || true)
}

check_layers
check_lints
check_unfinished
check_size
check_places

if [ "$findings" -gt 0 ]; then
  printf 'tidy: %s findings\n' "$findings"
  exit 1
fi
echo 'tidy: all well'
