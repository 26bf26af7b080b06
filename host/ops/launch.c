/* SPDX-License-Identifier: MIT */
#include "ops/launch.h"

#include "base/strbuf.h"
#include "ocl/source.h"
#include "ops/half_probe.h"
#include "ops/subgroup.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct fitting {
    const ocl_device *device;
    const ocl_section *section;
    ocl_shape shape;
} fitting;

bool section_fits(const ocl_device *d, const ocl_section *section, ocl_shape shape, const void *tune)
{
    for (int i = 0; i < section->count; i++)
        if (!strcmp(section->tunables[i].name, "WG") && !group_fits(d, ((const int *)tune)[i], 1)) return false;
    return !section->fits || section->fits(d, shape, tune);
}

bool tunable_matters(const ocl_device *d, const ocl_tunable *t, dtype dt)
{
    bool exchange = false;
    if (!strcmp(t->name, "MATH") || !strcmp(t->name, "KCHUNK")) return dt == F16 && half_arithmetic_offered(d);
    if (strcmp(t->name, "REDUCE") != 0) return true;
    for (int lanes = 2; lanes <= 32; lanes *= 2) exchange = exchange || subgroup_offered(d, lanes).how != EXCHANGE_NONE;
    return exchange;
}

static bool values_fit(void *user, const int *values)
{
    const fitting *f = user;
    return section_fits(f->device, f->section, f->shape, values);
}

bool tune_fits(const plan *p, const ocl_section *section, dtype dt, ocl_shape shape, void *tune)
{
    fitting f = {ocl_device_of(plan_ocl(p)), section, shape};
    return config_values_at(ocl_config_of(plan_ocl(p)), section, precision_word(dt), shape, values_fit, &f, tune);
}

int tune_values(plan *p, const ocl_section *section, dtype dt, ocl_shape shape, void *tune)
{
    char instead[256];
    fitting f = {ocl_device_of(plan_ocl(p)), section, shape};
    const config *values = ocl_config_of(plan_ocl(p));
    plan_use_section(p, section, dt, true);
    if (tune_fits(p, section, dt, shape, tune)) return 0;
    config_repairs(values, section, tune, values_fit, &f, instead, sizeof instead);
    int err = config_unfit(values, section, precision_word(dt), shape, tune, "this device");
    if (*instead) error_hint("one of these would: %s", instead);
    return err;
}

static void add_values(strbuf *options, const ocl_section *section, const int *value)
{
    for (int i = 0; i < section->count; i++) strbuf_printf(options, " -D%s=%d", section->tunables[i].name, value[i]);
}

int section_sum(const ocl_device *d, const config *values, const ocl_section *section, dtype dt, ocl_shape shape,
                uint64_t *sum)
{
    int value[OCL_TUNABLES_MAX];
    strbuf options = {0};
    fitting f = {d, section, shape};
    config_values_at(values, section, precision_word(dt), shape, values_fit, &f, value);
    add_values(&options, section, value);
    int err = options.failed ? FAIL(SDCL_ENOMEM, "out of memory")
                             : source_kernel_hash(sum, section->name, strbuf_text(&options));
    strbuf_free(&options);
    return err;
}

int shipped_values(const ocl *o, config **values)
{
    return config_open_shipped(values, ops_sections, &ocl_device_of(o)->info, NULL, 0);
}

bool group_fits(const ocl_device *d, int local0, int local1)
{
    return (size_t)local0 <= d->max_items[0] && (size_t)local1 <= d->max_items[1] &&
           (size_t)local0 * (size_t)local1 <= d->info.max_work_group;
}

int op_kernel(plan *p, ocl_kernel **k, const ocl_section *section, const void *tune, const char *format, ...)
{
    char extra[256];
    strbuf options = {0};
    va_list ap;
    va_start(ap, format);
    vsnprintf(extra, sizeof extra, format, ap);
    va_end(ap);
    strbuf_printf(&options, "%s", extra);
    add_values(&options, section, tune);
    int err = options.failed ? FAIL(SDCL_ENOMEM, "out of memory")
                             : ocl_kernel_get(plan_ocl(p), k, section->name, strbuf_text(&options));
    strbuf_free(&options);
    return err;
}

static void arg(args *a, arg_kind kind, size_t size)
{
    a->list[a->n] = (ocl_arg){size, &a->value[a->n]};
    a->kind[a->n++] = kind;
}

void arg_int(args *a, int v)
{
    a->value[a->n].i = v;
    arg(a, ARG_WORD, sizeof(cl_int));
}

void arg_ulong(args *a, cl_ulong v)
{
    a->value[a->n].off = v;
    arg(a, ARG_LONG, sizeof(cl_ulong));
}

void arg_float(args *a, float v)
{
    a->value[a->n].f = v;
    arg(a, ARG_WORD, sizeof(cl_float));
}

void arg_buffer(args *a, cl_mem mem)
{
    a->value[a->n].mem = mem;
    arg(a, ARG_BUFFER, sizeof(cl_mem));
}

void arg_mem(args *a, cl_mem mem, cl_ulong offset)
{
    arg_buffer(a, mem);
    arg_ulong(a, offset);
}

void arg_tensor(args *a, const plan *p, tensor t, tensor instead)
{
    if (!has(t)) t = instead;
    arg_mem(a, tensor_mem(p, t), tensor_off(p, t));
}

/* Into list: the buffers, then the scalars. Returns the number of buffers. */
static int pack(const args *a, ocl_arg *list, unsigned char *scalars)
{
    int buffers = 0;
    size_t bytes = 0;
    for (int kind = ARG_LONG; kind <= ARG_WORD; kind++)
        for (int i = 0; i < a->n; i++)
            if ((int)a->kind[i] == kind) {
                memcpy(scalars + bytes, a->list[i].value, a->list[i].size);
                bytes += a->list[i].size;
            }
    for (int i = 0; i < a->n; i++)
        if (a->kind[i] == ARG_BUFFER) list[buffers++] = a->list[i];
    list[buffers] = (ocl_arg){(bytes + 7) / 8 * 8, scalars};
    return buffers;
}

int args_run(args *a, const plan *p, ocl_kernel *k, const char *module, size_t groups0, size_t groups1, size_t groups2,
             size_t local0, size_t local1)
{
    ocl_grid grid = {{groups0, groups1, groups2}, {local0, local1, 1}, a->flops};
    ocl_arg list[ARGS_MAX];
    unsigned char scalars[8 * ARGS_MAX] = {0};
    if (!a->packed) return ocl_run(plan_ocl(p), plan_queue(p), k, module, grid, a->list, a->n);
    int buffers = pack(a, list, scalars);
    return ocl_run(plan_ocl(p), plan_queue(p), k, module, grid, list, buffers + 1);
}

int panel_vectors(int columns, int most)
{
    int best = most;
    for (int v = most - 1; v >= 2; v--)
        if (ceil_div(columns, 16 * v) * (size_t)v < ceil_div(columns, 16 * best) * (size_t)best) best = v;
    return best;
}

int cpu_panel(const weight *w, int most)
{
    return w->layout == LAYOUT_PANELS ? w->panel : 16 * panel_vectors(w->rows, most);
}

/* What all work-items of rb rows and pb panels cost, in rows x panels of one unit: rows are read, rounded and finished by each column of items, panels
 * are read by each row of them; where the items do not come out even, units wait. */
static size_t cost_of_blocks(size_t units, int rows, int panels, int rb, int pb)
{
    enum { ROW_COSTS_HALF = 2, PANEL_COSTS = 10 };
    size_t down = ceil_div(rows, rb), across = ceil_div(panels, pb), waiting = (units - down * across % units) % units;
    return (size_t)rows * (size_t)panels + (size_t)rows * across / ROW_COSTS_HALF +
           PANEL_COSTS * (size_t)panels * down + waiting * (size_t)rb * (size_t)pb;
}

void cpu_blocks(const plan *p, int rows, int panels, int mr, int rb_max, int pb_max, int *rb, int *pb)
{
    size_t units = (size_t)ocl_units(plan_ocl(p)), least = 0;
    int most_rows = rb_max, most_panels = pb_max < panels ? pb_max : panels;
    while (ceil_div(rows, most_rows) * ceil_div(panels, most_panels) < 2 * units) {
        if (most_rows >= 4 * mr || (most_panels == 1 && most_rows > mr))
            most_rows = (int)ceil_div(most_rows / 2, mr) * mr;
        else if (most_panels > 1) most_panels = (most_panels + 1) / 2;
        else break;
    }
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) {
            int r = (int)ceil_div(rows, mr * ((int)ceil_div(rows, most_rows) + i)) * mr,
                c = (int)ceil_div(panels, (int)ceil_div(panels, most_panels) + j);
            size_t cost = cost_of_blocks(units, rows, panels, r, c);
            if (least && cost >= least) continue;
            least = cost;
            *rb = r;
            *pb = c;
        }
}
