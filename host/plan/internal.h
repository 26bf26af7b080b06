/* SPDX-License-Identifier: MIT */
/* What the files of the plan share. */
#ifndef SDCL_PLAN_INTERNAL_H
#define SDCL_PLAN_INTERNAL_H

#include "base/strbuf.h"
#include "plan/plan.h"

enum { ARENA_CHUNKS_MAX = PLAN_CHUNKS_MAX, ARENA_ALIGN = 256 };

typedef enum buffer_kind { BUFFER_ARENA, BUFFER_EXTERNAL, BUFFER_WEIGHT } buffer_kind;

typedef struct buffer {
    buffer_kind kind;
    bool leads; /* arena: at offset 0 of its chunk */
    uint64_t bytes;
    int first, last; /* steps that use it; first > last: none */
    int host;        /* arena: the buffer whose memory it takes over; -1: none */
    int chunk;       /* arena */
    uint64_t offset; /* arena: bytes within the chunk; external: elements within mem */
    cl_mem mem;      /* external, borrowed */
    const weight *w; /* weight */
} buffer;

struct plan {
    ocl *o;
    char *name; /* owned */
    int queue;
    dtype precision, activation;
    step *steps;
    int step_count, step_capacity;
    buffer *buffers;
    int buffer_count, buffer_capacity;
    strbuf scope;
    void **allocations; /* module names, params, states: freed with the plan */
    int allocation_count, allocation_capacity;
    int preparing;  /* step that is being prepared, -1: none */
    char *gave_way; /* owned: plan_gave_way */
    bool failed;    /* an allocation failed while building: plan_lower reports it */
    uint64_t chunk_bytes[ARENA_CHUNKS_MAX];
    cl_mem chunk[ARENA_CHUNKS_MAX];
    int chunks;
    bool owns; /* the chunks: they are not an arena's */
};

/* Chunk c lies in memory of somebody else's from here on. */
void plan_lend(plan *p, int c, cl_mem mem);

/* Extends the lifetime of t's buffer to step i. */
void plan_touch(plan *p, tensor t, int i);

#endif
