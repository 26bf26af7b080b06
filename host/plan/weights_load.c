/* SPDX-License-Identifier: MIT */
/* Reading weights: the host reads rows into staging buffers that it maps, the device moves them from there into their layouts. While the device works on
 * one buffer, the host fills the next. */
#include "plan/plan.h"
#include "plan/weights_internal.h"

#include <stdio.h>
#include <stdlib.h>

enum { SLOTS = 3, SLOT_BYTES = 8 << 20, RAW_BYTES = SLOT_BYTES, PIECES_MAX = 256, PIECE_ALIGN = 256 };

/* Rows [first, first + rows) of w, at a byte offset of their slot. */
typedef struct piece {
    const weight *w;
    int first, rows;
    uint64_t at;
} piece;

typedef struct slot {
    cl_mem mem;
    void *view;     /* where the host writes; NULL: the device has it */
    cl_event moved; /* the device is done with it */
} slot;

typedef struct loader {
    const weights *ws;
    slot slots[SLOTS];
    slot *s; /* the one that is being filled */
    uint64_t size, used;
    piece pieces[PIECES_MAX];
    int count;
    void *raw; /* rows as in the file, where they have to be converted; RAW_BYTES, owned, made when it is needed */
} loader;

/* Gives the slot to the device, and takes the next. */
static int flush(loader *l)
{
    int err = 0;
    ocl *o = l->ws->o;
    if (!l->count) return 0;
    TRY(ocl_unmap(o, l->s->mem, &l->s->view));
    for (int i = 0; i < l->count; i++) {
        const piece *p = &l->pieces[i];
        TRY(weight_pack(l->ws, p->w, p->first, p->rows, l->s->mem, p->at));
    }
    TRY(ocl_fence(o, &l->s->moved));
    l->count = 0;
    l->used = 0;
    if (++l->s == l->slots + SLOTS) l->s = l->slots;
out:
    return err;
}

/* Room for at least one row of `bytes` bytes, and for as many of `rows` as fit. */
static int claim(loader *l, const weight *w, int first, int *rows, uint64_t row, unsigned char **to)
{
    int err = 0;
    ocl *o = l->ws->o;
    if (l->count == PIECES_MAX || l->used + row > l->size) TRY(flush(l));
    if (!l->s->mem) TRY(ocl_buffer_new(o, &l->s->mem, l->size));
    if (!l->s->view) {
        TRY(ocl_fence_wait(o, &l->s->moved));
        TRY(ocl_map(o, l->s->mem, l->size, &l->s->view));
    }
    uint64_t fit = (l->size - l->used) / row;
    if ((uint64_t)*rows > fit) *rows = (int)fit;
    *to = (unsigned char *)l->s->view + l->used;
    l->pieces[l->count++] = (piece){w, first, *rows, l->used};
    l->used += ((uint64_t)*rows * row + PIECE_ALIGN - 1) / PIECE_ALIGN * PIECE_ALIGN;
    if (l->used > l->size) l->used = l->size;
out:
    return err;
}

static int load_part(loader *l, const weight *w, const weight_part *part, int row_of_weight)
{
    int err = 0;
    dtype store = weight_row_dtype(w);
    uint64_t values = (uint64_t)w->columns * (uint64_t)w->taps, src = values * (uint64_t)weight_dtype_size(part->dt),
             dst = values * (uint64_t)dtype_size(store);
    bool same = (store == F16 && part->dt == WEIGHT_F16) || (store == F32 && part->dt == WEIGHT_F32);
    if (src > RAW_BYTES || dst > l->size)
        return FAIL(SDCL_EMODEL, "%s: a row of %llu bytes is too long", part->name, (unsigned long long)src);
    if (!same && !l->raw && !(l->raw = malloc(RAW_BYTES))) return FAIL(SDCL_ENOMEM, "out of memory");
    for (int r = 0, n; r < part->rows; r += n) {
        unsigned char *to = NULL;
        n = part->rows - r;
        if (!same && (uint64_t)n > RAW_BYTES / src) n = (int)(RAW_BYTES / src);
        TRY(claim(l, w, row_of_weight + r, &n, dst, &to));
        TRY(part->read(part->file, part->entry, (uint64_t)r * src, (uint64_t)n * src, same ? to : l->raw));
        if (!same) weight_convert(to, store, l->raw, part->dt, (uint64_t)n * values);
    }
out:
    return err;
}

static int load(loader *l, const weight *w)
{
    int err = 0, row = 0;
    for (int i = 0; i < w->part_count; i++) {
        TRY(load_part(l, w, &w->parts[i], row));
        row += w->parts[i].rows;
    }
out:
    return err;
}

static bool missing(const weight *w)
{
    return w->layout != LAYOUT_NONE && (!w->mem || w->held.layout != w->layout || w->held.dt != w->dt ||
                                        w->held.panel != w->panel || w->held.paired != w->paired);
}

/* A slot for weights of so many bytes whose longest row has `row`. */
static uint64_t slot_for(uint64_t bytes, uint64_t row)
{
    uint64_t n = bytes / (16 * SLOTS) < SLOT_BYTES ? bytes / (16 * SLOTS) : SLOT_BYTES;
    return n >= row ? n : row < SLOT_BYTES ? row : SLOT_BYTES;
}

static uint64_t row_bytes(const weight *w)
{
    return (uint64_t)w->columns * (uint64_t)w->taps * (uint64_t)dtype_size(weight_row_dtype(w));
}

uint64_t weights_staging_bytes(const weights *ws)
{
    uint64_t row = 0;
    for (int i = 0; i < ws->count; i++)
        if (ws->list[i]->layout != LAYOUT_NONE && row_bytes(ws->list[i]) > row) row = row_bytes(ws->list[i]);
    return SLOTS * slot_for(weights_bytes(ws), row);
}

/* Device memory for every weight that has a layout and lacks it, without its values. */
static int allocate(weights *ws)
{
    int err = 0, count = 0;
    uint64_t bytes = 0;
    ocl_region *region = NULL;
    for (int i = 0; i < ws->count; i++) {
        if (!missing(ws->list[i])) continue;
        bytes += ws->list[i]->bytes;
        count++;
    }
    if (!count) return 0;
    TRY(ocl_region_new(ws->o, &region, bytes, count));
    for (int i = 0; i < ws->count; i++) {
        weight *w = ws->list[i];
        if (!missing(w)) continue;
        ocl_buffer_free(ws->o, &w->mem);
        w->filled = false;
        TRY(ocl_region_buffer(ws->o, &w->mem, region, w->bytes));
        w->held.layout = w->layout;
        w->held.dt = w->dt;
        w->held.panel = w->panel;
        w->held.paired = w->paired;
    }
out:
    ocl_region_free(&region);
    return err;
}

static bool wanted(const weight *w) { return w->layout != LAYOUT_NONE && !w->filled; }

/* Of a slot for all that is wanted; 0: nothing is. */
static uint64_t slot_size(const weights *ws)
{
    uint64_t bytes = 0, row = 0;
    for (int i = 0; i < ws->count; i++) {
        const weight *w = ws->list[i];
        if (!wanted(w)) continue;
        bytes += w->bytes;
        if (row_bytes(w) > row) row = row_bytes(w);
    }
    return row ? slot_for(bytes, row) : 0;
}

/* The kernels for weights in LAYOUT_PAIRS, if there are any. */
static int want_pairs(weights *ws)
{
    int err = 0;
    for (int i = 0; i < ws->count; i++) {
        const weight *w = ws->list[i];
        if (w->layout != LAYOUT_PAIRS) continue;
        TRY(weights_get_pairs(ws, w->dt));
        TRY(ocl_kernel_wait(ws->o, ws->pack_pairs[w->dt == F16]));
    }
out:
    return err;
}

int weights_load(weights *ws, int (*progress)(void *user, int done, int total), void *user)
{
    int err = 0;
    loader l = {.ws = ws, .s = l.slots};
    TRY(allocate(ws));
    l.size = slot_size(ws);
    if (!l.size) goto out;
    for (int i = 0; i < 2; i++) TRY(ocl_kernel_wait(ws->o, ws->pack[i]));
    TRY(want_pairs(ws));
    for (int i = 0; i < ws->count; i++) {
        if (wanted(ws->list[i])) TRY(load(&l, ws->list[i]));
        if (progress) TRY(progress(user, i + 1, ws->count));
    }
    TRY(flush(&l));
out:
    for (int i = 0; i < SLOTS; i++) {
        slot *s = &l.slots[i];
        int done = s->mem ? ocl_unmap(ws->o, s->mem, &s->view) : 0;
        if (!done) done = ocl_fence_wait(ws->o, &s->moved);
        if (!err) err = done;
    }
    int finished = ocl_finish(ws->o); /* the slots are in use until then */
    if (!err) err = finished;
    if (err) weights_unload(ws);
    for (int i = 0; i < ws->count; i++)
        if (wanted(ws->list[i])) ws->list[i]->filled = !err;
    for (int i = 0; i < SLOTS; i++) ocl_buffer_free(ws->o, &l.slots[i].mem);
    free(l.raw);
    return err;
}
