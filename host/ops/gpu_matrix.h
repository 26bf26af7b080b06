/* SPDX-License-Identifier: MIT */
/* Which matrix instructions of a GPU a device multiplies f16 with. */
#ifndef SDCL_OPS_GPU_MATRIX_H
#define SDCL_OPS_GPU_MATRIX_H

#include "ops/launch.h"

/* cl/gemm_matrix_gpu.cl has the same numbers, and the words of [gemm_matrix_gpu] ENGINE this order. PLAIN: a vendor's layout without its instruction, for
 * devices that have none, and for tests. */
typedef enum gpu_engine {
    GPU_NONE,
    GPU_MMA,    /* NVIDIA, compute capability 8.0 and later: m16n8k16 */
    GPU_MMA_K8, /* NVIDIA, 7.5: m16n8k8 */
    GPU_WMMA,   /* AMD RDNA3 */
    GPU_MFMA,   /* AMD CDNA */
    GPU_DPAS8,  /* Intel, sub-groups of 8 */
    GPU_DPAS16, /* Intel, sub-groups of 16 */
    GPU_PLAIN_MMA,
    GPU_PLAIN_WMMA,
    GPU_PLAIN_MFMA,
    GPU_PLAIN_DPAS8,
    GPU_PLAIN_DPAS16,
    GPU_ENGINES
} gpu_engine;

/* A product that an engine computes at once, m rows by n columns over k values, and the items of the sub-group that does. */
typedef struct gpu_fragment {
    int m, n, k, lanes;
} gpu_fragment;

gpu_fragment gpu_engine_fragment(gpu_engine e);
/* The word of [gemm_matrix_gpu] ENGINE. */
const char *gpu_engine_name(gpu_engine e);
/* The engine that a device's answers (extensions, widths of sub-groups, compute capability) leave possible: what remains to be proved. GPU_NONE: none. */
gpu_engine gpu_engine_offered(const ocl_device *d);
/* Does it compile, with the configuration of o, and give the right sums? Tried in a context of its own, and kept (ocl_probe_kept). */
bool gpu_engine_works(ocl *o, gpu_engine e);
/* How many times as fast as gemm_gpu it is at a product of Stable Diffusion's, in f16, with the shipped values; 0: it does not work. Timed once for an ocl. */
double gpu_engine_speed(ocl *o, gpu_engine e);
/* Should it be chosen for that? */
bool gpu_engine_pays(ocl *o, gpu_engine e);

#endif
