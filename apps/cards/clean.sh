#!/usr/bin/env bash
# Removes what a run of rerun.sh left: the producers' files and all that came of them. Both are in this directory, from wherever it is called.
# Not under a run: where the loader has been, and does not say that it is not running, nothing is removed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
unset DATABASE_URL KAFKA_BROKERS REDIS_URL S3_BUCKET S3_ENDPOINT SCHEMA_REGISTRY_URL TRIBUTARY_DATA_DIR TRIBUTARY_ENV # as rerun.sh

if [[ -e .tributary/server.json && -d .tributary/log ]]; then
  if ! said=$(../../bin/tributary.js status --json --data-dir .tributary); then
    echo "error: whether a run is under way in $PWD is not known: nothing was removed" >&2
    exit 1
  fi
  if [[ ! $said =~ \"isRunning\":\ *false ]]; then
    echo "error: a run is under way in $PWD: end it first" >&2
    exit 1
  fi
fi
rm -rf data .tributary
