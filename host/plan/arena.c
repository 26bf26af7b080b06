/* SPDX-License-Identifier: MIT */
/* Memory that plans share which never run at the same time. */
#include "plan/arena.h"

#include "plan/internal.h"

static uint64_t chunk_bytes(plan *const *plans, int count, int chunk)
{
    uint64_t bytes = 0;
    for (int i = 0; i < count; i++)
        if (plans[i] && chunk < plans[i]->chunks && plans[i]->chunk_bytes[chunk] > bytes)
            bytes = plans[i]->chunk_bytes[chunk];
    return bytes;
}

uint64_t arena_bytes(plan *const *plans, int count)
{
    uint64_t bytes = 0;
    for (int c = 0; c < ARENA_CHUNKS_MAX; c++) bytes += chunk_bytes(plans, count, c);
    return bytes;
}

int arena_provide(arena *a, plan *const *plans, int count)
{
    int err = 0;
    for (int c = 0; c < ARENA_CHUNKS_MAX; c++) {
        uint64_t bytes = chunk_bytes(plans, count, c);
        if (a->bytes[c] == bytes) continue;
        ocl_buffer_free(a->o, &a->chunk[c]);
        a->bytes[c] = 0;
    }
    for (int c = 0; c < ARENA_CHUNKS_MAX; c++) {
        uint64_t bytes = chunk_bytes(plans, count, c);
        if (bytes && !a->chunk[c]) TRY(ocl_buffer_new(a->o, &a->chunk[c], bytes));
        a->bytes[c] = bytes;
        for (int i = 0; i < count; i++)
            if (plans[i] && c < plans[i]->chunks) plan_lend(plans[i], c, a->chunk[c]);
    }
out:
    return err;
}

void arena_free(arena *a)
{
    for (int c = 0; c < ARENA_CHUNKS_MAX; c++) {
        if (a->chunk[c]) ocl_buffer_free(a->o, &a->chunk[c]);
        a->bytes[c] = 0;
    }
}
