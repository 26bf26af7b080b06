/* SPDX-License-Identifier: MIT */
#include "ops/peak.h"

#include "base/clock.h"

#include <stdio.h>

enum {
    CHAINS = 10,
    ROUNDS_MIN = 1 << 12,
    ROUNDS_MAX = 1 << 24,
    RUNS = 7,
    GPU_GROUP = 256, /* work-items */
    COPY_BYTES_MAX = 256 << 20
};

#define LONG_ENOUGH 0.02 /* seconds: beside that, a launch costs nothing */

/* Seconds of one launch. */
static int timed(ocl *o, ocl_kernel *k, size_t groups, size_t local, const ocl_arg *args, int count, double *seconds)
{
    int err = 0;
    ocl_grid grid = {{groups, 1, 1}, {local, 1, 1}, 0};
    double begin = seconds_now();
    TRY(ocl_run(o, 0, k, "peak", grid, args, count));
    TRY(ocl_finish(o));
    *seconds = seconds_now() - begin;
out:
    return err;
}

/* The shortest of several. */
static int best(ocl *o, ocl_kernel *k, size_t groups, size_t local, const ocl_arg *args, int count, double *seconds)
{
    int err = 0;
    *seconds = 1e30;
    for (int i = 0; i < RUNS; i++) {
        double one;
        TRY(timed(o, k, groups, local, args, count, &one));
        if (one < *seconds) *seconds = one;
    }
out:
    return err;
}

int peak_fma(ocl *o, double *gflops)
{
    int err = 0;
    const ocl_device *d = ocl_device_of(o);
    size_t local = d->cpu ? 1 : d->info.max_work_group < GPU_GROUP ? d->info.max_work_group : GPU_GROUP;
    size_t groups = (size_t)ocl_units(o) * (d->cpu ? 4 : 32), items = groups * local;
    cl_float a = 0.5f, b = 1;
    cl_int rounds = ROUNDS_MIN;
    cl_mem y = NULL;
    ocl_kernel *k;
    char options[96];
    double seconds = 0;
    snprintf(options, sizeof options, "-DWG=%zu -DWIDTH=%d -DCHAINS=%d", local, d->float_lanes, CHAINS);
    TRY(ocl_kernel_get(o, &k, "peak_fma", options));
    TRY(ocl_kernel_wait(o, k));
    TRY(ocl_buffer_new(o, &y, items * (size_t)d->float_lanes * sizeof(cl_float)));
    const ocl_arg args[] = {ARG(y), ARG(a), ARG(b), ARG(rounds)};
    TRY(timed(o, k, groups, local, args, 4, &seconds)); /* drivers prepare a kernel at its first launch */
    TRY(timed(o, k, groups, local, args, 4, &seconds));
    while (seconds < LONG_ENOUGH && rounds < ROUNDS_MAX) {
        rounds *= 2;
        TRY(timed(o, k, groups, local, args, 4, &seconds));
    }
    TRY(best(o, k, groups, local, args, 4, &seconds));
    *gflops = 2.0 * rounds * CHAINS * d->float_lanes * (double)items / seconds * 1e-9;
out:
    ocl_buffer_free(o, &y);
    return err;
}

int peak_copy(ocl *o, double *gbytes)
{
    int err = 0;
    const ocl_device *d = ocl_device_of(o);
    size_t local = d->cpu ? 1 : d->info.max_work_group < GPU_GROUP ? d->info.max_work_group : GPU_GROUP;
    size_t rows = d->cpu ? 4096 : 4, block = rows * local * 16 * sizeof(cl_float), bytes = COPY_BYTES_MAX;
    cl_mem x = NULL, y = NULL;
    ocl_kernel *k;
    char options[96];
    double seconds;
    if (bytes > d->info.max_alloc_bytes) bytes = (size_t)d->info.max_alloc_bytes;
    if (bytes > d->info.global_bytes / 8) bytes = (size_t)(d->info.global_bytes / 8);
    size_t groups = bytes / block;
    if (!groups) return FAIL(SDCL_ENOMEM, "%s has no memory to copy", d->info.name);
    snprintf(options, sizeof options, "-DWG=%zu -DROWS=%zu", local, rows);
    TRY(ocl_kernel_get(o, &k, "peak_copy", options));
    TRY(ocl_kernel_wait(o, k));
    TRY(ocl_buffer_new(o, &x, groups * block));
    TRY(ocl_buffer_new(o, &y, groups * block));
    const ocl_arg args[] = {ARG(y), ARG(x)}, back[] = {ARG(x), ARG(y)};
    TRY(timed(o, k, groups, local, back, 2,
              &seconds)); /* pages that nobody wrote are one page of zeros on a CPU: reading them is free */
    TRY(timed(o, k, groups, local, args, 2, &seconds));
    TRY(best(o, k, groups, local, args, 2, &seconds));
    *gbytes = 2.0 * (double)(groups * block) / seconds * 1e-9;
out:
    ocl_buffer_free(o, &x);
    ocl_buffer_free(o, &y);
    return err;
}
