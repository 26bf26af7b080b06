/* SPDX-License-Identifier: MIT */
/* Memory that plans share which never run at the same time: as much as the largest of them needs. It takes the place of plan_allocate. */
#ifndef SDCL_PLAN_ARENA_H
#define SDCL_PLAN_ARENA_H

#include "plan/plan.h"

typedef struct arena {
    ocl *o; /* borrowed; set by the owner, the rest is zero */
    cl_mem chunk[PLAN_CHUNKS_MAX];
    uint64_t bytes[PLAN_CHUNKS_MAX];
} arena;

/* What plans that share one need; entries may be NULL. */
uint64_t arena_bytes(plan *const *plans, int count);
/* Makes the arena fit these plans and gives them its memory, to use until the next call or arena_free. Content is lost. */
int arena_provide(arena *a, plan *const *plans, int count);
void arena_free(arena *a);

#endif
