#!/bin/sh
# SPDX-License-Identifier: MIT
# How much of the shipped values' speed does sdcl tune find again from bad ones? For each INI file: tune the pocket model from it, then time pictures with the
# file that tune wrote and with the shipped values, in turn, each in a process of its own; medians.
#   bench/tune_from_bad.sh [FILE.ini ...]        (from the repository root; default: three bad starts that it makes)
#   SDCL_PROGRAM=build/sdcl  BUDGET=2m  ROUNDS=7  ALONE='command that runs a timing undisturbed'
# Exit code 1 where a ratio is below 0.95.
set -u
sdcl=${SDCL_PROGRAM:-build/sdcl} budget=${BUDGET:-2m} rounds=${ROUNDS:-7}
work=$(mktemp -d "${TMPDIR:-/tmp}/sdcl-bad-XXXXXX") || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 2' INT TERM
export XDG_DATA_HOME="$work/data" # no tuned file of this user

if [ $# = 0 ]; then
    cat > "$work/tiny-tiles.ini" << 'END'
[gemm_cpu]
MR = 4
NV = 1
RB = 24
PB = 1
KC = 64
[conv3x3_cpu]
MR = 4
NV = 1
RB = 24
PB = 1
KC = 64
[attention_cpu]
NQ = 1
RR = 4
GQ = 1
KB = 24
[groupnorm_partial]
WG = 256
ROWS = 16
VW = 8
NV = 1
[norm_apply]
WG = 256
ROWS = 1
VW = 8
[layernorm]
WG = 256
ROWS = 1
VW = 8
END
    printf '[gemm]\nimpl = gpu\n[conv3x3]\nimpl = gpu\n[attention]\nimpl = sliced\n' > "$work/gpu-kernels.ini"
    printf '[gemm]\nimpl = clblast\n[conv3x3]\nimpl = winograd\n[attention]\nimpl = flash_gpu\n[layernorm]\nWG = 256\n' \
        > "$work/wrong-choices.ini"
    set -- "$work/tiny-tiles.ini" "$work/gpu-kernels.ini" "$work/wrong-choices.ini"
fi

# Seconds of a picture of 20 steps: FILE or "" for the shipped values.
picture() {
    ${ALONE:-} "$sdcl" bench model -m models/pocket --steps 20 ${1:+--config "$1"} --json |
        sed 's/.*"text_s":\([0-9.e-]*\),"unet_step_s":\([0-9.e-]*\),"vae_decode_s":\([0-9.e-]*\),.*/\1 \2 \3/' |
        awk '{ print $1 + 20 * $2 + $3 }'
}
median() { sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

bad=0
for start; do
    name=$(basename "$start" .ini)
    "$sdcl" tune --shapes pocket --config "$start" --budget "$budget" --json "$work/$name.jsonl" -o "$work/$name.tuned" \
        > "$work/out" 2> "$work/err" || { cat "$work/err"; exit 2; }
    [ -e "$work/$name.tuned" ] || { sed "s/^/$name: /" "$work/out"; bad=1; continue; }
    picture "$work/$name.tuned" > "$work/first"   # programs are compiled
    picture "" > "$work/first"
    : > "$work/a"
    : > "$work/b"
    i=0
    while [ $((i += 1)) -le "$rounds" ]; do
        picture "$work/$name.tuned" >> "$work/a"
        picture "" >> "$work/b"
    done
    tuned=$(median < "$work/a") shipped=$(median < "$work/b")
    echo "$name: $(sed -n 's/^seconds a picture: //p' "$work/out"); then $tuned s tuned, $shipped s shipped: speed" \
        "$(awk "BEGIN { r = $shipped / $tuned; printf \"%.3f of the shipped values'%s\", r, r < 0.95 ? \" TOO LOW\" : \"\" }")"
    awk "BEGIN { exit $shipped / $tuned < 0.95 }" || bad=1
done
exit $bad
