#!/bin/sh
# SPDX-License-Identifier: MIT
# The pocket picture (128x128, 20 steps of DPM++ 2M Karras, guidance): sdcl as a whole process, caches warm, against diffusers' pipeline call (model loaded,
# warmed up), in turn in one run. Prints one line per pair and the ratio of the medians.
#   PYTHON=venv/bin/python bench/peers/pocket.sh [PAIRS]
set -eu
pairs=${1:-5} B=${B:-build} PYTHON=${PYTHON:-python3}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
draw() { "$B/sdcl" -q -f -p 'a red apple on a blue background' --seed 1 --steps 20 --cfg-scale 5 -o "$out/a.png"; }
draw
for i in $(seq "$pairs"); do
    times=
    for _ in 1 2 3; do
        begin=$(date +%s%N)
        draw
        times="$times $(($(date +%s%N) - begin))"
    done
    mine=$(printf '%s\n' $times | sort -n | sed -n 2p)
    peer=$("$PYTHON" "$(dirname "$0")/pocket_diffusers.py" --runs 3 2> /dev/null | sed 's/.*"median_s": \([0-9.]*\).*/\1/')
    echo "$mine $peer" | awk '{ printf "%.3f %.3f\n", $1 * 1e-9, $2 }' | tee -a "$out/pairs" | sed "s/^/pair $i: sdcl and diffusers, seconds: /"
done
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
mine=$(cut -d' ' -f1 "$out/pairs" | median) peer=$(cut -d' ' -f2 "$out/pairs" | median)
echo "medians: sdcl $mine s, diffusers $peer s, ratio $(echo "$mine $peer" | awk '{ printf "%.2f", $1 / $2 }')"
