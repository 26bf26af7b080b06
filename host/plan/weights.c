/* SPDX-License-Identifier: MIT */
/* Reading weights into device layouts. */
#include "plan/weights.h"

#include "base/half.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RAW_BYTES = 4 << 20, RING_BYTES = 16 << 20 };

struct weights {
    ocl *o;
    ocl_kernel *pack[2]; /* by dtype: F32, F16 */
    weight **list;
    int count, capacity;
};

int weights_new(weights **ws, ocl *o)
{
    *ws = calloc(1, sizeof **ws);
    if (!*ws) return FAIL(SDCL_ENOMEM, "out of memory");
    (*ws)->o = o;
    int err = 0;
    for (int i = 0; i < 2 && !err; i++) {
        char options[64];
        snprintf(options, sizeof options, "-DT=%s -DBLOCK=%d", i ? "ushort" : "uint", PACK_BLOCK);
        err = ocl_kernel_get(o, &(*ws)->pack[i], "pack_rows", options);
    }
    if (err) weights_free(ws);
    return err;
}

void weights_free(weights **ws_)
{
    weights *ws = *ws_;
    if (!ws) return;
    weights_unload(ws);
    for (int i = 0; i < ws->count; i++) {
        free(ws->list[i]->parts);
        free(ws->list[i]);
    }
    free(ws->list);
    free(ws);
    *ws_ = NULL;
}

/* F16 if every part is. */
static dtype stored_in_file(const weight *w)
{
    for (int i = 0; i < w->part_count; i++)
        if (w->parts[i].dt != WEIGHT_F16) return F32;
    return F16;
}

int weights_add(weights *ws, weight **out_weight, const weight_part *parts, int count, int columns, int taps)
{
    int err = 0;
    weight *w = NULL;
    *out_weight = NULL;
    if (count < 1 || count > WEIGHT_PARTS_MAX)
        return FAIL(SDCL_EINTERNAL, "%s: %d stacked tensors", parts->name, count);
    if (ws->count == ws->capacity) {
        int capacity = ws->capacity ? ws->capacity * 2 : 256;
        weight **list = realloc(ws->list, (size_t)capacity * sizeof *list);
        if (!list) return FAIL(SDCL_ENOMEM, "out of memory");
        ws->list = list;
        ws->capacity = capacity;
    }
    w = calloc(1, sizeof *w);
    if (w) w->parts = malloc((size_t)count * sizeof *parts);
    if (!w || !w->parts) {
        err = FAIL(SDCL_ENOMEM, "out of memory");
        goto out;
    }
    memcpy(w->parts, parts, (size_t)count * sizeof *parts);
    w->part_count = count;
    w->columns = columns;
    w->taps = taps;
    for (int i = 0; i < count; i++) {
        if (__builtin_add_overflow(w->rows, parts[i].rows, &w->rows)) {
            err = FAIL(SDCL_EMODEL, "%s: too many rows", parts[i].name);
            goto out;
        }
    }
    w->dt = stored_in_file(w);
    ws->list[ws->count++] = w;
    *out_weight = w;
    w = NULL;
out:
    if (w) free(w->parts);
    free(w);
    return err;
}

static int panels_of(const weight *w) { return (w->rows + w->panel - 1) / w->panel; }

static uint64_t layout_bytes(const weight *w)
{
    uint64_t row = (uint64_t)w->columns * (uint64_t)w->taps;
    switch (w->layout) {
    case LAYOUT_VECTOR: return (uint64_t)w->rows * row * 4;
    case LAYOUT_ROWS: return (uint64_t)w->rows * row * (uint64_t)dtype_size(w->dt);
    case LAYOUT_COLUMNS:
    case LAYOUT_PANELS: return (uint64_t)panels_of(w) * (uint64_t)w->panel * row * (uint64_t)dtype_size(w->dt);
    default: return 0;
    }
}

int weight_set_layout(weight *w, weight_layout layout, int panel, bool paired)
{
    if (w->layout == LAYOUT_NONE) {
        w->layout = layout;
        w->panel = panel;
        w->paired = paired;
        w->bytes = layout_bytes(w);
        return 0;
    }
    if (w->layout == layout && w->panel == panel && w->paired == paired) return 0;
    return FAIL(SDCL_EINTERNAL, "%s: asked for in two layouts", w->parts[0].name);
}

int weight_set_columns(weight *w, dtype dt)
{
    if (w->layout == LAYOUT_NONE) w->dt = dt;
    return weight_set_layout(w, w->dt == dt ? LAYOUT_COLUMNS : LAYOUT_NONE, w->rows, false);
}

void weights_forget_layouts(weights *ws)
{
    for (int i = 0; i < ws->count; i++) {
        ws->list[i]->layout = LAYOUT_NONE;
        ws->list[i]->dt = stored_in_file(ws->list[i]);
        ws->list[i]->bytes = 0;
    }
}

static bool to_load(const weight *w)
{
    return w->layout != LAYOUT_NONE && (!w->mem || w->held.layout != w->layout || w->held.dt != w->dt ||
                                        w->held.panel != w->panel || w->held.paired != w->paired);
}

int weights_count(const weights *ws) { return ws->count; }

uint64_t weights_bytes(const weights *ws)
{
    uint64_t bytes = 0;
    for (int i = 0; i < ws->count; i++) bytes += ws->list[i]->bytes;
    return bytes;
}

cl_mem weight_mem(const weight *w) { return w->mem; }

static int source_size(weight_dtype dt) { return dt == WEIGHT_F64 ? 8 : dt == WEIGHT_F32 ? 4 : 2; }

/* n values of type `from` at src -> type `to` at dst; dst may be src where `to` is not wider. */
static void convert(void *dst, dtype to, const void *src, weight_dtype from, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        float v;
        uint16_t bits;
        double wide;
        switch (from) {
        case WEIGHT_F64:
            memcpy(&wide, (const char *)src + i * 8, 8);
            v = (float)wide;
            break;
        case WEIGHT_F32: memcpy(&v, (const char *)src + i * 4, 4); break;
        case WEIGHT_F16:
            memcpy(&bits, (const char *)src + i * 2, 2);
            v = half_to_float(bits);
            break;
        default: memcpy(&bits, (const char *)src + i * 2, 2); v = bf16_to_float(bits);
        }
        if (to == F16) {
            bits = float_to_half(v);
            memcpy((char *)dst + i * 2, &bits, 2);
        } else {
            memcpy((char *)dst + i * 4, &v, 4);
        }
    }
}

/* Rows on their way to the device: a ring on the host and its twin there. Nothing waits until the ring is full, so reading, copying and packing overlap. */
typedef struct loader {
    ocl *o;
    unsigned char *ring; /* rows in storage type */
    void *raw;           /* rows as in the file, where they have to be converted; RAW_BYTES */
    cl_mem staging;
    uint64_t size, used; /* of the ring */
    ocl_kernel *pack[2]; /* the set's */
} loader;

static int claim(loader *l, uint64_t bytes, uint64_t *offset)
{
    int err = 0;
    if (l->used + bytes > l->size) {
        TRY(ocl_finish(l->o));
        l->used = 0;
    }
    *offset = l->used;
    l->used += (bytes + 63) / 64 * 64;
out:
    return err;
}

/* Rows [first, first + n) of w, in storage type, from the staging buffer into panels. */
static int pack_rows(loader *l, const weight *w, int first, int n, uint64_t offset)
{
    cl_ulong zero = 0, from = offset / (uint64_t)dtype_size(w->dt);
    cl_int row0 = first, count = n, paired = w->paired, row_stride = w->columns * w->taps, tap_stride = 1;
    ocl_arg args[] = {ARG(w->mem), ARG(zero),       ARG(l->staging), ARG(from),      ARG(w->rows),
                      ARG(row0),   ARG(count),      ARG(w->columns), ARG(w->taps),   ARG(w->panel),
                      ARG(paired), ARG(row_stride), ARG(w->taps),    ARG(tap_stride)};
    ocl_grid grid = {{(size_t)(w->columns + PACK_BLOCK - 1) / PACK_BLOCK, (size_t)panels_of(w), 1}, {1, 1, 1}};
    return ocl_run(l->o, 0, l->pack[w->dt == F16], "load", grid, args, sizeof args / sizeof *args);
}

static int load_rows(loader *l, const weight *w, const weight_part *part, int row_of_weight)
{
    int err = 0;
    uint64_t row = (uint64_t)w->columns * (uint64_t)w->taps, src = row * (uint64_t)source_size(part->dt);
    dtype store = w->layout == LAYOUT_VECTOR ? F32 : w->dt;
    uint64_t dst = row * (uint64_t)dtype_size(store), at;
    bool same = (store == F16 && part->dt == WEIGHT_F16) || (store == F32 && part->dt == WEIGHT_F32);
    int step = (int)(RAW_BYTES / (src > dst ? src : dst));
    if (!step) return FAIL(SDCL_EMODEL, "%s: a row of %llu bytes is too long", part->name, (unsigned long long)src);
    for (int r = 0; r < part->rows; r += step) {
        int n = part->rows - r < step ? part->rows - r : step;
        uint64_t first = (uint64_t)(row_of_weight + r), bytes = (uint64_t)n * dst;
        TRY(claim(l, bytes, &at));
        TRY(part->read(part->file, part->entry, (uint64_t)r * src, (uint64_t)n * src, same ? l->ring + at : l->raw));
        if (!same) convert(l->ring + at, store, l->raw, part->dt, (uint64_t)n * row);
        if (w->layout >= LAYOUT_COLUMNS) {
            TRY(ocl_write_async(l->o, l->staging, at, bytes, l->ring + at));
            TRY(pack_rows(l, w, row_of_weight + r, n, at));
        } else {
            TRY(ocl_write_async(l->o, w->mem, first * dst, bytes, l->ring + at));
        }
    }
out:
    return err;
}

static int load(loader *l, weight *w)
{
    int err = 0, row = 0;
    ocl_buffer_free(l->o, &w->mem);
    TRY(ocl_buffer_new(l->o, &w->mem, w->bytes));
    w->held.layout = w->layout;
    w->held.dt = w->dt;
    w->held.panel = w->panel;
    w->held.paired = w->paired;
    for (int i = 0; i < w->part_count; i++) {
        TRY(load_rows(l, w, &w->parts[i], row));
        row += w->parts[i].rows;
    }
out:
    return err;
}

int weights_load(weights *ws, void (*progress)(void *user, int done, int total), void *user)
{
    int err = 0;
    uint64_t left = 0;
    loader l = {.o = ws->o, .pack = {ws->pack[0], ws->pack[1]}};
    for (int i = 0; i < ws->count; i++)
        if (to_load(ws->list[i])) left += ws->list[i]->bytes + 64 * (uint64_t)ws->list[i]->part_count;
    if (!left) return 0;
    l.size = left < RING_BYTES ? left : RING_BYTES;
    if (l.size < RAW_BYTES) l.size = RAW_BYTES;
    l.ring = malloc(l.size);
    l.raw = malloc(RAW_BYTES);
    if (!l.ring || !l.raw) {
        err = FAIL(SDCL_ENOMEM, "out of memory");
        goto out;
    }
    TRY(ocl_buffer_new(ws->o, &l.staging, l.size));
    TRY(ocl_kernel_wait(ws->o, l.pack[0]));
    TRY(ocl_kernel_wait(ws->o, l.pack[1]));
    for (int i = 0; i < ws->count; i++) {
        weight *w = ws->list[i];
        if (to_load(w)) TRY(load(&l, w));
        if (progress) progress(user, i + 1, ws->count);
    }
out:;
    int finished = ocl_finish(ws->o); /* the ring is in use until then */
    if (!err) err = finished;
    if (err) weights_unload(ws);
    ocl_buffer_free(ws->o, &l.staging);
    free(l.ring);
    free(l.raw);
    return err;
}

void weights_unload(weights *ws)
{
    for (int i = 0; i < ws->count; i++) ocl_buffer_free(ws->o, &ws->list[i]->mem);
}
