#!/bin/sh
# SPDX-License-Identifier: MIT
# Every kernel, in the configuration that the shipped INI files give each target, through the compilers of GPUs that need not be there:
# clang and libclc for AMD and NVIDIA (then ptxas, where there is one), ocloc for Intel. Prints a Markdown table; fails on a compile error, a
# spill, scratch memory, or more local memory than the family has.
#   B=build [TARGETS='gfx906 sm_90'] [KERNELS='gemm_gpu'] [CONFIG=my.ini] [CLBLAST=] crosscheck.sh
# A target is a compiler's name: gfx* is AMD, sm_* NVIDIA, anything else Intel. Its configuration is that of `sdcl config --for-device
# "VENDOR TARGET"`, so a device file is chosen by the target's name as by a card's. Results are kept in $B/crosscheck by source, options and target.
set -u
export LC_ALL=C B="${B:-build}"
export CONFIG="${CONFIG:-}" CLBLAST="${CLBLAST-1}"
work=$B/crosscheck
export work
TARGETS=${TARGETS:-gfx900 gfx1030 gfx1100 gfx90a sm_75 sm_86 sm_89 skl tgllp dg2}
KERNELS=${KERNELS:-$(ls cl/*.cl | sed 's|cl/\(.*\)\.cl|\1|' | grep -v '_cpu$')}
mkdir -p "$work/rows" "$work/run"
rm -f "$work/run"/*
start=$(date +%s)

. tools/crosscheck/tools.sh

vendor_of() {
    case $1 in gfx*) echo AMD ;; sm_*) echo NVIDIA ;; *) echo Intel ;; esac
}

# Which targets can be compiled for here.
usable=
for target in $TARGETS; do
    why=$("missing_for_$(vendor_of "$target")" "$target")
    if [ "$why" ]; then echo "$target is left out: $why"; else usable="$usable $target"; fi
done
[ -z "$PTXAS" ] && case $usable in *sm_*) echo 'ptxas is not installed: NVIDIA code is generated, but registers and spills stay unknown' ;; esac

for kernel in $KERNELS; do
    [ -e "cl/$kernel.cl" ] || { echo "there is no cl/$kernel.cl" >&2; exit 2; }
done

# What is wrong with $CONFIG is an error here; values that exclude each other on a target are said, and compiled.
for target in $usable; do
    listing=$("$B/sdcl" config --for-device "$(vendor_of "$target") $target" ${CONFIG:+--config "$CONFIG"} 2> "$work/why")
    [ "$listing" ] || { cat "$work/why" >&2; exit 2; }
    echo "$listing" | sed -n "/^\[/h; /^; cannot run here/{ x; s/.*/$target: &/; G; s/\n; / /p; }"
done

# What the host compiles a kernel for beside its tunables: head sizes of Stable Diffusion v1; the epilogues of products that need most registers. And both ways
# of a reduction, whichever the configuration says.
variants_of() {
    case $1,$(tools/kernel_options.sh "$1" F32 --for-device gpu) in
        winograd_input_gpu,*) echo NORM=2 TILE=2,NORM=2 TILE=6,NORM=2 ;;
        winograd_*-DTILE=*) echo - TILE=2 TILE=6 ;;
        conv*-DNORM=*) echo - NORM=2 ;;
        *-DNORM=*) echo - NORM=1,GEGLU=1 ;;
        *-DREDUCE=*) if grep -qw D "cl/$1.cl"; then echo D=40 D=80 D=160 D=40,REDUCE=other; else echo - REDUCE=other; fi ;;
        *) if grep -qw D "cl/$1.cl"; then echo D=40 D=80 D=160; else echo -; fi ;;
    esac
}

# One job a line: vendor, target, kernel, storage type, variant. Kernels that multiply a lot come first, so that no long one is left for the end.
for kernel in $KERNELS; do
    for variant in $(variants_of "$kernel"); do
        for type in F32 F16; do
            for target in $usable; do
                [ "$kernel" = gemm_matrix_gpu ] && [ "$(tools/matrix_engine.sh "$(vendor_of "$target") $target")" = 0 ] && continue
                echo "$(vendor_of "$target") $target $kernel $type $variant"
            done
        done
    done
done > "$work/all-jobs"
[ -z "$CLBLAST" ] || for target in $usable; do echo "$(vendor_of "$target") $target clblast F32 -"; done >> "$work/all-jobs"
cat "$work/all-jobs" | sort -s -k 3,3 | awk '{ print ($3 ~ /gemm|conv|winograd|attention|clblast/ ? 0 : 1), $0 }' | sort -s -k 1,1 | cut -d ' ' -f 2- > "$work/jobs"

xargs -r -P "$(nproc)" -L 1 tools/crosscheck/one.sh < "$work/jobs"

cat "$work/run"/*.row 2> /dev/null | sort -u > "$work/rows.txt"
{
    echo '| kernel | config | target | registers | local | occupancy | spills |'
    echo '|---|---|---|---|---|---|---|'
    grep '^row' "$work/rows.txt" | cut -f 2 | sort -t '|' -k 2,2 -k 4,4 -k 3,3
    echo
    echo "Hottest loop: share of FMA or matrix instructions among its own; AMD also llvm-mca's cycles per FLOP of a work-item, by what can be issued and for one wave alone (0.5: one FMA a cycle)."
    echo
    echo '| kernel | config | target | FMA share | cycles per FLOP |'
    echo '|---|---|---|---|---|'
    grep '^hot' "$work/rows.txt" | cut -f 2 | sort -t '|' -k 4,4 -k 2,2 -k 3,3
} > "$work/table.md"
cat "$work/table.md"
echo
rows=$(grep -c '^row' "$work/rows.txt")
failed=$(grep -c '^bad' "$work/rows.txt")
grep '^note' "$work/rows.txt" | cut -f 2 | sort -u
grep '^bad' "$work/rows.txt" | cut -f 2 | sort -u
seconds=$(($(date +%s) - start))
echo "$rows kernels x configurations x targets in $seconds s, the table is in $work/table.md"
echo "$((rows > failed ? rows - failed : 0)) passed, $failed failed"
[ "$failed" = 0 ] && [ "$rows" != 0 ]
