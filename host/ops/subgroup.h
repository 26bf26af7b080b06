/* SPDX-License-Identifier: MIT */
/* Work-items that exchange values within a sub-group: which way a device offers, proved before a kernel takes it. */
#ifndef SDCL_OPS_SUBGROUP_H
#define SDCL_OPS_SUBGROUP_H

#include "ocl/ocl.h"

/* cl/subgroup.h has the same numbers. */
typedef enum exchange {
    EXCHANGE_NONE,
    EXCHANGE_KHR, /* cl_khr_subgroup_shuffle, with cl_intel_required_subgroup_size: else nothing says how wide a kernel's sub-groups will be */
    EXCHANGE_INTEL, /* cl_intel_subgroups, with the same */
    EXCHANGE_AMD,   /* data-parallel primitives of GCN 3 and later */
    EXCHANGE_NVIDIA /* shfl.sync, in PTX */
} exchange;

/* Segments of `lanes` consecutive items in sub-groups of `width`. */
typedef struct subgroup {
    exchange how;
    int width, lanes;
} subgroup;

enum { SUBGROUP_OPTIONS = 64 };

/* What the device's answers leave possible for segments of that many items (2 .. 32, a power of two). how: EXCHANGE_NONE: nothing. */
subgroup subgroup_offered(const ocl_device *d, int lanes);
/* Does it compile and give the right maxima and sums? Tried anew, in a context of its own. */
bool subgroup_works(const ocl *o, subgroup s);
/* The same for groups of `items`, proved, once for an ocl; EXCHANGE_NONE where there is none, or where a group is no whole number of sub-groups. */
subgroup subgroup_proved(ocl *o, int lanes, int items);
/* "-DEXCHANGE=2 -DWIDTH=16 -DLANES=16" */
void subgroup_options(char text[SUBGROUP_OPTIONS], subgroup s);
/* For kernels that reduce a row in a group of wg items (cl/reduce.h): the options of the longest segments that are proved; false: there are none. */
bool subgroup_of_rows(ocl *o, int wg, char text[SUBGROUP_OPTIONS]);

/* [...] REDUCE, of kernels that combine values of a group. */
#define REDUCE_TUNE(P)                                                                                                 \
    P(REDUCE, 0, "local subgroup", "how items combine values; subgroup: within it, where the device proves that it can")

#endif
