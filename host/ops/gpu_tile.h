/* SPDX-License-Identifier: MIT */
/* The tile of the local-memory kernels, cl/tile_gpu.h: its tunables, declared once for GEMM and convolutions, and what they must satisfy. */
#ifndef SDCL_OPS_GPU_TILE_H
#define SDCL_OPS_GPU_TILE_H

#include "ops/launch.h"

#define GPU_TILE_BLOCKS(P)                                                                                             \
    P(BM, 64, "16 32 64 128", "rows (pixels) of a work-group's tile")                                                  \
    P(BN, 64, "16 32 64 128", "columns (output channels) of a work-group's tile")                                      \
    P(BK, 16, "8 16 32", "summed values (input channels) in local memory at a time")                                   \
    P(TM, 8, "1 2 4 8", "rows of a work-item")                                                                         \
    P(TN, 4, "2 4 8", "columns of a work-item")                                                                        \
    P(VW, 4, "1 2 4 8", "values of a load from global memory")                                                         \
    P(LV, 2, "1 2 4", "values of a load from local memory")                                                            \
    P(PAD, 2, "0 1 2 4 8", "values between rows of x in local memory, against bank conflicts")                         \
    P(DB, 1, "1 2", "blocks in local memory: with two, one barrier a block")                                           \
    P(SW, 4, "1 2 4 8 16", "blocks of rows that groups walk down before the next panel")                               \
    P(KU, 2, "1 2 4 8", "values of K that the inner loop is unrolled by")
#define GPU_TILE_TUNE(P)                                                                                               \
    GPU_TILE_BLOCKS(P)                                                                                                 \
    P(MATH, 0, "f32 f16", "f16: products in half at --precision f16, where the device proves that it can")             \
    P(KCHUNK, 8, "4 8 16 32", "most products summed in half before they are added to a float")

typedef struct gpu_tile {
    GPU_TILE_TUNE(OCL_TUNABLE_FIELD)
} gpu_tile;

/* ocl_fits_fn of kernels with these tunables: the tile divides into items and their loads, and local memory and the group hold it. */
bool gpu_tile_fits(const ocl_device *d, ocl_shape shape, const void *tune);
/* The same for one that always multiplies in f32 and has GPU_TILE_BLOCKS alone. */
bool gpu_tile_f32_fits(const ocl_device *d, ocl_shape shape, const void *tune);
/* Work-groups for m rows and n columns. */
size_t gpu_tile_groups(const gpu_tile *t, int m, int n);
/* Items of a group in dimensions 0 and 1. */
size_t gpu_tile_items0(const gpu_tile *t);
size_t gpu_tile_items1(const gpu_tile *t);

/* How a kernel of the tile finishes; compiled in. */
typedef struct gpu_tile_use {
    dtype x, w, y;
    int flags; /* of the epilogue, ops/matmul.h */
    int norm;  /* 0: x is used as it is; 1: x * norm[0] + norm[1]; 2: and its SiLU */
} gpu_tile_use;

/* op_kernel for a kernel of the tile. */
int gpu_tile_kernel(plan *p, ocl_kernel **k, const ocl_section *section, gpu_tile *t, const gpu_tile_use *u);

#endif
