/* SPDX-License-Identifier: MIT */
/* The two products of sliced attention by CLBlast, in f32: queries, keys and values are read where they lie, or converted first where storage is f16. */
#ifndef SDCL_OPS_SLICED_CLBLAST_H
#define SDCL_OPS_SLICED_CLBLAST_H

#include "ocl/clblast.h"
#include "ops/gemm_epilogue.h"

typedef struct sliced_clblast {
    clblast_gemm scores, values;
    tensor q, k, v, y; /* of a block and a head, F32; NO_TENSOR: in place */
    tensor temporary;  /* the library's; NO_TENSOR where none is needed */
    epilogue_kernel widen, narrow;
} sliced_clblast;

/* Inside prepare of an attention step, for blocks of that many queries whose scores lie in a tensor (1, 1, queries, keys) at the start of its memory. */
int sliced_clblast_prepare(plan *p, step *s, sliced_clblast *x, int queries);
/* Keys and values of a head, before its blocks. k, v: (1, 1, tokens, head size), as all tensors here. */
int sliced_clblast_head(const plan *p, const step *s, const sliced_clblast *x, tensor k, tensor v);
/* block (q's rows, keys) = q k^T */
int sliced_clblast_scores(const plan *p, const step *s, const sliced_clblast *x, tensor block, tensor q, tensor k);
/* y = block * v */
int sliced_clblast_values(const plan *p, const step *s, const sliced_clblast *x, tensor y, tensor block, tensor v);

#endif
