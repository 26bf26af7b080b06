/* SPDX-License-Identifier: MIT */
#include "ocl/clblast.h"

#include "base/half.h"
#include "ocl/clblast_library.h"
#include "ocl/internal.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { PARAMETERS_MAX = 16, OVERRIDES_MAX = 64, DEVICES_MAX = 16, KERNEL_NAME = 24 };

/* The library, what it holds for the whole process, and the lock of both. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static clblast_library library;
static struct {
    cl_device_id device;
    char kernel[KERNEL_NAME];
    bool half;
    int values[PARAMETERS_MAX];
} overrides[OVERRIDES_MAX];
static int override_count;
static struct {
    cl_device_id device;
    int users; /* open ocls that have used the library on it */
} used[DEVICES_MAX];

static int fail(CLBlastStatusCode code, const char *call)
{
    static const struct {
        int code;
        const char *name;
    } own[] = {{CLBlastInsufficientMemoryTemp, "the temporary buffer is too small"},
               {CLBlastInvalidOverrideKernel, "no such kernel"},
               {CLBlastMissingOverrideParameter, "a parameter is missing"},
               {CLBlastInvalidLocalMemUsage, "not enough local memory"},
               {CLBlastNoHalfPrecision, "no half precision on this device"},
               {CLBlastDatabaseError, "nothing in the database"},
               {CLBlastUnexpectedError, "an unexpected exception"}};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (own[i].code == (int)code) return FAIL(SDCL_EDEVICE, "%s: %s (%d)", call, own[i].name, (int)code);
    return ocl_fail((cl_int)code, call, __FILE__, __LINE__);
}

/* Counts o as a user of the library on its device, once, and says how many there are. With the lock held; the library is there from then on. */
static int join_users(ocl *o, int *users)
{
    int err = clblast_library_load(&library);
    if (err) return err;
    for (int i = 0; i < DEVICES_MAX; i++)
        if (used[i].device == o->device.id || !used[i].device) {
            used[i].device = o->device.id;
            if (!o->clblast_user) used[i].users++;
            o->clblast_user = true;
            *users = used[i].users;
            return 0;
        }
    return FAIL(SDCL_EINTERNAL, "CLBlast is used on too many devices");
}

void clblast_leave(ocl *o)
{
    if (!o->clblast_user) return;
    int users = 0;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < DEVICES_MAX; i++) {
        if (used[i].device == o->device.id) used[i].users--;
        users += used[i].users;
    }
    if (!users) library.clear_cache(); /* its programs hold on to the context */
    pthread_mutex_unlock(&lock);
    o->clblast_user = false;
}

static int refuse(const ocl_section *section, const char *why)
{
    int err = FAIL(SDCL_EUSAGE, "[%s] %s", section->name, why);
    error_hint("CLBlast's parameters belong to the process: start another one for another set");
    return err;
}

static int set(ocl *o, int at, const char *kernel, bool half, const ocl_section *section, const int *values)
{
    const char *names[PARAMETERS_MAX];
    size_t sizes[PARAMETERS_MAX];
    for (int i = 0; i < section->count; i++) {
        names[i] = section->tunables[i].name;
        sizes[i] = (size_t)values[i];
    }
    CLBlastStatusCode code = library.override_parameters(o->device.id, kernel,
                                                         half ? CLBlastPrecisionHalf : CLBlastPrecisionSingle,
                                                         (size_t)section->count, names, sizes);
    if (code != CLBlastSuccess) return fail(code, "CLBlastOverrideParameters");
    overrides[at].device = o->device.id;
    snprintf(overrides[at].kernel, sizeof overrides[at].kernel, "%s", kernel);
    overrides[at].half = half;
    memcpy(overrides[at].values, values, (size_t)section->count * sizeof *values);
    if (at == override_count) override_count++;
    return 0;
}

int clblast_parameters(ocl *o, const char *kernel, bool half, const ocl_section *section, const int *values)
{
    int err = 0, i = 0, users = 0;
    if (section->count > PARAMETERS_MAX) return FAIL(SDCL_EINTERNAL, "[%s] has too many parameters", section->name);
    pthread_mutex_lock(&lock);
    err = join_users(o, &users);
    if (err) goto out;
    while (i < override_count && (overrides[i].device != o->device.id || overrides[i].half != half ||
                                  strcmp(overrides[i].kernel, kernel) != 0))
        i++;
    bool known = i < override_count, own = values[0] == OCL_AUTO;
    if (i == OVERRIDES_MAX) err = FAIL(SDCL_EINTERNAL, "CLBlast is used on too many devices");
    else if (known && own) err = refuse(section, "was set earlier in this process, and cannot be taken back");
    else if (!own && !(known && !memcmp(overrides[i].values, values, (size_t)section->count * sizeof *values)))
        err = users > 1 ? refuse(section, "would change what another session of this process uses")
                        : set(o, i, kernel, half, section, values);
out:
    pthread_mutex_unlock(&lock);
    return err;
}

/* Column-major, the product is y^T (n, m) = w^T x^T with the same memory. Does the library have to transpose its first, its second operand? */
static CLBlastTranspose transpose(const clblast_gemm *g, bool row_major, int operand)
{
    return g->transposed && operand == (row_major ? 1 : 0) ? CLBlastTransposeYes : CLBlastTransposeNo;
}

static int temporary_bytes(ocl *o, const clblast_gemm *g, bool row_major, uint64_t *bytes)
{
    size_t size = 0;
    cl_command_queue queue = o->queue[0];
    const clblast_operand *a = row_major ? &g->x : &g->w, *b = row_major ? &g->w : &g->x;
    CLBlastStatusCode code = (g->half ? library.hgemm_temporary_bytes : library.sgemm_temporary_bytes)(
        row_major ? CLBlastLayoutRowMajor : CLBlastLayoutColMajor, transpose(g, row_major, 0),
        transpose(g, row_major, 1), (size_t)(row_major ? g->m : g->n), (size_t)(row_major ? g->n : g->m), (size_t)g->k,
        a->off, (size_t)a->ld, b->off, (size_t)b->ld, g->y.off, (size_t)g->y.ld, &queue, &size);
    *bytes = size;
    return code == CLBlastSuccess ? 0 : fail(code, "CLBlastSGemmTempBufferSize");
}

int clblast_prepare(ocl *o, clblast_gemm *g, uint64_t *temporary)
{
    int err = 0, users = 0;
    uint64_t bytes[2];
    pthread_mutex_lock(&lock);
    err = join_users(o, &users);
    for (int row_major = 0; row_major < 2 && !err; row_major++)
        err = temporary_bytes(o, g, row_major, &bytes[row_major]);
    pthread_mutex_unlock(&lock);
    if (err) return err;
    g->row_major = bytes[1] < bytes[0];
    *temporary = bytes[g->row_major];
    clblast_first *f = &o->first[g->half][*temporary > 0][g->transposed];
    if (!f->m) *f = (clblast_first){g->m, g->n, g->k, g->row_major, false};
    return 0;
}

static CLBlastStatusCode call(cl_command_queue queue, const clblast_gemm *g, cl_event *event)
{
    CLBlastLayout layout = g->row_major ? CLBlastLayoutRowMajor : CLBlastLayoutColMajor;
    const clblast_operand *a = g->row_major ? &g->x : &g->w, *b = g->row_major ? &g->w : &g->x, *c = &g->y;
    size_t m = (size_t)(g->row_major ? g->m : g->n), n = (size_t)(g->row_major ? g->n : g->m), k = (size_t)g->k;
    CLBlastTranspose ta = transpose(g, g->row_major, 0), tb = transpose(g, g->row_major, 1);
    if (g->half)
        return g->temporary ? library.hgemm_with_temporary(layout, ta, tb, m, n, k, 0x3c00, a->mem, a->off,
                                                           (size_t)a->ld, b->mem, b->off, (size_t)b->ld, 0, c->mem,
                                                           c->off, (size_t)c->ld, &queue, event, g->temporary)
                            : library.hgemm(layout, ta, tb, m, n, k, 0x3c00, a->mem, a->off, (size_t)a->ld, b->mem,
                                            b->off, (size_t)b->ld, 0, c->mem, c->off, (size_t)c->ld, &queue, event);
    return g->temporary ? library.sgemm_with_temporary(layout, ta, tb, m, n, k, 1, a->mem, a->off, (size_t)a->ld,
                                                       b->mem, b->off, (size_t)b->ld, 0, c->mem, c->off, (size_t)c->ld,
                                                       &queue, event, g->temporary)
                        : library.sgemm(layout, ta, tb, m, n, k, 1, a->mem, a->off, (size_t)a->ld, b->mem, b->off,
                                        (size_t)b->ld, 0, c->mem, c->off, (size_t)c->ld, &queue, event);
}

int clblast_run(ocl *o, int queue, const char *module, const clblast_gemm *g)
{
    static const char name[] = "clblast";
    int err = 0;
    cl_event before = NULL, event = NULL;
    if (g->x.off > INT_MAX || g->y.off > INT_MAX || g->w.off > INT_MAX)
        return FAIL(SDCL_EDEVICE, "%s: CLBlast counts elements in 31 bits, this buffer is larger", module);
    if (profile_wanted(o)) CL_TRY(clEnqueueMarkerWithWaitList(o->queue[queue], 0, NULL, &before));
    pthread_mutex_lock(&lock);
    CLBlastStatusCode code = call(o->queue[queue], g, profile_wanted(o) ? &event : NULL);
    pthread_mutex_unlock(&lock);
    if (code != CLBlastSuccess) {
        err = fail(code, "CLBlastSgemm");
        goto out;
    }
    if (event) {
        err = profile_add_since(o, before, event, module, name);
        before = NULL;
        if (err) goto out;
    }
    TRY(ocl_launched(o, queue, CLBLAST_LAUNCHES));
out:
    if (before) clReleaseEvent(before);
    return err ? error_prefix(err, "%s", module) : 0;
}

/* --- compiling and trying out ---------------------------------------------------------------------------------------------- */

bool ocl_library_waits(const ocl *o)
{
    for (int i = 0; i < 8; i++) {
        const clblast_first *f = &o->first[i / 4][i / 2 % 2][i % 2];
        if (f->m && !f->done) return true;
    }
    return false;
}

/* A multiple of 1/8 within +-1: sums of a few thousand products are exact in f32. */
static float sample(uint32_t i, uint32_t salt)
{
    return (float)(int)((i * 2654435761u + salt * 40503u) >> 28) / 8 - 0.875f;
}

static int upload(ocl *o, cl_mem *mem, size_t n, uint32_t salt, bool half)
{
    int err = 0;
    size_t size = half ? 2 : 4;
    void *values = malloc(n * size);
    if (!values) return FAIL(SDCL_ENOMEM, "out of memory");
    for (size_t i = 0; i < n; i++) {
        if (half) ((uint16_t *)values)[i] = float_to_half(sample((uint32_t)i, salt));
        else ((float *)values)[i] = sample((uint32_t)i, salt);
    }
    TRY(ocl_buffer_new(o, mem, n * size));
    TRY(ocl_write(o, *mem, 0, n * size, values));
out:
    free(values);
    return err;
}

/* Compares some of the sums, about PRODUCTS multiplications' worth of them. */
static int compare(const ocl *o, const clblast_gemm *g, const void *got)
{
    enum { PRODUCTS = 20000000 };
    size_t all = (size_t)g->m * (size_t)g->n, step = (size_t)((double)all * g->k / PRODUCTS) | 1;
    double allowed = g->half ? 0.25 * sqrt(g->k) + 0.1 : 1e-3;
    for (size_t i = 0; i < all; i += step) {
        double want = 0, have = g->half ? half_to_float(((const uint16_t *)got)[i]) : ((const float *)got)[i];
        size_t row = i / (size_t)g->n, column = i % (size_t)g->n;
        for (int k = 0; k < g->k; k++)
            want += (double)sample((uint32_t)(row * (size_t)g->k + (size_t)k), 1) *
                    sample((uint32_t)(g->transposed ? column * (size_t)g->k + (size_t)k
                                                    : (size_t)k * (size_t)g->n + column),
                           2);
        if (fabs(have - want) <= allowed) continue;
        int err = FAIL(SDCL_ERESULT, "CLBlast multiplies wrongly on %s: %dx%dx%d gives %g where %g is right",
                       o->device.info.name, g->m, g->n, g->k, have, want);
        error_hint("take out the [clblast_...] sections of the configuration, or use --set gemm.impl=auto");
        return err;
    }
    return 0;
}

/* Few rows, but as many as the path needs. */
static int shrink(ocl *o, clblast_gemm *g, bool indirect, uint64_t *temporary)
{
    int err = 0;
    for (clblast_gemm less = *g; less.m > 1;) {
        uint64_t bytes = 0;
        less.m /= 2;
        pthread_mutex_lock(&lock);
        err = temporary_bytes(o, &less, less.row_major, &bytes);
        pthread_mutex_unlock(&lock);
        if (err) return err;
        if ((bytes > 0) != indirect) break;
        *g = less;
        *temporary = bytes;
    }
    return 0;
}

static int try_out(ocl *o, const clblast_first *f, bool half, bool indirect, bool transposed)
{
    int err = 0;
    void *got = NULL;
    uint64_t temporary = 0;
    clblast_gemm g = {
        .half = half, .transposed = transposed, .row_major = f->row_major, .m = f->m, .n = f->n, .k = f->k};
    g.x = (clblast_operand){NULL, 1, g.k};
    g.y.ld = g.n;
    g.w.ld = transposed ? g.k : g.n;
    pthread_mutex_lock(&lock);
    err = temporary_bytes(o, &g, g.row_major, &temporary);
    pthread_mutex_unlock(&lock);
    if (!err) err = shrink(o, &g, indirect, &temporary);
    if (err) return err;
    g.x.off = 0;
    size_t sums = (size_t)g.m * (size_t)g.n, bytes = sums * (half ? 2 : 4);
    got = malloc(bytes);
    if (!got) return FAIL(SDCL_ENOMEM, "out of memory");
    TRY(upload(o, &g.x.mem, (size_t)g.m * (size_t)g.k, 1, half));
    TRY(upload(o, &g.w.mem, (size_t)g.n * (size_t)g.k, 2, half));
    TRY(ocl_buffer_new(o, &g.y.mem, bytes));
    if (temporary) TRY(ocl_buffer_new(o, &g.temporary, temporary));
    TRY(clblast_run(o, 0, "CLBlast", &g));
    TRY(ocl_read(o, g.y.mem, 0, bytes, got));
    TRY(compare(o, &g, got));
out:
    ocl_buffer_free(o, &g.x.mem);
    ocl_buffer_free(o, &g.w.mem);
    ocl_buffer_free(o, &g.y.mem);
    ocl_buffer_free(o, &g.temporary);
    free(got);
    return err;
}

int ocl_library_warm(ocl *o)
{
    int err = 0;
    for (int i = 0; i < 8; i++) {
        bool half = i / 4, indirect = i / 2 % 2, transposed = i % 2;
        clblast_first *f = &o->first[half][indirect][transposed];
        if (!f->m || f->done) continue;
        TRY(try_out(o, f, half, indirect, transposed));
        f->done = true;
    }
out:
    return err;
}
