#!/bin/sh
# SPDX-License-Identifier: MIT
# `sdcl bench model` and a peer in turn, in one run: a line per pair, then medians and their ratios (below 1: sdcl is faster, or smaller).
#   [PYTHON=venv/bin/python] [SDCL='--precision f32 ...'] [RUN=COMMAND] bench/peers/run.sh [-n PAIRS] diffusers|openvino|sdcpp [OPTIONS OF THE PEER]
# SDCL: options for sdcl alone. RUN: put before each program. --width, --height, --batch and --steps go to both.
set -eu
pairs=3
if [ "${1:-}" = -n ]; then
    pairs=$2
    shift 2
fi
peer=${1:?diffusers, openvino or sdcpp}
shift
here=$(dirname "$0") B=${B:-build} PYTHON=${PYTHON:-python3} both=
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
for word; do
    case ${before:-} in --width | --height | --batch | --steps) both="$both $before $word" ;; esac
    before=$word
done
keys='text_s unet_step_s vae_decode_s peak_rss_bytes'
values() { # of a line of JSON, in the order of keys
    for key in $keys; do sed -n "s/.*\"$key\": *\([0-9.e+-]*\).*/\1/p" "$1"; done | tr '\n' ' '
}
for i in $(seq "$pairs"); do
    ${RUN:-} "$B/sdcl" bench model --json -q $both ${SDCL:-} > "$out/sdcl.json"
    ${RUN:-} "$PYTHON" "$here/${peer}_bench.py" "$@" > "$out/peer.json" 2> "$out/log" || { cat "$out/log" >&2; exit 1; }
    values "$out/sdcl.json" >> "$out/pairs"
    values "$out/peer.json" >> "$out/pairs"
    echo >> "$out/pairs"
    tail -n 1 "$out/pairs" | awk -v i="$i" -v peer="$peer" '{
        printf "pair %d: sdcl text %.3f s, step %.3f s, decode %.3f s, %.0f MB; %s %.3f s, %.3f s, %.3f s, %.0f MB\n", i, $1, $2, $3, $4 / 1e6, peer, $5, $6, $7, $8 / 1e6 }'
done
median() { cut -d' ' -f"$1" "$out/pairs" | sort -g | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
printf 'medians of %d pairs: %s\n%-16s %14s %14s %8s\n' "$pairs" "$(cat "$out/peer.json")" '' sdcl "$peer" ratio
column=0
for key in $keys; do
    column=$((column + 1))
    echo "$key $(median $column) $(median $((column + 4)))" | awk '{ printf "%-16s %14.10g %14.10g %8.3f\n", $1, $2, $3, $2 / $3 }'
done
