/* SPDX-License-Identifier: MIT */
/* What the implementations of group normalisation share. */
#ifndef SDCL_OPS_NORM_H
#define SDCL_OPS_NORM_H

#include "ops/launch.h"

/* Operands of the step that measures. */
enum { STATS_NORM, STATS_X, STATS_GAMMA, STATS_BETA, STATS_OPERANDS };

/* Scalars: of that step, and first of those of the step that applies as well. */
typedef struct groupnorm_params {
    int groups;
    float eps;
    groupnorm_next next;
} groupnorm_params;

extern const ocl_section groupnorm_section;

/* [groupnorm_partial] at a shape, which becomes a section of the step being prepared: the slabs in whose order every implementation sums, and its vectors. */
typedef struct groupnorm_slab {
    int rows, vw, nv;
} groupnorm_slab;
int groupnorm_slab_of(plan *p, ocl_shape shape, groupnorm_slab *slab);

/* Where [groupnorm] impl is to have y = x normalised, then SiLU, in one step: takes back the plan's last step, `stats` of x, appends one that measures and
 * applies, and sets *done. y may be x. slabs: the implementation of the former. */
int groupnorm_whole(plan *p, tensor y, tensor x, tensor norm, const step *stats, const impl *slabs, bool *done);

#endif
