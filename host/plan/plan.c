/* SPDX-License-Identifier: MIT */
/* Building, lowering and running. Choosing is in choose.c, placing in place.c. */
#include "plan/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int plan_new(plan **out_plan, ocl *o, const char *name)
{
    plan *p = calloc(1, sizeof *p);
    *out_plan = NULL;
    if (p) p->name = strdup(name);
    if (!p || !p->name) {
        free(p);
        return FAIL(SDCL_ENOMEM, "out of memory");
    }
    p->o = o;
    p->preparing = -1;
    *out_plan = p;
    return 0;
}

void plan_free(plan **p_)
{
    plan *p = *p_;
    if (!p) return;
    for (int i = 0; i < p->chunks && p->owns; i++) ocl_buffer_free(p->o, &p->chunk[i]);
    for (int i = 0; i < p->allocation_count; i++) free(p->allocations[i]);
    free(p->allocations);
    free(p->steps);
    free(p->buffers);
    free(p->name);
    free(p->gave_way);
    strbuf_free(&p->scope);
    free(p);
    *p_ = NULL;
}

ocl *plan_ocl(const plan *p) { return p->o; }
void plan_set_precision(plan *p, dtype dt)
{
    p->precision = dt;
    p->activation = precision_storage(dt);
}
dtype plan_precision(const plan *p) { return p->precision; }
dtype plan_activation(const plan *p) { return p->activation; }

/* --- memory that lives as long as the plan --- */

static void *keep(plan *p, void *memory)
{
    if (!memory) goto failed;
    if (p->allocation_count == p->allocation_capacity) {
        int capacity = p->allocation_capacity ? p->allocation_capacity * 2 : 256;
        void **list = realloc(p->allocations, (size_t)capacity * sizeof *list);
        if (!list) goto failed;
        p->allocations = list;
        p->allocation_capacity = capacity;
    }
    p->allocations[p->allocation_count++] = memory;
    return memory;
failed:
    free(memory);
    p->failed = true;
    return NULL;
}

void *plan_step_alloc(plan *p, size_t bytes) { return keep(p, calloc(1, bytes ? bytes : 1)); }

void plan_use_section(plan *p, const ocl_section *section, dtype dt, bool shown)
{
    if (p->preparing < 0 || !section->count) return;
    step *s = &p->steps[p->preparing];
    for (int i = 0; i + 1 < STEP_SECTIONS_MAX; i++) {
        if (s->uses[i] && s->uses[i] != section) continue;
        s->uses[i] = section;
        s->read_at[i] = dt;
        s->hidden |= (unsigned)!shown << i;
        return;
    }
    p->failed = true;
}

/* --- scopes --- */

void plan_enter(plan *p, const char *format, ...)
{
    char name[128];
    va_list ap;
    va_start(ap, format);
    vsnprintf(name, sizeof name, format, ap);
    va_end(ap);
    strbuf_puts(&p->scope, "/"); /* one '/' per scope: plan_leave cuts there */
    strbuf_puts(&p->scope, name);
}

void plan_leave(plan *p)
{
    char *slash = p->scope.s ? strrchr(p->scope.s, '/') : NULL;
    if (!slash) return;
    *slash = 0;
    p->scope.n = (size_t)(slash - p->scope.s);
}

/* "/down_blocks.0/resnets.1" -> "unet.down_blocks.0.resnets.1" */
static void module_name(const plan *p, char *out, size_t size)
{
    snprintf(out, size, "%s%s", p->name, strbuf_text(&p->scope));
    for (char *s = out; *s; s++)
        if (*s == '/') *s = '.';
}

const char *plan_scope(const plan *p)
{
    static _Thread_local char name[512];
    module_name(p, name, sizeof name);
    return name;
}

/* --- tensors --- */

static tensor new_tensor(plan *p, buffer b, dtype dt, int n, int h, int w, int c)
{
    tensor t = {.buf = p->buffer_count, .dt = dt, .n = n, .h = h, .w = w, .c = c, .ld = c};
    if (p->buffer_count == p->buffer_capacity) {
        int capacity = p->buffer_capacity ? p->buffer_capacity * 2 : 256;
        buffer *list = realloc(p->buffers, (size_t)capacity * sizeof *list);
        if (!list) {
            p->failed = true;
            return NO_TENSOR;
        }
        p->buffers = list;
        p->buffer_capacity = capacity;
    }
    b.bytes = (uint64_t)n * (uint64_t)h * (uint64_t)w * (uint64_t)c * (uint64_t)dtype_size(dt);
    b.first = INT32_MAX;
    b.last = -1;
    b.host = -1;
    p->buffers[p->buffer_count++] = b;
    return t;
}

tensor plan_tensor(plan *p, dtype dt, int n, int h, int w, int c)
{
    return new_tensor(p, (buffer){.kind = BUFFER_ARENA}, dt, n, h, w, c);
}

tensor plan_act(plan *p, int n, int h, int w, int c) { return plan_tensor(p, p->activation, n, h, w, c); }

tensor plan_external(plan *p, dtype dt, int n, int h, int w, int c)
{
    return new_tensor(p, (buffer){.kind = BUFFER_EXTERNAL}, dt, n, h, w, c);
}

tensor plan_vector(plan *p, weight *w)
{
    if (!w) return NO_TENSOR;
    if (weight_set_layout(w, LAYOUT_VECTOR, 0, false)) {
        p->failed = true;
        return NO_TENSOR;
    }
    return new_tensor(p, (buffer){.kind = BUFFER_WEIGHT, .w = w}, F32, 1, 1, 1, w->rows * w->columns * w->taps);
}

tensor plan_scratch(plan *p, dtype dt, int n, int h, int w, int c)
{
    tensor t = plan_tensor(p, dt, n, h, w, c);
    if (p->preparing >= 0) plan_touch(p, t, p->preparing);
    return t;
}

tensor plan_scratch_first(plan *p, dtype dt, int n, int h, int w, int c)
{
    tensor t = plan_scratch(p, dt, n, h, w, c);
    if (has(t)) p->buffers[t.buf].leads = true;
    return t;
}

void plan_touch(plan *p, tensor t, int i)
{
    if (!has(t)) return;
    buffer *b = &p->buffers[t.buf];
    if (i < b->first) b->first = i;
    if (i > b->last) b->last = i;
}

/* --- steps --- */

int plan_add(plan *p, const step *s, const void *params, size_t params_size)
{
    char module[512];
    if (p->step_count == p->step_capacity) {
        int capacity = p->step_capacity ? p->step_capacity * 2 : 256;
        step *list = realloc(p->steps, (size_t)capacity * sizeof *list);
        if (!list) return FAIL(SDCL_ENOMEM, "out of memory");
        p->steps = list;
        p->step_capacity = capacity;
    }
    step *added = &p->steps[p->step_count];
    *added = *s;
    if (!added->impl) {
        int err = plan_choose(p, added);
        if (err) return err;
    }
    module_name(p, module, sizeof module);
    added->module = keep(p, strdup(module));
    added->params = keep(p, malloc(params_size ? params_size : 1));
    if (!added->module || !added->params) return FAIL(SDCL_ENOMEM, "out of memory");
    if (params_size) memcpy(added->params, params, params_size);
    for (int i = 0; i < added->operands; i++) plan_touch(p, added->t[i], p->step_count);
    p->step_count++;
    return 0;
}

const step *plan_last(const plan *p) { return p->step_count ? &p->steps[p->step_count - 1] : NULL; }

void plan_take_back(plan *p) { p->step_count--; }

int plan_lower(plan *p)
{
    int err = 0;
    if (p->failed) return FAIL(SDCL_ENOMEM, "out of memory building the plan of %s", p->name);
    for (int i = 0; i < p->step_count && !err; i++) {
        p->preparing = i;
        err = p->steps[i].impl->prepare(p, &p->steps[i]);
        if (err) error_prefix(err, "%s", p->steps[i].module);
    }
    p->preparing = -1;
    if (!err && p->failed) err = FAIL(SDCL_ENOMEM, "out of memory lowering the plan of %s", p->name);
    return err;
}

/* --- running --- */

int plan_allocate(plan *p)
{
    int err = 0;
    p->owns = true;
    for (int i = 0; i < p->chunks; i++)
        if (!p->chunk[i]) TRY(ocl_buffer_new(p->o, &p->chunk[i], p->chunk_bytes[i]));
out:
    return err;
}

void plan_lend(plan *p, int c, cl_mem mem) { p->chunk[c] = mem; }

void plan_bind(plan *p, tensor external, cl_mem mem, uint64_t offset)
{
    p->buffers[external.buf].mem = mem;
    p->buffers[external.buf].offset = offset;
}

void plan_set_queue(plan *p, int queue) { p->queue = queue; }
int plan_queue(const plan *p) { return p->queue; }

int plan_run(plan *p) { return plans_run(&p, 1); }

static double step_flops(const step *s) { return s->op->flops ? s->op->flops(s) : 0; }

static int launch(plan *p, const step *s)
{
    ocl_profile_step(p->o, s->op->name, s->impl->name, step_flops(s));
    return s->impl->launch(p, s);
}

int plans_run(plan *const *plans, int count)
{
    int err = 0;
    for (int i = 0; i < plans[0]->step_count; i++)
        for (int k = 0; k < count; k++) TRY(launch(plans[k], &plans[k]->steps[i]));
out:
    ocl_profile_step(plans[0]->o, NULL, NULL, 0);
    return err;
}

cl_mem tensor_mem(const plan *p, tensor t)
{
    const buffer *b = &p->buffers[t.buf];
    switch (b->kind) {
    case BUFFER_ARENA: return p->chunk[b->chunk];
    case BUFFER_WEIGHT: return weight_mem(b->w);
    default: return b->mem;
    }
}

cl_ulong tensor_off(const plan *p, tensor t)
{
    const buffer *b = &p->buffers[t.buf];
    switch (b->kind) {
    case BUFFER_ARENA: return b->offset / (uint64_t)dtype_size(t.dt) + t.off;
    case BUFFER_WEIGHT: return t.off;
    default: return b->offset + t.off;
    }
}

int plan_steps(const plan *p) { return p->step_count; }
const step *plan_step(const plan *p, int i) { return &p->steps[i]; }
int plan_buffers(const plan *p) { return p->buffer_count; }

double plan_flops(const plan *p)
{
    double sum = 0;
    for (int i = 0; i < p->step_count; i++) sum += step_flops(&p->steps[i]);
    return sum;
}

dtype precision_storage(dtype dt) { return dt == BF16 ? F32 : dt; }

const char *precision_word(dtype dt) { return dt == F16 ? "f16" : dt == BF16 ? "bf16" : "f32"; }
const char *dtype_option_name(dtype dt) { return dt == F16 ? "F16" : dt == U8 ? "U8" : "F32"; }
