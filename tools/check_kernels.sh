#!/bin/sh
# SPDX-License-Identifier: MIT
# Every kernel is clean OpenCL C 1.2 for a front end that is no driver's, with both storage types, as shipped for CPUs and for GPUs;
# and uses every tunable that it declares.
set -u
export B="${B:-build}"
if ! command -v clang > /dev/null; then
    echo 'ok - kernels # SKIP clang is not installed'
    exit 0
fi
failed=0
# Compiles $file with options, into errors and failed. Functions of vendors' extensions are declared in clang's own header alone.
lint() {
    header=
    case $* in *-DEXCHANGE=*) header='-include opencl-c.h' ;; esac
    errors=$errors$(clang -x cl -cl-std=CL1.2 -Xclang -finclude-default-header $header --target=spir64 -fsyntax-only $warnings -Icl "$@" "$file" 2>&1) ||
        failed=1
}
warnings='-Wall -Wextra -Wpedantic -Werror -Wno-unused-parameter -Wno-unused-function'
for file in cl/*.cl; do
    kernel=$(basename "$file" .cl)
    errors=
    headers=$(sed -n 's/^#include "\(.*\)"/cl\/\1/p' "$file")
    text=$(cat "$file" $headers $(sed -n 's/^#include "\(.*\)"/cl\/\1/p' $headers /dev/null) cl/common.h)
    for device in cpu gpu; do
        for type in F32 F16; do
            options=$(tools/kernel_options.sh "$kernel" $type --for-device $device)
            lint $(echo "$options" | sed 's/-DREDUCE=1/-DREDUCE=0/')
            case $kernel,$options in *_matrix_cpu,*-DENGINE=0*) lint $(echo "$options" | sed 's/-DENGINE=0/-DENGINE=1/; s/-DMR=[0-9]*/-DMR=32/; s/-DNP=[0-9]*/-DNP=2/') ;; esac
            case $options in *-DREDUCE=*) lint $(echo "$options" | sed 's/-DWG=1 /-DWG=32 /; s/-DREDUCE=0/-DREDUCE=1/') $(tools/exchange.sh any 8) ;; esac
        done
    done
    for option in $options; do
        name=${option#-D}
        case $option in -DXT=* | -DWT=* | -DYT=* | -DPT=* | -DT=* | -DD=*) continue ;; esac
        echo "$text" | grep -qw "${name%%=*}" || errors="$errors
$file: declares ${name%%=*} and does not use it"
    done
    if [ "$errors" ]; then
        printf '%s\nnot ok - %s\n' "$errors" "$kernel"
        failed=1
    else
        echo "ok - $kernel"
    fi
done
exit $failed
