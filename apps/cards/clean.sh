#!/usr/bin/env bash
# Removes what a run of rerun.sh left: the producers' files and all that came of them. Both are in this directory, from wherever it is called.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

if [[ -d .tributary ]] && ../../bin/tributary.js status --json --data-dir .tributary 2>/dev/null | grep -q '"isRunning": *true'; then
  echo "error: a run is under way in $PWD: end it first" >&2
  exit 1
fi
rm -rf data .tributary
