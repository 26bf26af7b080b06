#!/bin/sh
# SPDX-License-Identifier: MIT
# The number of the engine of cl/gemm_matrix_gpu.cl that a compiler's target has: "... NVIDIA sm_86". 0: none. Without a compiler's target, a layout in plain C.
case $* in
*sm_[1-6]? | *sm_7[0-4]) name=none ;;
*sm_75*) name=mma_k8 ;;
*sm_*) name=mma ;;
*gfx11*) name=wmma ;;
*gfx908* | *gfx90a* | *gfx94*) name=mfma ;;
*gfx*) name=none ;;
*'Intel dg2'* | *'Intel acm-'* | *'Intel ats-m'*) name=dpas8 ;;
*'Intel pvc'*) name=dpas16 ;;
*'Intel '[a-z]*) name=none ;;
*) name=plain_mma ;;
esac
sed -n "s/^#define ENGINE_\([A-Z0-9_]*\) \([0-9]*\).*/\1 \2/p" cl/gemm_matrix_gpu.cl | awk -v name="$name" 'tolower($1) == name { n = $2 } END { print n + 0 }'
