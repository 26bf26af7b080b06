/* SPDX-License-Identifier: MIT */
#include "ops/half_probe.h"

#include "base/half.h"
#include "ocl/probe.h"
#include "ocl/source.h"

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
    ocl_kernel *k;
    uint16_t in[VALUES], want[VALUES], got[VALUES];
    ocl_grid grid = {{VALUES, 1, 1}, {1, 1, 1}, 0};
    fill(in, want);
    TRY(ocl_probe_kernel(o, &k, "probe", options, grid, in, got, sizeof in));
    *multiple = ocl_kernel_multiple(o, k);
    if (memcmp(got, want, sizeof got)) err = FAIL(SDCL_ERESULT, "wrong halves");
out:
    return !err;
}

bool half_arithmetic_offered(const ocl_device *d)
{
    return d->info.has_fp16 || ocl_device_lists(d, "cl_nv_device_attribute_query");
}

static const char in_half[] = "-DARITHMETIC=1";

static int arithmetic(ocl *o, int subject)
{
    int multiple;
    ocl *own = NULL;
    (void)subject;
    bool right = !ocl_open(&own, ocl_device_of(o), ocl_config_of(o), false) && computes(own, in_half, &multiple);
    ocl_close(&own);
    return right;
}

static int sum_of_kernel(ocl *o, int subject, uint64_t *sum)
{
    (void)o;
    (void)subject;
    return source_kernel_hash(sum, "probe", in_half);
}

bool half_arithmetic_works(ocl *o)
{
    static const probe_question works = {PROBE_HALF, PROBE_PROVED, sum_of_kernel, arithmetic, NULL};
    return half_arithmetic_offered(ocl_device_of(o)) && ocl_probe_kept(o, &works, 0);
}

bool half_storage_works(ocl *o, int *multiple) { return computes(o, "-DARITHMETIC=0", multiple); }
