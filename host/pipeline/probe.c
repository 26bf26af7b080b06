/* SPDX-License-Identifier: MIT */
/* sdcl_probe: what a device can do. */
#include "ops/gpu_matrix.h"
#include "ops/half_probe.h"
#include "ops/ops.h"
#include "ops/subgroup.h"
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

static void note_exchange(ocl *o, sdcl_capabilities *c)
{
    for (int lanes = 4; lanes <= 32; lanes *= 2) {
        subgroup s = subgroup_offered(ocl_device_of(o), lanes);
        if (s.how != EXCHANGE_NONE && subgroup_proved(o, lanes, s.width).how != EXCHANGE_NONE)
            c->subgroup_exchange[c->subgroup_exchange_count++] = (size_t)lanes;
    }
}

static void note_engine(sdcl_capabilities *c, const char *name, bool works, double speed)
{
    snprintf(c->matrix_offered[c->matrix_offered_count++], sizeof c->matrix_offered[0], "%s", name);
    if (!works) return;
    c->matrix_speed[c->matrix_count] = speed;
    snprintf(c->matrix[c->matrix_count++], sizeof c->matrix[0], "%s", name);
}

static void note_cpu_matrix(ocl *o, sdcl_capabilities *c)
{
    static const char *const names[X86_ENGINES] = {[X86_DOT] = "avx512_bf16", [X86_AMX] = "amx_bf16"};
    for (int e = X86_DOT; e < X86_ENGINES; e++)
        if (x86_matrix_offered(ocl_device_of(o), (x86_engine)e))
            note_engine(c, names[e], x86_matrix_works(o, (x86_engine)e), x86_matrix_speed(o, (x86_engine)e));
    x86_engine best = c->matrix_count ? x86_matrix_best(o) : X86_NONE;
    if (best != X86_NONE) snprintf(c->matrix_best, sizeof c->matrix_best, "%s", names[best]);
}

static void note_gpu_matrix(ocl *o, sdcl_capabilities *c)
{
    gpu_engine e = gpu_engine_offered(ocl_device_of(o));
    if (e == GPU_NONE) return;
    note_engine(c, gpu_engine_name(e), gpu_engine_works(o, e), gpu_engine_speed(o, e));
    if (gpu_engine_pays(o, e)) snprintf(c->matrix_best, sizeof c->matrix_best, "%s", gpu_engine_name(e));
}

int sdcl_probe(int index, sdcl_capabilities *c)
{
    int err = 0, count = 0;
    ocl_device *list = NULL;
    config *values = NULL;
    ocl *o = NULL;
    int multiple = 0;
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
    c->half_storage = half_storage_works(o, &multiple);
    c->half_arithmetic = half_arithmetic_works(o);
    c->group_multiple = (size_t)multiple;
    c->subgroup_size_count = ocl_subgroup_sizes(d, c->subgroup_sizes, 8);
    note_exchange(o, c);
    (d->cpu ? note_cpu_matrix : note_gpu_matrix)(o, c);
    note_configs(&d->info, values, c);
out:
    ocl_close(&o);
    config_close(&values);
    free(list);
    return err;
}
