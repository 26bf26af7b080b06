/* SPDX-License-Identifier: MIT */
#include "ops/subgroup.h"

#include "ocl/probe.h"
#include "ocl/source.h"

#include <stdio.h>
#include <string.h>

/* Of a segment. Where the width is the host's to choose, wider ones than 16 halve the registers of an item. */
enum { LANES_MAX = 32, REQUIRED_LANES_MAX = 16 };
enum { SIZES_MAX = 8, ITEMS = 64, GROUPS = 3 };

subgroup subgroup_offered(const ocl_device *d, int lanes)
{
    size_t sizes[SIZES_MAX], width = 0;
    int n = ocl_subgroup_sizes(d, sizes, SIZES_MAX);
    if (lanes < 2 || lanes > LANES_MAX) return (subgroup){EXCHANGE_NONE, 0, 0};
    if (ocl_device_lists(d, "cl_intel_required_subgroup_size")) {
        for (int i = 0; i < n; i++)
            if (sizes[i] >= (size_t)lanes && (!width || sizes[i] < width)) width = sizes[i];
        exchange how = ocl_device_lists(d, "cl_intel_subgroups")        ? EXCHANGE_INTEL
                       : ocl_device_lists(d, "cl_khr_subgroup_shuffle") ? EXCHANGE_KHR
                                                                        : EXCHANGE_NONE;
        return (subgroup){width ? how : EXCHANGE_NONE, (int)width, lanes};
    }
    if (n != 1 || sizes[0] < (size_t)lanes) return (subgroup){EXCHANGE_NONE, 0, 0};
    /* AMD's wavefronts of 32 or 64 are both whole segments; of a warp every item must be there. */
    if (ocl_device_lists(d, "cl_nv_device_attribute_query")) return (subgroup){EXCHANGE_NVIDIA, (int)sizes[0], lanes};
    return (subgroup){EXCHANGE_AMD, lanes, lanes};
}

void subgroup_options(char text[SUBGROUP_OPTIONS], subgroup s)
{
    snprintf(text, SUBGROUP_OPTIONS, "-DEXCHANGE=%d -DWIDTH=%d -DLANES=%d", (int)s.how, s.width, s.lanes);
}

/* Whole numbers whose sums are exact, no two of a segment the same. */
static float value(int i) { return (float)(i * 37 % 1009 - 300); }

static bool right(const float *y, int n, int lanes)
{
    for (int i = 0; i < n; i++) {
        float most = value(i / lanes * lanes), sum = 0;
        for (int j = i / lanes * lanes; j < (i / lanes + 1) * lanes; j++) {
            if (value(j) > most) most = value(j);
            sum += value(j + 7);
        }
        if (y[2 * i] != most || y[2 * i + 1] != sum) return false;
    }
    return true;
}

enum { PROBE_OPTIONS = SUBGROUP_OPTIONS + 16 };

static void probe_options(char text[PROBE_OPTIONS], subgroup s)
{
    subgroup_options(text, s);
    snprintf(text + strlen(text), 16, " -DROWS=%d", ITEMS / s.lanes);
}

bool subgroup_works(const ocl *o, subgroup s)
{
    enum { N = GROUPS * ITEMS };
    int err = 0, rows = ITEMS / s.lanes;
    char options[PROBE_OPTIONS];
    float values[2 * N], got[2 * N];
    ocl *own = NULL;
    ocl_kernel *k;
    ocl_grid grid = {{GROUPS, 1, 1}, {(size_t)s.lanes, (size_t)rows, 1}, 0};
    probe_options(options, s);
    for (int i = 0; i < N; i++) {
        values[2 * i] = value(i);
        values[2 * i + 1] = value(i + 7);
    }
    TRY(ocl_open(&own, ocl_device_of(o), ocl_config_of(o), false));
    TRY(ocl_probe_kernel(own, &k, "subgroup_probe", options, grid, values, got, sizeof got));
    if (!right(got, N, s.lanes)) err = FAIL(SDCL_ERESULT, "wrong values");
out:
    ocl_close(&own);
    return !err;
}

static int sum_of_kernel(ocl *o, int power, uint64_t *sum)
{
    char options[PROBE_OPTIONS];
    probe_options(options, subgroup_offered(ocl_device_of(o), 1 << power));
    return source_kernel_hash(sum, "subgroup_probe", options);
}

static int ask(ocl *o, int power) { return subgroup_works(o, subgroup_offered(ocl_device_of(o), 1 << power)); }

subgroup subgroup_proved(ocl *o, int lanes, int items)
{
    int power = 0;
    static const probe_question works = {PROBE_SUBGROUP, PROBE_PROVED, sum_of_kernel, ask, NULL};
    const subgroup none = {EXCHANGE_NONE, 0, 0};
    subgroup s = subgroup_offered(ocl_device_of(o), lanes);
    while (1 << power < lanes) power++;
    if (s.how == EXCHANGE_NONE || items % s.width) return none;
    return ocl_probe_kept(o, &works, power) ? s : none;
}

bool subgroup_of_rows(ocl *o, int wg, char text[SUBGROUP_OPTIONS])
{
    bool required = subgroup_offered(ocl_device_of(o), 2).how <= EXCHANGE_INTEL;
    int most = required ? REQUIRED_LANES_MAX : LANES_MAX, lanes = 1;
    while (2 * lanes <= most && wg % (2 * lanes) == 0) lanes *= 2;
    subgroup s = subgroup_proved(o, lanes, wg);
    if (s.how != EXCHANGE_NONE) subgroup_options(text, s);
    return s.how != EXCHANGE_NONE;
}
