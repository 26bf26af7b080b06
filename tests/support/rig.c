/* SPDX-License-Identifier: MIT */
#include "rig.h"

#include "base/error.h"
#include "base/half.h"
#include "compare.h"
#include "default_device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(int err)
{
    if (err) fail_msg("%s", sdcl_last_error());
}

static void *must_alloc(size_t n)
{
    void *p = malloc(n);
    assert_non_null(p);
    return p;
}

void rig_open(rig *r, const char *model_path, model_part part, const char *name, dtype activation)
{
    *r = (rig){0};
    must(default_device_open(&r->values, &r->o, NULL, NULL));
    must(model_open(&r->m, &(model_source){.path = model_path}));
    must(weights_new(&r->set, r->o));
    r->params = (params){r->m, part, r->set};
    must(plan_new(&r->p, r->o, name));
    plan_set_precision(r->p, activation);
}

void rig_close(rig *r)
{
    plan_free(&r->p);
    weights_free(&r->set);
    for (int i = 0; i < r->buffers; i++) ocl_buffer_free(r->o, &r->buffer[i]);
    ocl_close(&r->o);
    model_close(&r->m);
    config_close(&r->values);
}

void rig_next_plan(rig *r, const char *name)
{
    dtype activation = plan_activation(r->p);
    plan_free(&r->p);
    must(plan_new(&r->p, r->o, name));
    plan_set_precision(r->p, activation);
}

static size_t values_of(tensor t) { return (size_t)rows_of(t) * (size_t)t.c; }

tensor rig_tensor(rig *r, dtype dt, int n, int h, int w, int c)
{
    assert_true(r->buffers < RIG_BUFFERS);
    cl_mem *mem = &r->buffer[r->buffers++];
    tensor t = plan_external(r->p, dt, n, h, w, c);
    must(ocl_buffer_new(r->o, mem, values_of(t) * (size_t)dtype_size(dt)));
    plan_bind(r->p, t, *mem, 0);
    return t;
}

tensor rig_again(rig *r, tensor of, cl_mem mem)
{
    tensor t = plan_external(r->p, of.dt, of.n, of.h, of.w, of.c);
    plan_bind(r->p, t, mem, 0);
    return t;
}

cl_mem rig_mem(const rig *r, tensor t) { return tensor_mem(r->p, t); }

void rig_write(rig *r, tensor t, const float *values)
{
    size_t n = values_of(t), size = (size_t)dtype_size(t.dt);
    uint16_t *half = t.dt == F16 ? must_alloc(n * size) : NULL;
    for (size_t i = 0; half && i < n; i++) half[i] = float_to_half(values[i]);
    must(
        ocl_write(r->o, tensor_mem(r->p, t), tensor_off(r->p, t) * size, n * size, half ? (const void *)half : values));
    free(half);
}

void rig_read(rig *r, tensor t, float *values)
{
    size_t rows = (size_t)rows_of(t), ld = (size_t)t.ld, c = (size_t)t.c, size = (size_t)dtype_size(t.dt);
    char *raw = must_alloc(rows * ld * size);
    must(ocl_read(r->o, tensor_mem(r->p, t), tensor_off(r->p, t) * size, ((rows - 1) * ld + c) * size, raw));
    for (size_t i = 0; i < rows; i++)
        for (size_t k = 0; k < c; k++) {
            const char *from = raw + (i * ld + k) * size;
            uint16_t half;
            if (t.dt == F16) {
                memcpy(&half, from, 2);
                values[i * c + k] = half_to_float(half);
            } else {
                memcpy(&values[i * c + k], from, 4);
            }
        }
    free(raw);
}

void npy_to_nhwc(const npy *a, float *values)
{
    size_t n = (size_t)a->shape[0], c = (size_t)a->shape[1], hw = a->count / (n * c);
    if (a->rank != 4) {
        memcpy(values, a->f32, a->count * sizeof *values);
        return;
    }
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < c; k++)
            for (size_t p = 0; p < hw; p++) values[(i * hw + p) * c + k] = a->f32[(i * c + k) * hw + p];
}

void rig_prepare(rig *r)
{
    must(plan_lower(r->p));
    must(plan_place(r->p));
    must(plan_allocate(r->p));
    must(weights_load(r->set, NULL, NULL));
    must(ocl_build_wait(r->o));
}

void rig_run(rig *r)
{
    must(plan_run(r->p));
    must(ocl_finish(r->o));
}

/* The last step of a module or of one within it; -1: none. */
static int last_step(const rig *r, const char *module)
{
    size_t n = strlen(module);
    for (int i = plan_steps(r->p) - 1; i >= 0; i--) {
        const char *name = plan_step(r->p, i)->module;
        if (!strncmp(name, module, n) && (!name[n] || name[n] == '.')) return i;
    }
    return -1;
}

/* A reference and the step whose output it is. */
typedef struct stage {
    char name[128];
    int step;
} stage;

enum { STAGES_MAX = 128 };

/* Modules of encoders and decoders may or may not carry that word in the file's name. */
static int step_of(const rig *r, const char *plan_name, const char *name)
{
    static const char *const within[] = {"", "encoder.", "decoder."};
    for (size_t i = 0; i < sizeof within / sizeof *within; i++) {
        char module[256];
        snprintf(module, sizeof module, "%s.%s%s", plan_name, within[i], name);
        int step = last_step(r, module);
        if (step >= 0) return step;
    }
    return -1;
}

static bool is_listed(const char *list, const char *name)
{
    size_t n = strlen(name);
    for (const char *s = list; (s = strstr(s, name)); s += n)
        if ((s == list || s[-1] == ' ') && (!s[n] || s[n] == ' ')) return true;
    return false;
}

static int list_stages(const rig *r, const char *folder, const char *prefix, const char *except, stage *stages)
{
    int count = 0;
    char plan_name[64];
    size_t prefix_length = strlen(prefix);
    DIR *d = opendir(folder);
    if (!d) fail_msg("%s: no such folder", folder);
    snprintf(plan_name, sizeof plan_name, "%.*s", (int)strcspn(plan_step(r->p, 0)->module, "."),
             plan_step(r->p, 0)->module);
    for (struct dirent *e; (e = readdir(d));) {
        char *dot = strrchr(e->d_name, '.');
        if (strncmp(e->d_name, prefix, prefix_length) || !dot || strcmp(dot, ".npy")) continue;
        assert_true(count < STAGES_MAX);
        stage *s = &stages[count];
        snprintf(s->name, sizeof s->name, "%.*s", (int)(dot - e->d_name - (long)prefix_length),
                 e->d_name + prefix_length);
        if (is_listed(except, s->name)) continue;
        s->step = step_of(r, plan_name, s->name);
        if (s->step < 0) fail_msg("no module %s.%s", plan_name, s->name);
        count++;
    }
    closedir(d);
    return count;
}

static void compare(rig *r, const char *folder, const char *prefix, const stage *s, double limit)
{
    char path[512];
    npy want;
    tensor y = plan_step(r->p, s->step)->t[0];
    snprintf(path, sizeof path, "%s/%s%.127s.npy", folder, prefix, s->name);
    assert_true(npy_read(&want, path));
    if (want.count != values_of(y)) fail_msg("%s: %zu values, the plan has %zu", s->name, want.count, values_of(y));
    float *a = must_alloc(want.count * sizeof *a), *b = must_alloc(want.count * sizeof *b);
    npy_to_nhwc(&want, b);
    if (!strcmp(s->name, "time_embedding")) /* the plan keeps it after SiLU */
        for (size_t i = 0; i < want.count; i++) b[i] /= 1.0f + expf(-b[i]);
    rig_read(r, y, a);
    double e = compare_nmse(a, b, want.count);
    if (getenv("SDCL_TEST_VERBOSE")) print_message("%-36s %.2e\n", s->name, e);
    if (!(e <= limit)) fail_msg("%s: NMSE %.2e, limit %.0e", s->name, e, limit);
    free(a);
    free(b);
    npy_free(&want);
}

int rig_run_compared(rig *r, const char *folder, const char *prefix, const char *except, double limit)
{
    stage stages[STAGES_MAX];
    int count = list_stages(r, folder, prefix, except, stages);
    for (int i = 0; i < plan_steps(r->p); i++) {
        const step *s = plan_step(r->p, i);
        must(s->impl->launch(r->p, s));
        for (int k = 0; k < count; k++)
            if (stages[k].step == i) compare(r, folder, prefix, &stages[k], limit);
    }
    must(ocl_finish(r->o));
    return count;
}
