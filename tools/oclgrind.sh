#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the op harness at its smallest shapes in oclgrind: data races, uninitialised values, accesses out of bounds.
#   B=build oclgrind.sh HARNESS [ARGUMENT...]      What it finds is in its log: it exits with 0 all the same.
set -u
B=${B:-build}
log=$B/oclgrind.log out=$B/oclgrind.out
command -v oclgrind > /dev/null || { echo 'oclgrind is not installed'; exit 1; }
rm -f "$log"
harness=$1
shift
oclgrind --data-races --uninitialized --log "$log" "$harness" --minimal "$@" > "$out" 2>&1
status=$?
grep -v '^ok ' "$out"
if [ -s "$log" ]; then
    head -n 60 "$log"
    echo "oclgrind: $(grep -cE '^(Invalid|Read-write|Write-write|Uninitialized|Work-group)' "$log") findings, all of them in $log"
    exit 1
fi
[ $status = 0 ]
