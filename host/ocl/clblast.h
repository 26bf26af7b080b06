/* SPDX-License-Identifier: MIT */
/* CLBlast's GEMM on the device and the queues of an ocl. The library keeps compiled routines and overridden parameters per process, and 1.5.3 guards neither
 * against threads: every call is made under one lock of the process. */
#ifndef SDCL_OCL_CLBLAST_H
#define SDCL_OCL_CLBLAST_H

#include "ocl/ocl.h"

typedef struct clblast_operand {
    cl_mem mem;
    cl_ulong off; /* elements. clblast_prepare: 0 only where it will be 0 */
    int ld;       /* elements from row to row */
} clblast_operand;

/* y (m, n) = x (m, k) * w (k, n), or * w^T with w (n, k); rows after one another; all three f32, or f16 (half: the device must list
 * cl_khr_fp16, products and sums are f16). */
typedef struct clblast_gemm {
    bool half, transposed; /* transposed: w is (n, k) */
    bool row_major;        /* how it is put to the library; chosen by clblast_prepare */
    int m, n, k;
    clblast_operand y, x, w;
    cl_mem temporary; /* as large as clblast_prepare said; NULL where that was 0 */
} clblast_gemm;

/* Sets the parameters of one of the library's kernels ("Xgemm") on the device, for the whole process and from then on; values in the order of the section's
 * tunables. OCL_AUTO in the first: the library's own database. SDCL_EUSAGE where that would change what another open ocl uses, or cannot be taken back. The
 * values must have been checked: the library accepts any, and corrupts memory. */
int clblast_parameters(ocl *o, const char *kernel, bool half, const ocl_section *section, const int *values);

/* Chooses row_major so that least is copied, says how many bytes of temporary memory a call will need, and notes that its routine is to be compiled. */
int clblast_prepare(ocl *o, clblast_gemm *g, uint64_t *temporary);

/* Enqueues the product. module as in ocl_run. */
int clblast_run(ocl *o, int queue, const char *module, const clblast_gemm *g);

#endif
