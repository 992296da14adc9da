#!/bin/bash
# Installs the Debian 12 packages that hone is built with, if any is missing. Nothing else on the machine is touched.
set -euo pipefail

packages=(
  g++ cmake ninja-build pkg-config          # build
  libtorch-dev libopenblas-dev              # tensors and matrix products of hone-engine
  libhwy-dev                                # SIMD kernels
  libfmt-dev nlohmann-json3-dev libpcre2-dev
  libutf8proc-dev                           # Unicode for tokenizers
  libgtest-dev                              # make test
  clang libclang-rt-14-dev                  # make fuzz
  ccache                                    # a second build in seconds
)

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo "setup: every package is there"
  exit 0
fi
echo "setup: installing ${missing[*]}"

if ! command -v apt-get >/dev/null; then
  echo "error: this machine has no apt-get; hone's setup knows Debian 12" >&2
  echo "fix:   install the equivalents of: ${missing[*]}" >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "error: installing packages needs root, and sudo is not there" >&2
    echo "fix:   as root: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

install() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
}
# Package lists may be absent (a fresh container) or older than the archive (a package that has moved): fetch them
# when they don't know a package, and once more when a download fails.
if ! apt-cache show "${missing[@]}" >/dev/null 2>&1; then
  "${as_root[@]}" apt-get update
  install
else
  install || { "${as_root[@]}" apt-get update && install; }
fi
