/* SPDX-License-Identifier: MIT */
/* From rows, as in a file, into a weight's layout. A new layout is a case here and in weights.c, and a kernel. */
#include "plan/weights_internal.h"

static int pack_panels(const weights *ws, const weight *w, int first, int n, cl_mem from, uint64_t at)
{
    cl_ulong zero = 0, element = at / (uint64_t)dtype_size(w->dt);
    cl_int row0 = first, count = n, paired = w->paired, row_stride = w->columns * w->taps, tap_stride = 1;
    ocl_arg args[] = {ARG(w->mem), ARG(zero),       ARG(from),       ARG(element),   ARG(w->rows),
                      ARG(row0),   ARG(count),      ARG(w->columns), ARG(w->taps),   ARG(w->panel),
                      ARG(paired), ARG(row_stride), ARG(w->taps),    ARG(tap_stride)};
    ocl_grid grid = {{(size_t)(w->columns + PACK_BLOCK - 1) / PACK_BLOCK, (size_t)weight_panels(w), 1}, {1, 1, 1}, 0};
    return ocl_run(ws->o, 0, ws->pack[w->dt == F16], "load", grid, args, sizeof args / sizeof *args);
}

static int pack_pairs(const weights *ws, const weight *w, int first, int n, cl_mem from, uint64_t at)
{
    cl_ulong zero = 0, element = at / (uint64_t)dtype_size(w->dt);
    cl_int row0 = first, count = n, paired = w->paired;
    ocl_arg args[] = {ARG(w->mem), ARG(zero),  ARG(from),       ARG(element), ARG(w->rows),
                      ARG(row0),   ARG(count), ARG(w->columns), ARG(w->taps), ARG(paired)};
    ocl_grid grid = {{(size_t)(w->columns + PACK_BLOCK - 1) / PACK_BLOCK, (size_t)weight_panels(w), 1}, {1, 1, 1}, 0};
    return ocl_run(ws->o, 0, ws->pack_pairs[w->dt == F16], "load", grid, args, sizeof args / sizeof *args);
}

int weight_pack(const weights *ws, const weight *w, int first, int n, cl_mem from, uint64_t at)
{
    uint64_t row = (uint64_t)w->columns * (uint64_t)w->taps * (uint64_t)dtype_size(weight_row_dtype(w));
    if (w->layout == LAYOUT_PANELS || w->layout == LAYOUT_COLUMNS) return pack_panels(ws, w, first, n, from, at);
    if (w->layout == LAYOUT_PAIRS) return pack_pairs(ws, w, first, n, from, at);
    return ocl_copy(ws->o, w->mem, (uint64_t)first * row, from, at, (uint64_t)n * row);
}
