/* SPDX-License-Identifier: MIT */
/* Which sections of a configuration a device cannot run, before a plan asks for them. */
#include "ops/gpu_matrix.h"
#include "ops/matmul.h"

#include <stdio.h>
#include <string.h>

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n >= m && !strcmp(name + n - m, end);
}

typedef struct asking {
    const char *op;
    int op_length;
    const char *end;
    bool found;
} asking;

static void note_impl(void *user, const char *section, const char *key, const char *value, const char *origin)
{
    asking *a = user;
    (void)origin;
    bool of_op = !strncmp(section, a->op, (size_t)a->op_length) && strchr(". ", section[a->op_length]);
    if (of_op && !strcmp(key, "impl") && ends_with(value, a->end)) a->found = true;
}

/* Does the op of a kernel ask, at some precision or shape, for an implementation whose name ends so? */
static bool is_asked_for(const config *c, const ocl_section *kernel, const char *end)
{
    const char *op = strncmp(kernel->name, "winograd", strlen("winograd")) != 0 ? kernel->name : "conv3x3";
    asking a = {op, (int)strcspn(op, "_"), end, false};
    config_each(c, note_impl, &a);
    return a.found;
}

/* Kernels for the other class of devices, and matrix instructions, for which others stand in. */
static bool is_spare(const config *c, const ocl_device *d, const ocl_section *section)
{
    if (section == &gemm_matrix_gpu_kernel) return !is_asked_for(c, section, "matrix_gpu");
    if (ends_with(section->name, d->cpu ? "_gpu" : "_cpu")) return !is_asked_for(c, section, d->cpu ? "gpu" : "cpu");
    return false;
}

static bool lacks_engine(const ocl_device *d, const ocl_section *section, const int *values)
{
    if (section != &gemm_matrix_gpu_kernel || gpu_engine_offered(d) != GPU_NONE) return false;
    for (int i = 0; i < section->count; i++)
        if (!strcmp(section->tunables[i].name, "ENGINE")) return values[i] == GPU_NONE;
    return false;
}

typedef struct judged {
    const ocl_device *device;
    const ocl_section *section;
    ocl_shape shape;
} judged;

static bool fits_there(void *user, const int *values)
{
    const judged *j = user;
    return section_fits(j->device, j->section, j->shape, values);
}

config_verdict ops_judge(void *device, const config *c, const ocl_section *section, ocl_shape shape, const int *values,
                         char *why, size_t size)
{
    char text[256], instead[256];
    const ocl_device *d = device;
    ocl_device boundless = *d;
    bool here = d->id != NULL; /* else its limits are unknown */
    boundless.info.max_work_group = boundless.max_items[0] = boundless.max_items[1] = INT32_MAX;
    boundless.info.local_bytes = INT64_MAX;
    if (lacks_engine(d, section, values)) {
        if (!here) return CONFIG_FITS;
        snprintf(why, size, "the device has no matrix instructions that ENGINE = auto could choose");
        return is_spare(c, d, section) ? CONFIG_SPARE : CONFIG_UNFIT;
    }
    bool together = section_fits(&boundless, section, shape, values);
    if (together && (!here || section_fits(d, section, shape, values))) return CONFIG_FITS;
    config_values_text(c, section, values, text, sizeof text);
    if (section->count == 1) snprintf(why, size, "%s does not work on this device", text);
    else if (!together) snprintf(why, size, "%s do not go together", text);
    else
        snprintf(why, size, "%s want more than the device has: %zu work-items in a group, %llu bytes of local memory",
                 text, d->info.max_work_group, (unsigned long long)d->info.local_bytes);
    config_repairs(c, section, values, fits_there, &(judged){here ? d : &boundless, section, shape}, instead,
                   sizeof instead);
    size_t n = strlen(why);
    if (*instead && n < size) snprintf(why + n, size - n, "; one of these would do: %s", instead);
    return is_spare(c, d, section) ? CONFIG_SPARE : CONFIG_UNFIT;
}
