/* SPDX-License-Identifier: MIT */
#include "cli/json.h"
#include "cli/message.h"
#include "cli/verbs.h"

static void print_text(const sdcl_device *d)
{
    printf("%d  %s  %s\n", d->index, d->type, d->name);
    printf("   vendor    %s\n   platform  %s\n   driver    %s, %s\n", d->vendor, d->platform, d->driver, d->version);
    printf("   compute   %u units at %u MHz, work-groups up to %zu%s%s\n", d->compute_units, d->clock_mhz,
           d->max_work_group, d->has_fp16 ? ", fp16" : "", d->has_subgroups ? ", subgroups" : "");
    printf("   memory    %.0f MiB%s, one buffer up to %.0f MiB, local %.0f KiB\n", (double)d->global_bytes / (1 << 20),
           d->unified_memory ? " shared with the host" : "", (double)d->max_alloc_bytes / (1 << 20),
           (double)d->local_bytes / 1024);
}

static void print_sizes(const char *key, const size_t *sizes, int n)
{
    printf(",\"%s\":[", key);
    for (int i = 0; i < n; i++) printf("%s%zu", i ? "," : "", sizes[i]);
    putchar(']');
}

/* n texts of `size` bytes each. */
static void print_texts(const char *key, const char *texts, size_t size, int n)
{
    printf(",\"%s\":[", key);
    for (int i = 0; i < n; i++) {
        if (i) putchar(',');
        json_quote(stdout, texts + (size_t)i * size);
    }
    putchar(']');
}

static void print_text_value(const char *key, const char *value)
{
    printf(",\"%s\":", key);
    json_quote(stdout, value);
}

static void print_capabilities(int index)
{
    sdcl_capabilities c;
    if (sdcl_probe(index, &c)) {
        print_text_value("error", sdcl_last_error());
        return;
    }
    print_text_value("platform_version", c.platform_version);
    print_text_value("language", c.language);
    print_text_value("kernels", c.kernels);
    print_sizes("max_work_items", c.max_work_items, 3);
    printf(",\"group_multiple\":%zu,\"vector_floats\":%d,\"half_storage\":%s,\"half_arithmetic\":%s", c.group_multiple,
           c.vector_floats, c.half_storage ? "true" : "false", c.half_arithmetic ? "true" : "false");
    print_sizes("subgroup_sizes", c.subgroup_sizes, c.subgroup_size_count);
    print_sizes("subgroup_exchange", c.subgroup_exchange, c.subgroup_exchange_count);
    print_texts("matrix_offered", c.matrix_offered[0], sizeof c.matrix_offered[0], c.matrix_offered_count);
    print_texts("matrix", c.matrix[0], sizeof c.matrix[0], c.matrix_count);
    printf(",\"matrix_speed\":[");
    for (int i = 0; i < c.matrix_count; i++) printf("%s%.2f", i ? "," : "", c.matrix_speed[i]);
    putchar(']');
    print_text_value("matrix_best", c.matrix_best);
    print_texts("configs", c.configs[0], sizeof c.configs[0], c.config_count);
}

static void print_json(const sdcl_device *d)
{
    const struct {
        const char *key, *value;
    } texts[] = {{"type", d->type},         {"name", d->name},     {"vendor", d->vendor},
                 {"platform", d->platform}, {"driver", d->driver}, {"version", d->version}};
    printf("{\"index\":%d", d->index);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        printf(",\"%s\":", texts[i].key);
        json_quote(stdout, texts[i].value);
    }
    printf(",\"compute_units\":%u,\"clock_mhz\":%u,\"global_bytes\":%llu,\"max_alloc_bytes\":%llu,\"local_bytes\":%llu,"
           "\"max_work_group\":%zu,\"fp16\":%s,\"subgroups\":%s,\"unified_memory\":%s",
           d->compute_units, d->clock_mhz, (unsigned long long)d->global_bytes, (unsigned long long)d->max_alloc_bytes,
           (unsigned long long)d->local_bytes, d->max_work_group, d->has_fp16 ? "true" : "false",
           d->has_subgroups ? "true" : "false", d->unified_memory ? "true" : "false");
    print_capabilities(d->index);
    puts("}");
}

int cli_devices(const options *o)
{
    sdcl_device *list = NULL;
    int count = 0, err;
    TRY(cli_library(sdcl_devices(&list, &count)));
    for (int i = 0; i < count; i++) (o->json ? print_json : print_text)(&list[i]);
    if (!count) {
        err = cli_fail(SDCL_EDEVICE, "no OpenCL device");
        cli_hint("install your GPU's OpenCL driver, or pocl-opencl-icd for the CPU, which has to be able to write its "
                 "cache: $POCL_CACHE_DIR, "
                 "else ~/.cache/pocl");
    }
out:
    sdcl_free(list);
    return err;
}
