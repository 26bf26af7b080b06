/* SPDX-License-Identifier: MIT */
/* Which sections of a configuration a device cannot run, before a plan asks for them. */
#include "ops/gpu_matrix.h"
#include "ops/matmul.h"

#include <stdio.h>
#include <string.h>

enum { ASKED_MAX = 256 };

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n >= m && !strcmp(name + n - m, end);
}

typedef struct asking {
    const char *op;
    int op_length;
    const char *end;
    char *by; /* "[conv3x3] impl = gpu (my.ini:3)": the first that asks; "" where none does */
    size_t by_size;
} asking;

static void note_impl(void *user, const char *section, const char *key, const char *value, const char *origin)
{
    asking *a = user;
    bool of_op = !strncmp(section, a->op, (size_t)a->op_length) && strchr(". ", section[a->op_length]);
    if (!*a->by && of_op && !strcmp(key, "impl") && ends_with(value, a->end))
        snprintf(a->by, a->by_size, "[%s] impl = %s (%s)", section, value, origin);
}

/* Kernels for the other class of devices, and matrix instructions, for which others stand in: `end` is how names of implementations end that use them. */
static bool needs_asking(const ocl_device *d, const ocl_section *section, const char **end)
{
    *end = d->cpu ? "gpu" : "cpu";
    if (section == &gemm_matrix_gpu_kernel) *end = "matrix_gpu";
    return section == &gemm_matrix_gpu_kernel || ends_with(section->name, d->cpu ? "_gpu" : "_cpu");
}

/* Which value of the op of a kernel asks, at some precision or shape, for an implementation that nothing takes by itself. */
static bool is_spare(const config *c, const ocl_device *d, const ocl_section *section, char *by, size_t size)
{
    const char *end, *op = strncmp(section->name, "winograd", strlen("winograd")) != 0 ? section->name : "conv3x3";
    *by = 0;
    if (!needs_asking(d, section, &end)) return false;
    config_each(c, note_impl, &(asking){op, (int)strcspn(op, "_"), end, by, size});
    return !*by;
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
    char text[256], instead[256], by[ASKED_MAX];
    const ocl_device *d = device;
    ocl_device boundless = *d;
    bool here = d->id != NULL; /* else its limits are unknown */
    boundless.info.max_work_group = boundless.max_items[0] = boundless.max_items[1] = INT32_MAX;
    boundless.info.local_bytes = INT64_MAX;
    if (lacks_engine(d, section, values)) {
        if (!here) return CONFIG_FITS;
        bool spare = is_spare(c, d, section, by, sizeof by);
        snprintf(why, size, "%s%sthe device has no matrix instructions that ENGINE = auto could choose", by,
                 *by ? ": " : "");
        return spare ? CONFIG_SPARE : CONFIG_UNFIT;
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
    return is_spare(c, d, section, by, sizeof by) ? CONFIG_SPARE : CONFIG_UNFIT;
}
