# SPDX-License-Identifier: MIT
# Sourced: where the compilers are, and whether they know a target.

clc=/usr/lib/clc
CLANG=${CLANG:-$(command -v clang-15)}
MCA=${MCA:-$(command -v llvm-mca-15)}
OCLOC=${OCLOC:-$(command -v ocloc)}
PTXAS=${PTXAS:-$(command -v ptxas || ls /usr/local/cuda/bin/ptxas 2> /dev/null)}
export CLANG MCA OCLOC PTXAS clc

# The names that a vendor's compiler knows.
names_of_AMD() { "$CLANG" --target=amdgcn-amd-amdhsa -nogpulib --print-supported-cpus 2>&1 | grep -o 'gfx[0-9a-f]*'; }
names_of_NVIDIA() { "$PTXAS" --help | grep -o "'sm_[0-9a-z]*'" | tr -d "'" | sort -u; }
names_of_Intel() { "$OCLOC" compile --help 2>&1 | sed -n 's/.*<device_type> can be: \(.*\), version.*/\1/p'; }

missing_for_AMD() {
    if [ -z "$CLANG" ]; then echo 'clang-15 is not installed'
    elif [ ! -e $clc/amdgcn--amdhsa.bc ]; then echo 'libclc-15-dev is not installed'
    elif ! echo '' | "$CLANG" -x cl --target=amdgcn-amd-amdhsa -mcpu="$1" -nogpulib -S -o /dev/null - 2> /dev/null; then
        echo "$CLANG does not know it, but" $(names_of_AMD)
    fi
}

missing_for_NVIDIA() {
    if [ -z "$CLANG" ]; then echo 'clang-15 is not installed'
    elif [ ! -e $clc/nvptx64--nvidiacl.bc ]; then echo 'libclc-15-dev is not installed'
    elif [ "$PTXAS" ] && ! "$PTXAS" --help | grep -q "'$1'"; then echo "$PTXAS does not know it, but" $(names_of_NVIDIA)
    fi
}

missing_for_Intel() {
    if [ -z "$OCLOC" ]; then
        echo 'ocloc is not installed (intel-opencl-icd)'
        return
    fi
    rm -rf "$work/probe"
    mkdir -p "$work/probe"
    echo '__kernel void probe(__global int *x) { *x = 1; }' > "$work/probe/probe.cl"
    if ! "$OCLOC" compile -q -file "$work/probe/probe.cl" -device "$1" -out_dir "$work/probe" -output probe > /dev/null 2>&1; then
        echo "$OCLOC does not know it, but" $(names_of_Intel)
    elif ! ls "$work/probe"/*.bin > /dev/null 2>&1; then
        echo "$OCLOC takes it for several devices: name one of them"
    fi
}

# The newest architecture of NVIDIA's that clang knows and that is no newer than $1: ptxas takes it from there.
nvidia_front_end() {
    "$CLANG" --target=nvptx64 --print-supported-cpus 2>&1 | tr -s '\t ' '\n\n' | sed -n 's/^sm_\([0-9]*\)$/\1/p' | sort -n |
        awk -v target="${1#sm_}" '{ if ($1 <= target + 0) best = $1 } END { print "sm_" best }'
}
