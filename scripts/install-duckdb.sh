#!/bin/sh
# Installs DuckDB's shell, of the version that is in this package as a library, in the user's cache, where Python's pip is there, and prints its path;
# `tributary bench lake --only models` runs the same SQL in it, and leaves it out without.
set -eu

root=$(dirname "$0")/..
version=$(sed -n 's/.*"@duckdb\/node-api": "[^0-9]*\([0-9.]*[0-9]\).*/\1/p' "$root/package.json")
dir="${XDG_CACHE_HOME:-$HOME/.cache}/tributary/duckdb-$version"
shell="$dir/duckdb_cli/duckdb"
if [ -x "$shell" ]; then
  echo "$shell"
  exit 0
fi
if ! python3 -m pip --version >/dev/null 2>&1; then
  echo "there is no Python with pip to install DuckDB's shell" >&2
  exit 0
fi
mkdir -p "$(dirname "$dir")"
aside="$dir.$$"
trap 'rm -rf "$aside"' EXIT
if ! { python3 -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --target "$aside" "duckdb-cli==$version" &&
  chmod +x "$aside/duckdb_cli/duckdb" && "$aside/duckdb_cli/duckdb" --version; } >"$dir.log" 2>&1; then
  echo "pip could not install DuckDB's shell $version ($dir.log says why)" >&2
  exit 0
fi
mv -T "$aside" "$dir" 2>/dev/null || [ -x "$shell" ] # another one may have been quicker
echo "$shell"
