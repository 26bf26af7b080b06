/* SPDX-License-Identifier: MIT */
/* What declaring weights and loading them share. */
#ifndef SDCL_PLAN_WEIGHTS_INTERNAL_H
#define SDCL_PLAN_WEIGHTS_INTERNAL_H

#include "plan/weights.h"

struct weights {
    ocl *o;
    ocl_kernel *pack[2];       /* by dtype: F32, F16 */
    ocl_kernel *pack_pairs[2]; /* the same; NULL until they are asked for */
    weight **list;
    int count, capacity;
};

/* The type of its rows while they are on their way: its storage type, F32 for vectors. */
dtype weight_row_dtype(const weight *w);

/* Asks for the kernel for rows of type dt in LAYOUT_PAIRS, unless it is there. */
int weights_get_pairs(weights *ws, dtype dt);

/* LAYOUT_PANELS and LAYOUT_COLUMNS: how many panels. */
int weight_panels(const weight *w);

/* Enqueues rows [first, first + n) of w, in storage type from byte `at` of `from` on, into their place in w's layout. */
int weight_pack(const weights *ws, const weight *w, int first, int n, cl_mem from, uint64_t at);

#endif
