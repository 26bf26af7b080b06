/* SPDX-License-Identifier: MIT */
/* What the device can do at best, measured: the yardsticks of the benchmarks. */
#ifndef SDCL_OPS_PEAK_H
#define SDCL_OPS_PEAK_H

#include "ocl/ocl.h"

/* Multiply-adds in f32, all compute units busy, in GFLOP/s (two operations each). Takes about 0.2 s, and a compilation. */
int peak_fma(ocl *o, double *gflops);
/* Copying from buffer to buffer, in GB/s read and written. The buffers, of up to 256 MB, are freed again. */
int peak_copy(ocl *o, double *gbytes);

#endif
