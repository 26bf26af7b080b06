/* SPDX-License-Identifier: MIT */
/* Weights as they are declared: parts, shapes, layouts. */
#include "plan/plan.h"
#include "plan/weights_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

int weights_get_pairs(weights *ws, dtype dt)
{
    char options[64];
    ocl_kernel **k = &ws->pack_pairs[dt == F16];
    snprintf(options, sizeof options, PACK_PAIRS_OPTIONS, dtype_option_name(dt), PACK_BLOCK);
    return *k ? 0 : ocl_kernel_get(ws->o, k, "pack_pairs", options);
}

int weights_expect_pairs(weights *ws)
{
    int err = weights_get_pairs(ws, F32);
    return err ? err : weights_get_pairs(ws, F16);
}

bool weights_built_within(const weights *ws, double seconds) { return ocl_built_within(ws->o, ws->pack[1], seconds); }

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

dtype weight_row_dtype(const weight *w) { return w->layout == LAYOUT_VECTOR ? F32 : w->dt; }
int weight_dtype_size(weight_dtype dt) { return dt == WEIGHT_F64 ? 8 : dt == WEIGHT_F32 ? 4 : 2; }

int weight_panels(const weight *w)
{
    if (w->layout == LAYOUT_PAIRS && w->paired) return 2 * ((w->rows / 2 + w->panel - 1) / w->panel);
    return (w->rows + w->panel - 1) / w->panel;
}

static uint64_t layout_bytes(const weight *w)
{
    uint64_t row = (uint64_t)w->columns * (uint64_t)w->taps;
    switch (w->layout) {
    case LAYOUT_VECTOR: return (uint64_t)w->rows * row * 4;
    case LAYOUT_PAIRS:
        return (uint64_t)weight_panels(w) * 16 * (((uint64_t)w->columns + 31) / 32 * 32) * (uint64_t)w->taps * 2;
    case LAYOUT_COLUMNS:
    case LAYOUT_PANELS: return (uint64_t)weight_panels(w) * (uint64_t)w->panel * row * (uint64_t)dtype_size(w->dt);
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

int weights_count(const weights *ws) { return ws->count; }

uint64_t weights_bytes(const weights *ws)
{
    uint64_t bytes = 0;
    for (int i = 0; i < ws->count; i++) bytes += ws->list[i]->bytes;
    return bytes;
}

cl_mem weight_mem(const weight *w) { return w->mem; }

void weights_unload(weights *ws)
{
    for (int i = 0; i < ws->count; i++) {
        ocl_buffer_free(ws->o, &ws->list[i]->mem);
        ws->list[i]->filled = false;
    }
}
