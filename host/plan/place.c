/* SPDX-License-Identifier: MIT */
/* The memory planner: greedy by size, lowest offset, over chunks below the device's allocation limit (the offset assignment that ML Drift and
 * TensorFlow Lite use: arXiv 2001.03288). */
#include "plan/internal.h"

#include <stdlib.h>

static bool overlap_in_time(const buffer *a, const buffer *b) { return a->first <= b->last && b->first <= a->last; }

static int largest_first(const void *a_, const void *b_)
{
    const buffer *a = *(const buffer *const *)a_, *b = *(const buffer *const *)b_;
    if (a->leads != b->leads) return a->leads ? -1 : 1; /* the others find room behind them */
    if (a->bytes != b->bytes) return a->bytes < b->bytes ? 1 : -1;
    return a < b ? -1 : a > b; /* the order is part of the result: keep it stable */
}

static int lowest_first(const void *a_, const void *b_)
{
    const buffer *a = *(const buffer *const *)a_, *b = *(const buffer *const *)b_;
    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

static uint64_t aligned(uint64_t n) { return (n + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN; }

/* The lowest free offset of b in a chunk, among those placed there. */
static uint64_t lowest_offset(const buffer *b, int chunk, buffer *const *placed, int count, buffer **conflicts)
{
    int n = 0;
    uint64_t offset = 0;
    for (int i = 0; i < count; i++)
        if (placed[i]->chunk == chunk && overlap_in_time(placed[i], b)) conflicts[n++] = placed[i];
    qsort(conflicts, (size_t)n, sizeof *conflicts, lowest_first);
    for (int i = 0; i < n; i++) {
        if (offset + b->bytes <= conflicts[i]->offset) break;
        uint64_t end = aligned(conflicts[i]->offset + conflicts[i]->bytes);
        if (end > offset) offset = end;
    }
    return offset;
}

/* Outputs of in-place steps move into their input's memory, whose life becomes longer. */
static void share(plan *p)
{
    for (int i = 0; i < p->step_count; i++) {
        const step *s = &p->steps[i];
        if (!s->in_place || !has(s->t[0]) || !has(s->t[1])) continue;
        int to = s->t[1].buf;
        buffer *y = &p->buffers[s->t[0].buf], *x = &p->buffers[to];
        bool whole = !s->t[0].off && !s->t[1].off && s->t[0].ld == s->t[1].ld && x->bytes == y->bytes;
        if (x == y || !whole || x->kind != BUFFER_ARENA || y->kind != BUFFER_ARENA || x->leads || y->leads) continue;
        if (x->last != i || y->first != i || y->host >= 0) continue;
        while (p->buffers[to].host >= 0) to = p->buffers[to].host;
        y->host = to;
        if (y->last > p->buffers[to].last) p->buffers[to].last = y->last;
    }
}

/* The buffers that need memory of their own, in the order in which they get it; their number. */
static int list_largest_first(plan *p, buffer **order)
{
    int count = 0;
    for (int i = 0; i < p->buffer_count; i++)
        if (p->buffers[i].kind == BUFFER_ARENA && p->buffers[i].last >= 0 && p->buffers[i].host < 0)
            order[count++] = &p->buffers[i];
    qsort(order, (size_t)count, sizeof *order, largest_first);
    return count;
}

/* Places order[i] among those before it: in the first chunk with room, else in a new one. conflicts: scratch for i buffers. */
static int place_next(plan *p, buffer *const *order, int i, uint64_t limit, buffer **conflicts)
{
    buffer *b = order[i];
    int chunk = 0;
    uint64_t offset = 0;
    if (b->bytes > limit)
        return FAIL(SDCL_ENOMEM, "%s needs a tensor of %.1f MB; %s allows buffers of %.1f MB", p->name,
                    (double)b->bytes / 1e6, ocl_device_of(p->o)->info.name, (double)limit / 1e6);
    for (; chunk < p->chunks; chunk++) {
        offset = lowest_offset(b, chunk, order, i, conflicts);
        if (offset + b->bytes <= limit && (!b->leads || !offset)) break;
    }
    if (chunk == p->chunks) {
        if (chunk == ARENA_CHUNKS_MAX)
            return FAIL(SDCL_ENOMEM, "%s needs more than %d buffers of %.1f MB", p->name, chunk, (double)limit / 1e6);
        p->chunk_bytes[p->chunks++] = 0;
        offset = 0;
    }
    b->chunk = chunk;
    b->offset = offset;
    if (aligned(offset + b->bytes) > p->chunk_bytes[chunk]) p->chunk_bytes[chunk] = aligned(offset + b->bytes);
    return 0;
}

int plan_place(plan *p)
{
    int err = 0;
    uint64_t limit = ocl_device_of(p->o)->info.max_alloc_bytes / ARENA_ALIGN * ARENA_ALIGN;
    size_t n = (size_t)p->buffer_count + 1;
    buffer **order = malloc(n * sizeof *order), **conflicts = malloc(n * sizeof *conflicts);
    if (!order || !conflicts) {
        err = FAIL(SDCL_ENOMEM, "out of memory");
        goto out;
    }
    share(p);
    int count = list_largest_first(p, order);
    p->chunks = 0;
    for (int i = 0; i < count; i++) TRY(place_next(p, order, i, limit, conflicts));
    for (buffer *b = p->buffers; b < p->buffers + p->buffer_count; b++)
        if (b->host >= 0) {
            b->chunk = p->buffers[b->host].chunk;
            b->offset = p->buffers[b->host].offset;
        }
out:
    free(order);
    free(conflicts);
    return err;
}

uint64_t plan_arena_bytes(const plan *p)
{
    uint64_t bytes = 0;
    for (int i = 0; i < p->chunks; i++) bytes += p->chunk_bytes[i];
    return bytes;
}

bool plan_buffer_range(const plan *p, int i, int *first, int *last, int *chunk, uint64_t *begin, uint64_t *end)
{
    const buffer *b = &p->buffers[i];
    if (b->kind != BUFFER_ARENA || b->last < 0 || b->host >= 0) return false;
    *first = b->first;
    *last = b->last;
    *chunk = b->chunk;
    *begin = b->offset;
    *end = b->offset + b->bytes;
    return true;
}
