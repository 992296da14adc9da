#!/bin/bash
# Runs every fuzz_* program of a folder for some seconds each; a crash stops with its input's path.
#   tools/fuzz.sh build/fuzz 10
set -euo pipefail
folder=$1
seconds=$2
root=$(cd "$(dirname "$0")/.." && pwd)

found=0
for program in "$folder"/fuzz_*; do
  if [ ! -f "$program" ] || [ ! -x "$program" ]; then continue; fi
  found=$((found + 1))
  name=$(basename "$program")
  corpus=$folder/corpus/$name
  mkdir -p "$corpus"
  seeds=()
  [ -d "$root/tests/fuzz/corpus/$name" ] && seeds=("$root/tests/fuzz/corpus/$name")
  echo "fuzz: $name for $seconds s"
  log=$folder/$name.log
  if ! "$program" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=1024 -artifact_prefix="$folder/$name." \
      "$corpus" "${seeds[@]}" >"$log" 2>&1; then
    tail -n 60 "$log" >&2
    echo "error: $name found a crash; its input is named above, the whole log is $log" >&2
    exit 1
  fi
  tail -n 1 "$log"
done
echo "fuzz: $found programs, no crash"
