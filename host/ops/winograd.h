/* SPDX-License-Identifier: MIT */
/* What the implementations of Winograd's minimal filtering for CPUs and for GPUs share. */
#ifndef SDCL_OPS_WINOGRAD_H
#define SDCL_OPS_WINOGRAD_H

#include "ops/matmul.h"

/* How an output image is cut. */
typedef struct winograd_tiles {
    int side, points; /* output pixels along a side of a tile; products that a tile takes */
    int th, tw;       /* tile rows of an image, tiles of a row */
} winograd_tiles;

/* side: the tunable TILE. 6 where that saves products: else 4, which rounds less. */
winograd_tiles winograd_tiles_of(tensor y, int side);

/* The arguments that both input transforms begin with, v: what they write. */
void winograd_input_args(args *a, const plan *p, const step *s, tensor v, const winograd_tiles *t);
/* Sizes, strides and flags of both output transforms. */
void winograd_output_args(args *a, const step *s);

#endif
