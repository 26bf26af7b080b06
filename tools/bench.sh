#!/bin/sh
# SPDX-License-Identifier: MIT
# The model at its size, then every op at its shapes, on the terminal and in bench/results/DATE-COMMIT.txt.
#   B=build bench.sh [OPTIONS OF sdcl bench]
set -eu
B=${B:-build}
commit=$(git rev-parse --short HEAD 2> /dev/null || echo unknown)
[ -z "$(git status --porcelain -- cl configs host include 2> /dev/null)" ] || commit=$commit-modified
mkdir -p bench/results
out=bench/results/$(date -u +%Y%m%d)-$commit.txt
: > "$out.new"
trap 'rm -f "$out.new"' EXIT
say() { tee -a "$out.new"; }
{
    echo "date    $(date -u +%Y-%m-%dT%H:%MZ)"
    echo "commit  $commit"
    echo "options $*"
    echo "load    $(cut -d' ' -f1-3 /proc/loadavg 2> /dev/null || echo unknown) before"
    "$B/sdcl" devices
    echo
} | say
for what in model ops; do
    echo "sdcl bench $what $*" | say
    "$B/sdcl" bench $what -q "$@" > "$out.one" || { cat "$out.one"; rm -f "$out.one"; exit 1; }
    say < "$out.one"
    rm -f "$out.one"
    echo | say
done
mv "$out.new" "$out"
echo "$out is written"
