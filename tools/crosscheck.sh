#!/bin/sh
# SPDX-License-Identifier: MIT
# Every kernel through the compilers of GPUs that need not be there, as far as those are installed: clang-15 with libclc-15 for AMD (one
# line with registers, occupancy and spills) and NVIDIA (code generation only), ocloc for Intel. Fails where one does not compile.
#   B=build crosscheck.sh [KERNEL...]
set -u
export B="${B:-build}"
clc=/usr/lib/clc log=$B/crosscheck.log
AMD=${AMD:-gfx900 gfx1030 gfx1100}
NVIDIA=${NVIDIA:-sm_75}
INTEL=${INTEL:-skl dg2}
clang=$(command -v clang-15) || clang=
ocloc=$(command -v ocloc) || ocloc=
passed=0 failed=0

compile() { # target, kernel, command...
    label="$1 $2"
    shift 2
    if "$@" > "$log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "$label: does not compile"
        grep -m 10 'error' "$log"
    fi
}

[ $# != 0 ] || set -- $(ls cl/*.cl | sed 's|cl/\(.*\)\.cl|\1|' | grep -v '_cpu$')
for kernel; do
    for type in F32 F16; do
        options="-cl-std=CL1.2 -Icl $(tools/kernel_options.sh "$kernel" $type configs/gpu.ini)"
        front="-x cl -Xclang -finclude-default-header -O3 -nogpulib -Wno-linker-warnings -Wno-unused-command-line-argument"
        link='-Xclang -mlink-builtin-bitcode -Xclang'
        if [ "$clang" ] && [ -e "$clc/amdgcn--amdhsa.bc" ]; then
            for gpu in $AMD; do
                compile "$gpu" "$kernel $type" "$clang" $front --target=amdgcn-amd-amdhsa -mcpu="$gpu" $link "$clc/amdgcn--amdhsa.bc" \
                    -Rpass-analysis=kernel-resource-usage $options -c -o "$log.o" "cl/$kernel.cl"
                awk -v name="$gpu $kernel $type" '
                    / VGPRs: / { vgprs = $(NF - 1) } /ScratchSize/ { scratch = $(NF - 1) } /Occupancy/ { waves = $(NF - 1) }
                    /LDS Size/ { lds = $(NF - 1) }
                    END { printf "%-36s %3d registers, %2d waves, %5d bytes local, %d bytes scratch\n", name, vgprs, waves, lds, scratch }
                ' "$log"
            done
        fi
        if [ "$clang" ] && [ -e "$clc/nvptx64--nvidiacl.bc" ]; then
            for gpu in $NVIDIA; do
                compile "$gpu" "$kernel $type" "$clang" $front --target=nvptx64-nvidia-cuda -Xclang -target-cpu -Xclang "$gpu" \
                    $link "$clc/nvptx64--nvidiacl.bc" $options -S -o "$log.ptx" "cl/$kernel.cl"
            done
        fi
        if [ "$ocloc" ]; then
            for gpu in $INTEL; do
                compile "$gpu" "$kernel $type" "$ocloc" compile -q -file "cl/$kernel.cl" -device "$gpu" -options "$options" -output "$log.intel"
            done
        fi
    done
done
rm -f "$log.o" "$log.ptx" "$log.intel"*
echo "$passed compiled, $failed did not"
[ $failed = 0 ] && [ $passed != 0 ]
