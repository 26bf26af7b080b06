/* SPDX-License-Identifier: MIT */
#include "ops/gpu_tile.h"
#include "ops/half_probe.h"
#include "ops/matmul.h"

#include <string.h>

enum { SUMS_MAX = 64 }; /* of an item: more do not stay in registers */

bool gpu_tile_fits(const ocl_device *d, ocl_shape shape, const void *tune)
{
    const gpu_tile *t = tune;
    (void)shape;
    if (t->BM % t->TM || t->BN % t->TN || t->TM * t->TN > SUMS_MAX) return false;
    int items = t->BM / t->TM * (t->BN / t->TN), loads = t->VW * items;
    uint64_t local = (uint64_t)(t->DB * t->BK * (t->BM + t->PAD + t->BN)) * 4;
    return t->BM * t->BK % loads == 0 && t->BN * t->BK % loads == 0 && t->BK % t->VW == 0 && t->TM % t->LV == 0 &&
           t->PAD % t->LV == 0 && t->BK % t->KU == 0 &&
           (!t->MATH || (t->BK % t->KCHUNK == 0 && t->KCHUNK % t->KU == 0)) && local <= d->info.local_bytes &&
           group_fits(d, t->BN / t->TN, t->BM / t->TM);
}

struct blocks {
    GPU_TILE_BLOCKS(OCL_TUNABLE_FIELD)
};

bool gpu_tile_f32_fits(const ocl_device *d, ocl_shape shape, const void *tune)
{
    gpu_tile t = {0};
    memcpy(&t, tune, sizeof(struct blocks)); /* what both begin with */
    return gpu_tile_fits(d, shape, &t);
}

size_t gpu_tile_groups(const gpu_tile *t, int m, int n) { return ceil_div(m, t->BM) * ceil_div(n, t->BN); }
size_t gpu_tile_items0(const gpu_tile *t) { return (size_t)(t->BN / t->TN); }
size_t gpu_tile_items1(const gpu_tile *t) { return (size_t)(t->BM / t->TM); }

int gpu_tile_kernel(plan *p, ocl_kernel **k, const ocl_section *section, gpu_tile *t, const gpu_tile_use *u)
{
    if (t->MATH && (u->x != F16 || !half_arithmetic_works(plan_ocl(p)))) t->MATH = 0;
    return op_kernel(p, k, section, t, "-DXT=%s -DWT=%s -DYT=%s -DNORM=%d -DGEGLU=%d -DACT=%d", dtype_option_name(u->x),
                     dtype_option_name(u->w), dtype_option_name(u->y), u->norm, (u->flags & FLAG_GEGLU) != 0,
                     u->flags >> FLAG_ACT_SHIFT & 3);
}
