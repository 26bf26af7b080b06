/* SPDX-License-Identifier: MIT */
/* The attention op's operands and implementations. */
#ifndef SDCL_OPS_ATTENTION_H
#define SDCL_OPS_ATTENTION_H

#include "ops/matmul.h"

extern const ocl_section attention_section;

enum { ATT_Y, ATT_Q, ATT_K, ATT_V, ATT_OPERANDS };

typedef struct attention_params {
    int heads, causal;
    float scale;
} attention_params;

static inline int head_size(const step *s) { return s->t[ATT_Q].c / ((const attention_params *)s->params)->heads; }
static inline int tokens_of(tensor t) { return t.h * t.w; }

/* The arguments that both flash kernels begin with. */
void attention_args(args *a, const plan *p, const step *s);

/* Launches a flash kernel of CPUs, on register tiles of `lanes` queries, of which a work-item takes up to `groups`: fewer where units would idle. */
int attention_cpu_launch(plan *p, const step *s, int lanes, int groups);

enum { FLASH_CPU_HEAD_MAX = 160 }; /* larger heads: the copied key block no longer fits the first-level cache */

/* flash: scores never leave the registers; the head size is compiled in. matrix: the same with products of bf16. sliced: a block of queries against all keys
 * within a byte budget, as two products and a softmax: any head size. */
extern const impl attention_matrix_impl, attention_cpu_impl, attention_gpu_impl, attention_sliced_impl;

#endif
