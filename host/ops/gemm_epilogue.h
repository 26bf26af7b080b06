/* SPDX-License-Identifier: MIT */
/* What follows a product that a library has computed, and rows that change their type on the way to or from one: cl/gemm_epilogue.cl. */
#ifndef SDCL_OPS_GEMM_EPILOGUE_H
#define SDCL_OPS_GEMM_EPILOGUE_H

#include "ops/launch.h"

/* A kernel of it, from one storage type to another. */
typedef struct epilogue_kernel {
    ocl_kernel *kernel;
    int wg, rows;
} epilogue_kernel;

/* What is fused. Absent tensors are NO_TENSOR. first: the output's first row among those of all images, which have `image` rows each. */
typedef struct epilogue_fuse {
    tensor bias, row, residual;
    int first, image, flags; /* ops/matmul.h */
} epilogue_fuse;

/* Inside prepare. */
int epilogue_prepare(plan *p, const step *s, epilogue_kernel *e, dtype from, dtype to);
/* to = epilogue(from), over the rows of `to`, one of whose dimensions counts them: w. f NULL: a copy. */
int epilogue_run(const plan *p, const step *s, const epilogue_kernel *e, tensor to, tensor from,
                 const epilogue_fuse *f);

#endif
