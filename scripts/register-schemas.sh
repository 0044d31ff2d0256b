#!/bin/sh
# Registers schemas/*, each file under the subject that it is named for, with a Confluent-compatible schema registry, and says which
# differ from what is registered. Needs curl. Run twice, it changes nothing the second time.
set -eu

usage() {
  cat <<'END'
usage: scripts/register-schemas.sh [--url URL] [--apply] [FILE...]

Registers the schemas of subjects that are missing. Where a subject has other schemas, that is
told, and nothing is registered, unless --apply says otherwise: then it becomes a new version,
where the registry finds it compatible (tributary schemas check says what is not).

  --url URL   of the registry (default: SCHEMA_REGISTRY_URL, else http://localhost:8081); give
              one with a password in SCHEMA_REGISTRY_URL, where ps does not show it
  --apply     registers new versions, too
  FILE...     <subject>.avsc, <subject>.schema.json or <subject>.proto (default: those of schemas/)

Exit codes: 0 all are registered, 1 one differs or was refused, 2 wrong usage.
END
}

fail() {
  printf 'error: %s\n' "$1" >&2
  exit "${2:-1}"
}

url=${SCHEMA_REGISTRY_URL:-http://localhost:8081}
apply=no
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) usage && exit 0 ;;
    --url) [ $# -gt 1 ] || fail '--url needs a URL' 2 && url=$2 && shift 2 ;;
    --apply) apply=yes && shift ;;
    --) shift && break ;;
    -*) fail "there is no option $1: see --help" 2 ;;
    *) break ;;
  esac
done
case $url in
  *[\"\\]* | *' '*) fail 'the URL has a quote, a backslash or a space' 2 ;;
  http://* | https://*) url=${url%/} ;;
  *) fail 'the URL begins neither with http:// nor with https://' 2 ;;
esac
if [ $# -eq 0 ]; then
  for file in "$(dirname "$0")"/../schemas/*; do
    case $file in
      *.avsc | *.schema.json | *.proto) set -- "$@" "$file" ;;
    esac
  done
  [ $# -gt 0 ] || fail 'there are no schemas in schemas/'
fi
command -v curl >/dev/null || fail 'curl is missing'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# METHOD PATH [BODY-FILE]: the answer is in $work/answer, its status in $status.
ask() {
  status=$(printf 'url = "%s%s"\n' "$url" "$2" |
    curl -K - -sS --max-time 60 -o "$work/answer" -w '%{http_code}' -X "$1" \
      -H 'Content-Type: application/vnd.schemaregistry.v1+json' ${3:+--data-binary} ${3:+"@$3"}) ||
    fail 'the schema registry cannot be reached'
}

# TYPE FILE: the request that holds the schema as a JSON string.
request() {
  printf '{"schemaType":"%s","schema":"' "$1"
  sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e "s/$(printf '\t')/\\\\t/g" -e "s/$(printf '\r')/\\\\r/g" "$2" | awk '{ printf "%s\\n", $0 }'
  printf '"}'
}

message() {
  tr '\n' ' ' <"$work/answer" | cut -c 1-400
}

number() {
  tr ',{}' '\n\n\n' <"$work/answer" | sed -n "s/.*\"$1\" *: *\([0-9]*\).*/\1/p" | head -n 1
}

# SUBJECT: false where the registry does not take what is in $work/request.
register() {
  ask POST "/subjects/$1/versions" "$work/request"
  [ "$status" = 200 ] && return 0
  printf '%s: refused (%s): %s\n' "$1" "$status" "$(message)" >&2
  return 1
}

# SUBJECT: says what it is now; false where that is not as the file has it.
schema() {
  ask POST "/subjects/$1" "$work/request"
  case $status in
    200)
      printf '%s: is there, version %s\n' "$1" "$(number version)"
      return 0
      ;;
    404) ;;
    *)
      printf '%s: the registry answered %s: %s\n' "$1" "$status" "$(message)" >&2
      return 1
      ;;
  esac
  ask GET "/subjects/$1/versions/latest"
  case $status in
    404)
      register "$1" || return 1
      printf '%s: registered, id %s\n' "$1" "$(number id)"
      ;;
    200)
      latest=$(number version)
      if [ "$apply" = no ]; then
        printf '%s: differs from version %s and those before\n' "$1" "$latest"
        return 1
      fi
      register "$1" || return 1
      printf '%s: registered as a new version after %s, id %s\n' "$1" "$latest" "$(number id)"
      ;;
    *)
      printf '%s: the registry answered %s: %s\n' "$1" "$status" "$(message)" >&2
      return 1
      ;;
  esac
}

result=0
for file; do
  case $file in
    *.avsc) type=AVRO ending=.avsc ;;
    *.schema.json) type=JSON ending=.schema.json ;;
    *.proto) type=PROTOBUF ending=.proto ;;
    *) fail "$file ends neither in .avsc nor .schema.json nor .proto" 2 ;;
  esac
  subject=$(basename "$file" "$ending")
  [ -r "$file" ] || fail "$file cannot be read" 2
  case $subject in
    '' | *[!A-Za-z0-9._-]*) fail "$file: a subject is named by letters, digits, dots, hyphens and underscores" 2 ;;
  esac
  request "$type" "$file" >"$work/request"
  schema "$subject" || result=1
done
exit "$result"
