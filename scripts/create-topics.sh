#!/bin/sh
# Makes the topics that topics/main-topics lists, and says which differ: `tributary topics apply` as teams with Kafka expect to find it.
set -eu

usage() {
  cat <<'END'
usage: scripts/create-topics.sh [--brokers HOST:PORT,...] [LIST]

Makes topics that are missing and adds partitions where more are listed; a topic that has more than
are listed is told, and left as it is. Takes nothing away. Run twice, it changes nothing the second time.

  --brokers   of the cluster (default: KAFKA_BROKERS); KAFKA_TLS, KAFKA_USERNAME and the like
              count as they do for tributary start
  LIST        name:partitions:replicas a line (default: topics/main-topics)

Exit codes: 0 all are as listed, 1 one differs or the cluster refused, 2 wrong usage.
END
}

fail() {
  printf 'error: %s\n' "$1" >&2
  exit "${2:-1}"
}

while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) usage && exit 0 ;;
    --brokers) [ $# -gt 1 ] || fail '--brokers needs host:port,...' 2 && KAFKA_BROKERS=$2 && shift 2 ;;
    --) shift && break ;;
    -*) fail "there is no option $1: see --help" 2 ;;
    *) break ;;
  esac
done
[ -n "${KAFKA_BROKERS:-}" ] || fail 'neither --brokers nor KAFKA_BROKERS says where the cluster is' 2
[ $# -le 1 ] || fail 'one list at a time' 2
export KAFKA_BROKERS
root=$(cd "$(dirname "$0")/.." && pwd)
# A data directory of its own: the one of a server that runs here is in use.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
node "$root/bin/tributary.js" topics apply --data-dir "$work" "${1:-$root/topics/main-topics}"
