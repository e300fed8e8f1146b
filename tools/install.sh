#!/bin/sh
# Installs Debian packages that are missing: PACKAGE:COMMAND, where COMMAND (may
# be empty: ask dpkg) tells whether the package is there. Without root or apt it
# says what is missing and goes on: what needs it then skips by name.
set -u
missing=
for want in "$@"; do
  pkg=${want%%:*} cmd=${want#*:}
  if [ -n "$cmd" ]; then command -v "$cmd" >/dev/null 2>&1 && continue
  else dpkg -s "$pkg" >/dev/null 2>&1 && continue; fi
  missing="$missing $pkg"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "MISSING:$missing (not root or no apt: the tests that need them will skip)" >&2
  exit 0
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
{ apt-get update -qq && apt-get install -qq -y --no-install-recommends $missing; } >/tmp/lbd-apt.log 2>&1 ||
  { echo "MISSING:$missing (apt failed, see /tmp/lbd-apt.log: the tests that need them will skip)" >&2; exit 0; }
