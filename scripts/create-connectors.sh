#!/bin/sh
# Makes the connectors of connectors/*.json on a Kafka Connect worker, and says how those that are there differ and whether they
# run. A file holds the configuration, and is named as its connector. Needs curl. Run twice, it changes nothing the second time.
set -eu

usage() {
  cat <<'END'
usage: scripts/create-connectors.sh [--url URL] [--apply] [FILE...]

Makes the connectors that are missing, by Kafka Connect's REST API. One that is there with another
configuration is left as it is and told, unless --apply says otherwise.

  --url URL   of a worker (default: CONNECT_URL, else http://localhost:8083); give one
              with a password in CONNECT_URL, where ps does not show it
  --apply     changes connectors that differ, too
  FILE...     <connector>.json, each an object of settings (default: connectors/*.json)

Exit codes: 0 all are there and run, 1 one differs, failed or was refused, 2 wrong usage.
END
}

fail() {
  printf 'error: %s\n' "$1" >&2
  exit "${2:-1}"
}

url=${CONNECT_URL:-http://localhost:8083}
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
  set -- "$(dirname "$0")"/../connectors/*.json
  [ -e "$1" ] || fail 'there are no connectors/*.json'
fi
command -v curl >/dev/null || fail 'curl is missing'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# METHOD PATH [BODY-FILE]: the answer is in $work/answer, its status in $status. While the workers share out their work, they answer 409.
ask() {
  tries=0
  while :; do
    status=$(printf 'url = "%s%s"\n' "$url" "$2" |
      curl -K - -sS --max-time 90 -o "$work/answer" -w '%{http_code}' -X "$1" \
        -H 'Content-Type: application/json' ${3:+--data-binary} ${3:+"@$3"}) ||
      fail 'the Kafka Connect worker cannot be reached'
    tries=$((tries + 1))
    [ "$status" = 409 ] && [ "$tries" -lt 60 ] || break
    sleep 1
  done
}

# Settings of a flat JSON object, one a line, sorted; without the name, which the worker adds.
settings() {
  awk '
    { text = text $0 "\n" }
    END {
      for (i = 1; i <= length(text); i++) {
        c = substr(text, i, 1)
        if (quoted && c == "\\") token = token c substr(text, ++i, 1)
        else if (c == "\"") quoted = !quoted
        else if (quoted) token = token c
        else if (c == ":") { key = token; token = "" }
        else if (c == "," || c == "}") { if (key != "") print key "=" token; key = token = "" }
        else if (c !~ /[ \t\r\n{]/) token = token c
      }
    }' "$1" | grep -v '^name=' | sort
}

# Which settings differ between two lists of them. What may be a secret is not shown.
differences() {
  awk '
    { at = index($0, "="); key = substr($0, 1, at - 1); value = substr($0, at + 1); keys[key] = 1 }
    FILENAME == ARGV[1] { is[key] = value; next }
    { listed[key] = value }
    function shown(values) {
      if (!(key in values)) return "nothing"
      return tolower(key) ~ /password|secret|token|credential|jaas|[.]key$|access[.]key/ ? "***" : values[key]
    }
    END {
      for (key in keys)
        if (!(key in is) || !(key in listed) || is[key] "" != listed[key] "")
          print "  " key ": " shown(is) " there, " shown(listed) " in the file"
    }' "$1" "$2" | sort
}

message() {
  tr '\n' ' ' <"$work/answer" | cut -c 1-400
}

# The states of a connector and of its tasks, once it has tasks that are assigned.
states() {
  waited=0
  while :; do
    ask GET "/connectors/$1/status"
    found=$(tr ',{' '\n\n' <"$work/answer" | sed -n 's/.*"state" *: *"\([A-Z_]*\)".*/\1/p' | tr '\n' ' ')
    case $found in
      *UNASSIGNED* | *RESTARTING* | '') ;;
      *' '?*) break ;;
      FAILED*) break ;;
    esac
    waited=$((waited + 1))
    [ "$waited" -lt 30 ] || break
    sleep 1
  done
  printf '%s' "${found% }"
}

put() {
  ask PUT "/connectors/$1/config" "$2"
  case $status in
    200 | 201) return 0 ;;
  esac
  printf '%s: refused (%s): %s\n' "$1" "$status" "$(message)" >&2
  return 1
}

# Says what it is now; false where that is not as the file has it.
connector() {
  ask GET "/connectors/$1/config"
  case $status in
    404)
      put "$1" "$2" || return 1
      did=created
      ;;
    200)
      settings "$work/answer" >"$work/is"
      settings "$2" >"$work/listed"
      differences "$work/is" "$work/listed" >"$work/differs"
      if [ ! -s "$work/differs" ]; then
        did='is there'
      elif [ "$apply" = yes ]; then
        put "$1" "$2" || return 1
        did=changed
      else
        printf '%s: differs\n' "$1"
        cat "$work/differs"
        return 1
      fi
      ;;
    *)
      printf '%s: the worker answered %s: %s\n' "$1" "$status" "$(message)" >&2
      return 1
      ;;
  esac
  now=$(states "$1")
  printf '%s: %s, %s\n' "$1" "$did" "${now:-its state is not known}"
  case $now in
    '' | *FAILED* | *UNASSIGNED*) return 1 ;;
  esac
}

result=0
for file; do
  name=$(basename "$file" .json)
  [ -r "$file" ] || fail "$file cannot be read" 2
  case $name in
    '' | *[!A-Za-z0-9._-]*) fail "$file: a connector is named by letters, digits, dots, hyphens and underscores" 2 ;;
  esac
  connector "$name" "$file" || result=1
done
exit "$result"
