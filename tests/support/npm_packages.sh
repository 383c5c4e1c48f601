#!/bin/bash
# npm_packages.sh NAME PACKAGE@VERSION...: installs them from the npm registry into build/npm/NAME (not
# again when they are there) and prints that folder. Exit code 77, which ctest counts as skipped, when
# there is no node of version 18 or newer, no npm, or no registry.
#   STRATA_NPM=DIR   instead of build/npm
set -euo pipefail
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY
skip() {
  echo "SKIPPED: $*" >&2
  exit 77
}

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=${STRATA_NPM:-$top/build/npm}/$1
shift
command -v node >/dev/null && command -v npm >/dev/null || skip "node or npm is not installed"
major=$(node -p 'process.versions.node.split(".")[0]')
((major >= 18)) || skip "node $major is too old: 18 is needed"

mkdir -p "$folder"
exec 9>"$folder/lock"
flock 9
if [[ $(cat "$folder/installed" 2>/dev/null) != "$*" ]]; then
  rm -rf "$folder/node_modules" "$folder/package.json" "$folder/package-lock.json"
  echo '{"private": true}' >"$folder/package.json"
  npm install --prefix "$folder" --save-exact --ignore-scripts --no-audit --no-fund --loglevel error "$@" \
    >"$folder/npm.log" 2>&1 || skip "npm install $*: $(tail -n 3 "$folder/npm.log")"
  echo "$*" >"$folder/installed"
fi
echo "$folder"
