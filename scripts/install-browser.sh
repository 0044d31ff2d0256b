#!/bin/sh
# Installs Chromium from Debian's packages where no browser is there yet; test/browser/ runs the pages in it, and is skipped without one.
set -eu

if [ -n "${TRIBUTARY_TEST_CHROMIUM:-}" ]; then
  echo "the tests use $TRIBUTARY_TEST_CHROMIUM"
  exit 0
fi
for name in chromium chromium-browser google-chrome-stable google-chrome; do # as test/support/browser.ts looks for it
  if command -v "$name"; then exit 0; fi
done
if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
  echo 'no browser is installed, and only root can install one, with apt-get: the tests of pages are skipped' >&2
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends chromium >/dev/null
command -v chromium
