#!/bin/sh
# Installs dbt with DuckDB in a virtual environment of the user's cache, where Python is there, and prints the path of its python;
# test/models/dbt.test.ts compares what it makes of projects with what we do, and is skipped without it.
set -eu

dir="${XDG_CACHE_HOME:-$HOME/.cache}/tributary/dbt-1.11"
if [ -x "$dir/bin/python" ]; then
  echo "$dir/bin/python"
  exit 0
fi
for name in python3.13 python3.12 python3.11 python3.10 python3; do
  if command -v "$name" >/dev/null && "$name" -c 'import sys, venv; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' 2>/dev/null; then
    found=$name
    break
  fi
done
if [ -z "${found:-}" ]; then
  echo 'there is no Python from 3.10 to 3.13 with venv: models are not compared with dbt' >&2
  exit 0
fi
mkdir -p "$(dirname "$dir")"
aside="$dir.$$"
trap 'rm -rf "$aside"' EXIT
if ! { "$found" -m venv "$aside" &&
  "$aside/bin/python" -m pip install --quiet --disable-pip-version-check 'dbt-core>=1.10.8,<1.12' 'dbt-duckdb>=1.9.4'; } >"$dir.log" 2>&1; then
  echo "pip could not install dbt: models are not compared with it ($dir.log says why)" >&2
  exit 0
fi
mv -T "$aside" "$dir" 2>/dev/null || [ -x "$dir/bin/python" ] # another one may have been quicker
echo "$dir/bin/python"
