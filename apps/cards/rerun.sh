#!/usr/bin/env bash
# The demo: cleans up, then runs the two producers and what loads their files, until Ctrl-C; when one of them dies, all end. Whatever it
# writes is in this directory, from wherever it is called, so that clean.sh knows what to remove. It runs on what is embedded: servers that
# the environment names could not be cleaned, and are passed over.
#
#   ./rerun.sh [--seed S] [--speed N]     serves at PORT, or 8000; seed and speed are the producers'
set -euo pipefail
if [[ ${1-} == --help ]]; then
  echo 'usage: ./rerun.sh [--seed S] [--speed N]     until Ctrl-C; serves at PORT, or 8000'
  exit
fi
cd "$(dirname "${BASH_SOURCE[0]}")"
root=$(cd ../.. && pwd)
unset DATABASE_URL KAFKA_BROKERS REDIS_URL S3_BUCKET S3_ENDPOINT SCHEMA_REGISTRY_URL TRIBUTARY_DATA_DIR TRIBUTARY_ENV

[[ -d $root/node_modules ]] || (cd "$root" && npm ci)
./clean.sh

# shellcheck disable=SC2317 # it is reached by the trap
end() {
  trap '' INT TERM HUP
  for job in $(jobs -pr); do kill "$job" 2>/dev/null || true; done
  wait 2>/dev/null # until the loader has landed what it has in hand
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

alive() { kill -0 "$1" 2>/dev/null; }

set -m # Ctrl-C is for this script alone: a second signal would end the loader at once
"$root/bin/tributary.js" start --only cards --data-dir .tributary &
loader=$!
"$root/node_modules/.bin/node" producers/produce.ts users "$@" &
users=$!
"$root/node_modules/.bin/node" producers/produce.ts cards "$@" &
cards=$!

while alive "$loader" && alive "$cards"; do
  if [[ $users ]] && ! alive "$users"; then
    wait "$users" || break
    users= # all are written
  fi
  sleep 1 &
  wait $!
done
echo "error: a producer or the loader has ended, so all end" >&2
exit 1
