#!/bin/bash
# Builds hone against a libtorch 2.x beside the system's, and runs the tests that touch it.
#   tools/check_torch2.sh FOLDER [TEST…]
# FOLDER: a Python environment with torch installed, the torch package itself, or an unpacked libtorch. A libtorch with
# CUDA needs the CUDA toolkit (nvcc and headers) to configure; the tests need no GPU. TEST: names of ctest (default:
# all of the folders that use libtorch). BUILD: build folder (default build-torch2); JOBS: parallel compilations.
set -euo pipefail
if [ $# -lt 1 ]; then
  sed -n '2,6s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
folder=$1
shift
root=$(cd "$(dirname "$0")/.." && pwd)
build=${BUILD:-$root/build-torch2}
tests=("$@")
if [ ${#tests[@]} -eq 0 ]; then
  tests=(tensor objectives optim nn nn_reference models models_reference generate rewards train evaluate recipes)
fi

config=$(find -L "$folder" -name TorchConfig.cmake -path '*/share/cmake/Torch/*' -print -quit)
if [ -z "$config" ]; then
  echo "error: no share/cmake/Torch/TorchConfig.cmake under $folder; give a folder that holds a libtorch" >&2
  exit 2
fi
cmake -S "$root" -B "$build" -G Ninja -DTorch_DIR="$(dirname "$config")"
targets=()
for name in "${tests[@]}"; do targets+=("${name%_reference}_test"); done
ninja -C "$build" ${JOBS:+-j"$JOBS"} hone hone-engine $(printf '%s\n' "${targets[@]}" | sort -u)
ldd "$build/hone-engine" | grep -E "libtorch(_cuda)?\.so"
ctest --test-dir "$build" --output-on-failure -R "^($(IFS='|'; echo "${tests[*]}"))\$"
