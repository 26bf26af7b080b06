#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the op harness at its smallest shapes in oclgrind: data races, accesses out of bounds, uninitialised values.
#   B=build oclgrind.sh HARNESS
# What oclgrind finds is in its log: it exits with 0 all the same. Its model of uninitialised values (21.10)
# - forgets, of a buffer that the host or a copy fills in pieces, all but the last one, and all of it where its address is used again: one case a process;
# - takes halves of a vector of 16 for uninitialised where a row is summed up (vectors of 8 there) and where 16 by 16 values are transposed by shuffles, even
#   where all of them are the same constant (PLAIN_TRANSPOSE);
# - does not know `freeze`, which the optimizer inserts: unoptimized code.
# It lacks the intrinsic that inlining a function with restrict pointers leaves behind, too: restrict is defined away.
# Left out of that search are clblast, whose kernels are not sdcl's, and matrix, which is tried out at a size that takes the simulator minutes; matrix_gpu is
# searched in plain C at one ragged shape, half a minute.
set -u
harness=$1
B=${B:-build}
case $B in /*) ;; *) B=$(pwd)/$B ;; esac
work=$B/oclgrind
command -v oclgrind > /dev/null || { echo 'oclgrind is not installed'; exit 1; }
rm -rf "$work"
mkdir -p "$work"
unset SDCL_CL_DIR

# simulate NAME OPTION ARGUMENT...: a line, and the log where there is something in it
cat > "$work/simulate" << 'END'
#!/bin/sh
name=$1 option=$2
shift 2
work=$(dirname "$0") log=$(dirname "$0")/$name.log build=-Drestrict=
[ "$option" = --data-races ] || build="$build -DPLAIN_TRANSPOSE -cl-opt-disable"
export XDG_CACHE_HOME="$work/cache$option"
oclgrind "$option" --build-options "$build" --log "$log" "$@" > "$work/$name.out" 2>&1
status=$?
if [ $status = 0 ] && [ ! -s "$log" ] && grep -q '^[1-9][0-9]* passed, 0 failed$' "$work/$name.out"; then
    echo "ok - oclgrind $name"
else
    grep -v '^ok ' "$work/$name.out"
    head -n 30 "$log" 2> /dev/null
    echo "not ok - oclgrind $name"
fi
END
chmod +x "$work/simulate"

{
    echo "races --data-races $harness --minimal"
    reductions=
    for kernel in groupnorm_partial groupnorm_finish norm_apply layernorm softmax_rows; do reductions="$reductions --set $kernel.WG=16"; done
    echo "races-in-groups --data-races $harness --minimal $reductions"
    "$harness" --list | grep -v '(bench)' | awk '$2 < 4 { print $1, $2 }' | while read -r op shape; do
        case $op in
        gemm) impls='cpu gpu matrix_gpu' ;;
        conv3x3) impls='cpu gpu winograd winograd_gpu' ;;
        attention) impls='flash_cpu flash_gpu sliced' ;;
        *) impls=any ;;
        esac
        for impl in $impls; do
            types='f32 f16' forced=" --impl $impl"
            case $impl in
            any) forced= ;;
            winograd_gpu) forced="$forced --set $impl.BM=16 --set $impl.BN=16" ;; # a tile a point: minutes at 64 x 64
            matrix_gpu) types=f16 forced="$forced --set gemm_matrix_gpu.ENGINE=plain_mma" ;;
            esac
            case $impl-$shape in matrix_gpu-[013]) continue ;; esac
            for type in $types; do
                echo "$op-$impl-$type-$shape --uninitialized $harness --minimal --set layernorm.VW=8 --set softmax_rows.VW=8 --op $op --shape $shape --dtype $type$forced"
            done
        done
    done
} | xargs -P "$(nproc)" -L 1 "$work/simulate" > "$work/results"
grep -v '^ok ' "$work/results"
failed=$(grep -c '^not ok ' "$work/results")
echo "$(grep -c '^ok ' "$work/results") passed, $failed failed"
[ "$failed" = 0 ]
