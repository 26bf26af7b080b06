/* SPDX-License-Identifier: MIT */
/* What the implementations of group normalisation share. */
#ifndef SDCL_OPS_NORM_H
#define SDCL_OPS_NORM_H

#include "ops/launch.h"

/* Operands and scalars of the step that measures. */
enum { STATS_NORM, STATS_X, STATS_GAMMA, STATS_BETA, STATS_OPERANDS };

typedef struct groupnorm_params {
    int groups;
    float eps;
} groupnorm_params;

/* [groupnorm_partial] at a shape, which becomes a section of the step being prepared: the slabs in whose order every implementation sums, and its vectors. */
typedef struct groupnorm_slab {
    int rows, vw, nv;
} groupnorm_slab;
int groupnorm_slab_of(plan *p, ocl_shape shape, groupnorm_slab *slab);

/* Is an image of x so small that the launches cost more than the work? CPUs only. */
bool groupnorm_is_small(const plan *p, tensor x);
/* Takes back the plan's last step, `stats` of x, and appends one that measures and applies: y = x normalised, then SiLU. y may be x. */
int groupnorm_whole(plan *p, tensor y, tensor x, tensor norm, const step *stats, bool silu);

#endif
