#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs the Debian packages that the build and the tests need, where any is missing; says first which. Never removes one.
#   deps.sh [--quiet] [EXTRA PACKAGE...]   --quiet: no line when there is nothing to do
set -eu
packages='gcc libc6-dev make pkgconf ocl-icd-opencl-dev opencl-headers pocl-opencl-icd libclblast-dev libpng-dev zlib1g-dev
    libinih-dev libjansson-dev libpcre2-dev libutf8proc-dev libxxhash-dev nettle-dev libcmocka-dev clinfo'
quiet=
[ "${1:-}" != --quiet ] || { quiet=1; shift; }

if ! command -v dpkg-query > /dev/null; then
    [ "$quiet" ] || echo "deps: not a Debian system; install what these packages hold:" $packages "$@"
    exit 0
fi

installed=$(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' $packages "$@" 2> /dev/null | sed -n 's/^ii //p') || true
missing=
for p in $packages "$@"; do
    printf '%s\n' "$installed" | grep -qx "$p" || missing="$missing $p"
done
if [ -z "$missing" ]; then
    [ "$quiet" ] || echo 'deps: every package is installed'
    exit 0
fi

echo "deps: installing$missing"
sudo=
if [ "$(id -u)" != 0 ]; then
    command -v sudo > /dev/null || { echo "deps: no sudo here; as root, run: apt-get install$missing" >&2; exit 1; }
    sudo='sudo'
fi
$sudo apt-get -qq update
$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-remove --no-install-recommends install $missing
