#!/bin/bash
# Runs fuzz targets for a number of executions each, in pieces that are recorded one by one: stop it at any time.
#   make fuzz FUZZ_SECONDS=1 && tools/fuzz_long.sh build/fuzz 10000000 safetensors config gguf
# Every piece appends "date, target, executions, longest input, seconds, commit" to tests/fuzz/executions.tsv; its
# sums are what may be said of a target. A crash stops with its input's path. MAX_LEN (1500) bounds the inputs.
set -euo pipefail
folder=$1 runs=$2
shift 2
root=$(cd "$(dirname "$0")/.." && pwd)
record=$root/tests/fuzz/executions.tsv
piece=500000
length=${MAX_LEN:-1500}
# Short stacks of allocations: half the time goes into them otherwise, and a crash can be run again.
export ASAN_OPTIONS=malloc_context_size=0:quarantine_size_mb=8
[ -s "$record" ] || printf 'date\ttarget\texecutions\tmax_len\tseconds\tcommit\n' >"$record"

for name in "$@"; do
  program=$folder/fuzz_$name
  [ -x "$program" ] || { echo "error: there is no $program; build the target fuzzers first" >&2; exit 2; }
  corpus=$folder/corpus/fuzz_$name
  mkdir -p "$corpus"
  seeds=()
  [ -d "$root/tests/fuzz/corpus/fuzz_$name" ] && seeds=("$root/tests/fuzz/corpus/fuzz_$name")
  for ((done = 0; done < runs; done += piece)); do
    log=$folder/fuzz_$name.long.log
    if ! "$program" -runs=$piece -max_len="$length" -entropic=0 -timeout=20 -rss_limit_mb=2048 \
        -artifact_prefix="$folder/fuzz_$name." "$corpus" "${seeds[@]}" >"$log" 2>&1; then
      tail -n 60 "$log" >&2
      echo "error: fuzz_$name found a crash; its input is named above, the whole log is $log" >&2
      exit 1
    fi
    read -r executions seconds < <(sed -nE 's/^Done ([0-9]+) runs in ([0-9]+) second.*/\1 \2/p' "$log")
    printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$(date -u +%F)" "$name" "$executions" "$length" "$seconds" \
      "$(git -C "$root" rev-parse --short HEAD)" >>"$record"
  done
  awk -v n="$name" -F'\t' '$2 == n { sum += $3 } END { printf "fuzz: %s %d executions in all, no crash\n", n, sum }' "$record"
done
