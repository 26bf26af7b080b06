/* SPDX-License-Identifier: MIT */
/* NumPy files of a run's stages (format 1.0, C order, little endian). A NULL folder makes every function do nothing. */
#ifndef SDCL_PIPELINE_DUMP_H
#define SDCL_PIPELINE_DUMP_H

#include <stdint.h>

/* Creates the folder if it is missing. */
int dump_open(const char *folder);
/* name without ".npy". */
int dump_f32(const char *folder, const char *name, const float *data, int rank, const int *shape);
int dump_i32(const char *folder, const char *name, const int32_t *data, int rank, const int *shape);
/* Device latents (n, h, w, c) as (n, c, h, w). */
int dump_nchw(const char *folder, const char *name, const float *nhwc, int n, int h, int w, int c);

#endif
