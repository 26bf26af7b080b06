/* SPDX-License-Identifier: MIT */
#include "common.h"

/* y (n, tokens, c) = table[ids] + position.  ids (n, tokens) within the table; table (vocabulary, c) WT; position (tokens, c) PT
 *   launch: one work-item per (token, image) */
#define LOADP(p, i) JOIN(LOAD_, PT)(p, i)
__kernel void embed(__global YTYPE *y, ulong yo, __global const int *ids, ulong io, __global const WTYPE *table,
                    __global const JOIN(TYPE_, PT) *position, int tokens, int c, int ldy)
{
    int t = (int)get_global_id(0), row = (int)get_global_id(1) * tokens + t;
    size_t id = (size_t)ids[io + (size_t)row];
    for (int k = 0; k < c; k++)
        STOREY(LOADW(table, id * (size_t)c + (size_t)k) + LOADP(position, (size_t)t * (size_t)c + (size_t)k), y + yo,
               (size_t)row * (size_t)ldy + (size_t)k);
}
