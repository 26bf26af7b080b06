/* SPDX-License-Identifier: MIT */
#include "ops/half_probe.h"

#include "base/half.h"
#include "ocl/probe.h"

#include <string.h>

enum { VALUES = 256 };

/* Values between -4 and 4 whose double minus one is a half, too: nothing is rounded. */
static void fill(uint16_t *x, uint16_t *want)
{
    for (int i = 0; i < VALUES; i++) {
        float v = (float)(i - VALUES / 2) / 32;
        x[i] = float_to_half(v);
        want[i] = float_to_half(2 * v - 1);
    }
}

/* Does the kernel compile, run and compute rightly? */
static bool computes(ocl *o, const char *options, int *multiple)
{
    int err = 0;
    cl_mem x = NULL, y = NULL;
    ocl_kernel *k;
    uint16_t in[VALUES], want[VALUES], got[VALUES] = {0};
    ocl_grid grid = {{VALUES, 1, 1}, {1, 1, 1}, 0};
    fill(in, want);
    TRY(ocl_kernel_get(o, &k, "probe", options));
    TRY(ocl_kernel_wait(o, k));
    *multiple = ocl_kernel_multiple(o, k);
    TRY(ocl_buffer_new(o, &x, sizeof in));
    TRY(ocl_buffer_new(o, &y, sizeof got));
    TRY(ocl_write(o, x, 0, sizeof in, in));
    TRY(ocl_write(o, y, 0, sizeof got, got)); /* else memory may hold an earlier trial's */
    const ocl_arg args[] = {ARG(y), ARG(x)};
    TRY(ocl_run(o, 0, k, "probe", grid, args, 2));
    TRY(ocl_read(o, y, 0, sizeof got, got));
    if (memcmp(got, want, sizeof got)) err = FAIL(SDCL_ERESULT, "wrong halves");
out:
    ocl_buffer_free(o, &x);
    ocl_buffer_free(o, &y);
    return !err;
}

bool half_arithmetic_offered(const ocl_device *d)
{
    return d->info.has_fp16 || ocl_device_lists(d, "cl_nv_device_attribute_query");
}

static int arithmetic(ocl *o, int subject)
{
    int multiple;
    ocl *own = NULL;
    (void)subject;
    bool right = !ocl_open(&own, ocl_device_of(o), ocl_config_of(o), false) &&
                 computes(own, "-DARITHMETIC=1", &multiple);
    ocl_close(&own);
    return right;
}

bool half_arithmetic_works(ocl *o)
{
    return half_arithmetic_offered(ocl_device_of(o)) && ocl_probe_once(o, PROBE_HALF, 0, arithmetic);
}

bool half_storage_works(ocl *o, int *multiple) { return computes(o, "-DARITHMETIC=0", multiple); }
