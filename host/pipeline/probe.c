/* SPDX-License-Identifier: MIT */
/* sdcl_probe: what a device can do. */
#include "ops/half_probe.h"
#include "ops/ops.h"
#include "ops/x86_matrix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void note_configs(const sdcl_device *device, const config *values, sdcl_capabilities *c)
{
    const char *names[CONFIG_SHIPPED_MAX];
    int n = config_shipped_files(device, names);
    for (int i = 0; i < n; i++) snprintf(c->configs[c->config_count++], sizeof c->configs[0], "%s", names[i]);
    char *tuned = config_is_tuned(values) ? config_tuned_path(device, false) : NULL;
    if (tuned) snprintf(c->configs[c->config_count++], sizeof c->configs[0], "%s", tuned);
    free(tuned);
}

static void note_matrix(ocl *o, sdcl_capabilities *c)
{
    static const char *const names[X86_ENGINES] = {[X86_DOT] = "avx512_bf16", [X86_AMX] = "amx_bf16"};
    if (!ocl_device_of(o)->cpu) return;
    for (int e = X86_DOT; e < X86_ENGINES; e++)
        if (x86_matrix_works(o, (x86_engine)e))
            snprintf(c->matrix[c->matrix_count++], sizeof c->matrix[0], "%s", names[e]);
    x86_engine best = c->matrix_count ? x86_matrix_best(o) : X86_NONE;
    if (best != X86_NONE) snprintf(c->matrix_best, sizeof c->matrix_best, "%s", names[best]);
}

int sdcl_probe(int index, sdcl_capabilities *c)
{
    int err = 0, count = 0;
    ocl_device *list = NULL;
    config *values = NULL;
    ocl *o = NULL;
    half_probe halves;
    *c = (sdcl_capabilities){0};
    TRY(ocl_device_list(&list, &count));
    if (index < 0 || index >= count) TRY(FAIL(SDCL_EDEVICE, "there is no device %d", index));
    const ocl_device *d = &list[index];
    TRY(config_open(&values, ops_sections, &d->info, NULL, NULL, 0));
    TRY(ocl_open(&o, d, values, false));
    ocl_build_apart(o);
    ocl_platform_version(d, c->platform_version, sizeof c->platform_version);
    ocl_language_version(d, c->language, sizeof c->language);
    snprintf(c->kernels, sizeof c->kernels, "%s", d->cpu ? "cpu" : "gpu");
    memcpy(c->max_work_items, d->max_items, sizeof c->max_work_items);
    c->vector_floats = d->float_lanes;
    half_probe_run(o, &halves);
    c->half_storage = halves.storage;
    c->half_arithmetic = halves.arithmetic;
    c->group_multiple = (size_t)halves.multiple;
    c->subgroup_size_count = ocl_subgroup_sizes(d, c->subgroup_sizes, 8);
    note_matrix(o, c);
    note_configs(&d->info, values, c);
out:
    ocl_close(&o);
    config_close(&values);
    free(list);
    return err;
}
