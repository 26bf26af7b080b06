/* SPDX-License-Identifier: MIT */
/* Programs, compiled in the background, and launches. */
#include "ocl/binary_cache.h"
#include "ocl/internal.h"
#include "ocl/source.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char build_options[] = "-cl-std=CL1.2";
/* The same without clang's header of built-in functions, which PoCL puts before every program: with this it takes itself for included. */
static const char headless_options[] = "-cl-std=CL1.2 -D_OPENCL_H_";

static int build_failed(ocl *o, const unit *u)
{
    size_t size = 0;
    char *log = NULL;
    clGetProgramBuildInfo(u->program, o->device.id, CL_PROGRAM_BUILD_LOG, 0, NULL, &size);
    if (size && (log = malloc(size + 1))) {
        log[0] = log[size] = 0;
        clGetProgramBuildInfo(u->program, o->device.id, CL_PROGRAM_BUILD_LOG, size, log, NULL);
    }
    int err = FAIL(SDCL_EDEVICE, "kernel %s%s does not build for %s with %s:\n%.900s", u->kernels->name,
                   u->kernels->next_of_unit ? " or another of its program" : "", o->device.info.name,
                   u->kernels->options, log ? log : "(no log)");
    free(log);
    return err;
}

static int compile(ocl *o, unit *u, const strbuf *source, const char *options)
{
    cl_int code = 0;
    const char *text = strbuf_text(source);
    u->program = clCreateProgramWithSource(o->context, 1, &text, &source->n, &code);
    if (!u->program) return ocl_fail(code, "clCreateProgramWithSource", __FILE__, __LINE__);
    code = clBuildProgram(u->program, 1, &o->device.id, options, NULL, NULL);
    return code == CL_SUCCESS ? 0 : build_failed(o, u);
}

static int create_kernels(unit *u)
{
    int err = 0, number = 0;
    cl_int code = 0;
    for (ocl_kernel *k = u->kernels; k; k = k->next_of_unit) {
        char entry[160];
        snprintf(entry, sizeof entry, "%s_%d", k->name, number++);
        k->kernel = clCreateKernel(u->program, entry, &code);
        if (!k->kernel) {
            err = ocl_fail(code, "clCreateKernel", __FILE__, __LINE__);
            if (code == CL_INVALID_KERNEL_NAME)
                error_hint("the driver's cache of kernels may be damaged; PoCL's is ~/.cache/pocl or $POCL_CACHE_DIR: "
                           "remove it");
            goto out;
        }
        CL_TRY(clGetKernelInfo(k->kernel, CL_KERNEL_NUM_ARGS, sizeof k->arguments, &k->arguments, NULL));
    }
out:
    return err;
}

static void forget(unit *u)
{
    for (ocl_kernel *k = u->kernels; k; k = k->next_of_unit) {
        if (k->kernel) clReleaseKernel(k->kernel);
        k->kernel = NULL;
    }
    if (u->program) clReleaseProgram(u->program);
    u->program = NULL;
}

/* Program and kernels from the binary cache; false: it has none that are right. */
static bool load(ocl *o, unit *u, const char *key)
{
    u->program = binary_cache_load(o->binaries, key, o->context, o->device.id, build_options);
    if (!u->program) return false;
    if (!create_kernels(u)) return true;
    forget(u);
    return false;
}

static int write_source(const unit *u, bool declare, strbuf *source)
{
    int err = 0, number = 0;
    TRY(source_begin(source, declare));
    for (const ocl_kernel *k = u->kernels; k; k = k->next_of_unit)
        TRY(source_add(source, k->name, k->options, number++));
out:
    return err;
}

/* With our declarations of built-in functions; false: a kernel uses others, or does not compile at all, of which the driver may say something itself. */
static bool compile_headless(ocl *o, unit *u)
{
    strbuf source = {0};
    bool done = !write_source(u, true, &source) && !compile(o, u, &source, headless_options);
    if (!done) forget(u);
    strbuf_free(&source);
    return done;
}

static int build(ocl *o, unit *u)
{
    int err = 0;
    char key[BINARY_KEY];
    strbuf source = {0};
    u->headless = o->headless && compile_headless(o, u);
    if (!u->headless) {
        TRY(write_source(u, false, &source));
        if (o->binaries) {
            binary_cache_key(key, &o->device, strbuf_text(&source), build_options);
            if (load(o, u, key)) goto out;
        }
        TRY(compile(o, u, &source, build_options));
    }
    TRY(create_kernels(u));
    if (o->binaries) binary_cache_store(o->binaries, key, u->program);
out:
    strbuf_free(&source);
    return err;
}

static void *builder(void *arg)
{
    ocl *o = arg;
    pthread_mutex_lock(&o->lock);
    for (;;) {
        while (!o->todo && !o->stop) pthread_cond_wait(&o->wake, &o->lock);
        if (o->stop) break;
        unit *u = o->todo;
        o->todo = u->next_todo;
        pthread_mutex_unlock(&o->lock);
        int status = build(o, u);
        char *message = status ? strdup(sdcl_last_error()) : NULL, *hint = status ? strdup(sdcl_last_hint()) : NULL;
        pthread_mutex_lock(&o->lock);
        u->status = status;
        u->message = message;
        u->hint = hint;
        u->done = true;
        o->pending--;
        pthread_cond_broadcast(&o->built);
    }
    pthread_mutex_unlock(&o->lock);
    return NULL;
}

int builder_start(ocl *o)
{
    int err = binary_cache_open(&o->binaries, &o->device, o->values);
    if (err) return err;
    pthread_mutex_init(&o->lock, NULL);
    pthread_cond_init(&o->wake, NULL);
    pthread_cond_init(&o->built, NULL);
    o->locks = true;
    o->bundle = strstr(o->device.info.platform, "Portable Computing Language") != NULL;
    o->headless = o->bundle && !o->binaries; /* what a binary is kept by has no declarations in it */
    o->serial = strstr(o->device.info.platform, "Oclgrind") != NULL;
    /* PoCL compiles one program at a time, and a second would get in between its steps. */
    int most = o->bundle ? 1 : BUILDERS_MAX;
    int want = o->units < most ? o->units : most;
    while (o->builders < want && !pthread_create(&o->builder[o->builders], NULL, builder, o)) o->builders++;
    return o->builders ? 0 : FAIL(SDCL_EINTERNAL, "no thread for compiling kernels");
}

static void free_kernels(ocl_kernel *k)
{
    for (ocl_kernel *next; k; k = next) {
        next = k->next_of_unit;
        if (k->kernel) clReleaseKernel(k->kernel);
        free(k->name);
        free(k->options);
        free(k);
    }
}

void builder_stop(ocl *o)
{
    if (!o->locks) return;
    pthread_mutex_lock(&o->lock);
    o->stop = true;
    pthread_cond_broadcast(&o->wake);
    pthread_mutex_unlock(&o->lock);
    for (int i = 0; i < o->builders; i++) pthread_join(o->builder[i], NULL);
    pthread_mutex_destroy(&o->lock);
    pthread_cond_destroy(&o->wake);
    pthread_cond_destroy(&o->built);
    free(o->binaries);
    for (unit *u = o->all_units, *next; u; u = next) {
        next = u->next;
        free_kernels(u->kernels);
        if (u->program) clReleaseProgram(u->program);
        free(u->message);
        free(u->hint);
        free(u);
    }
}

static ocl_kernel *find(const ocl *o, const char *name, const char *options)
{
    for (const unit *u = o->all_units; u; u = u->next)
        for (ocl_kernel *k = u->kernels; k; k = k->next_of_unit)
            if (!strcmp(k->name, name) && !strcmp(k->options, options)) return k;
    return NULL;
}

/* The unit that collects kernels: a new one where there is none, or where every kernel has its own. */
static unit *open_unit(ocl *o)
{
    if (!o->collecting && (o->collecting = calloc(1, sizeof *o->collecting))) {
        o->collecting->next = o->all_units;
        o->all_units = o->collecting;
    }
    return o->collecting;
}

void ocl_build_apart(ocl *o) { o->bundle = false; }
void ocl_build_lazily(ocl *o) { o->lazy = true; }

/* The lock is held. */
static void enqueue_build(ocl *o, unit *u)
{
    unit **tail = &o->todo;
    while (*tail) tail = &(*tail)->next_todo;
    u->next_todo = NULL;
    u->started = true;
    *tail = u;
    o->pending++;
    pthread_cond_signal(&o->wake);
    while (o->serial && o->pending) pthread_cond_wait(&o->built, &o->lock);
}

void ocl_build_start(ocl *o)
{
    unit *u = o->collecting;
    if (!u) return;
    o->collecting = NULL;
    pthread_mutex_lock(&o->lock);
    enqueue_build(o, u);
    pthread_mutex_unlock(&o->lock);
}

/* A build fails where memory or the disk of the driver's cache is full, too: that may have passed. */
static void build_again(ocl *o, unit *u)
{
    pthread_mutex_lock(&o->lock);
    if (u->told) {
        forget(u);
        free(u->message);
        free(u->hint);
        u->message = u->hint = NULL;
        u->status = 0;
        u->done = u->told = false;
        enqueue_build(o, u);
    }
    pthread_mutex_unlock(&o->lock);
}

int ocl_kernel_get(ocl *o, ocl_kernel **out_kernel, const char *name, const char *options)
{
    if ((*out_kernel = find(o, name, options))) {
        build_again(o, (*out_kernel)->unit);
        return 0;
    }
    unit *u = open_unit(o);
    ocl_kernel *k = u ? calloc(1, sizeof *k) : NULL;
    if (k) {
        k->name = strdup(name);
        k->options = strdup(options);
    }
    if (!k || !k->name || !k->options) {
        if (k) free_kernels(k);
        return FAIL(SDCL_ENOMEM, "out of memory");
    }
    k->unit = u;
    ocl_kernel **tail = &u->kernels;
    while (*tail) tail = &(*tail)->next_of_unit;
    *tail = k;
    if (o->lazy) o->collecting = NULL;
    else if (!o->bundle) ocl_build_start(o);
    *out_kernel = k;
    return 0;
}

static int unit_error(unit *u)
{
    if (!u->status || u->told) return 0;
    int err = FAIL(u->status, "%s", u->message ? u->message : "a kernel does not build");
    if (u->hint) error_hint("%s", u->hint);
    u->told = true;
    return err;
}

int ocl_kernel_wait(ocl *o, const ocl_kernel *k)
{
    ocl_build_start(o);
    build_again(o, k->unit);
    pthread_mutex_lock(&o->lock);
    if (o->lazy && !k->unit->started) enqueue_build(o, k->unit);
    while (!k->unit->done) pthread_cond_wait(&o->built, &o->lock);
    int err = unit_error(k->unit);
    pthread_mutex_unlock(&o->lock);
    return err;
}

/* The lock is held. */
static bool is_built(const ocl *o, const ocl_kernel *k) { return k ? k->unit->done : !o->pending; }

bool ocl_built_within(ocl *o, const ocl_kernel *k, double seconds)
{
    struct timespec end;
    ocl_build_start(o);
    clock_gettime(CLOCK_REALTIME, &end);
    double until = (double)end.tv_sec + (double)end.tv_nsec * 1e-9 + seconds;
    end = (struct timespec){(time_t)until, (long)((until - floor(until)) * 1e9)};
    pthread_mutex_lock(&o->lock);
    while (!is_built(o, k) && !pthread_cond_timedwait(&o->built, &o->lock, &end)) continue;
    bool built = is_built(o, k);
    pthread_mutex_unlock(&o->lock);
    return built;
}

/* Does the driver do without its header at all? */
static bool can_be_headless(ocl *o)
{
    static const char *empty = "__kernel void empty(void) {}";
    cl_program program = clCreateProgramWithSource(o->context, 1, &empty, NULL, NULL);
    bool can = program && clBuildProgram(program, 1, &o->device.id, headless_options, NULL, NULL) == CL_SUCCESS;
    if (program) clReleaseProgram(program);
    return can;
}

const char *ocl_undeclared(ocl *o)
{
    const char *name = NULL;
    pthread_mutex_lock(&o->lock);
    for (const unit *u = o->all_units; u; u = u->next)
        if (u->done && !u->status && !u->headless) name = u->kernels->name;
    pthread_mutex_unlock(&o->lock);
    return name && o->headless && can_be_headless(o) ? name : NULL;
}

int ocl_build_wait(ocl *o)
{
    int err = 0;
    ocl_build_start(o);
    pthread_mutex_lock(&o->lock);
    while (o->pending) pthread_cond_wait(&o->built, &o->lock);
    for (unit *u = o->all_units; u; u = u->next)
        if (!err) err = unit_error(u);
        else if (u->status) u->told = true;
    pthread_mutex_unlock(&o->lock);
    return err ? err : ocl_library_warm(o);
}

/* Most launches differ from the kernel's last one in a few offsets and sizes, and a call costs PoCL an allocation. */
static int set_argument(ocl_kernel *k, int i, const ocl_arg *a)
{
    int err = 0;
    if (k->set[i].size == a->size && !memcmp(k->set[i].value, a->value, a->size)) return 0;
    k->set[i].size = 0;
    CL_TRY(clSetKernelArg(k->kernel, (cl_uint)i, a->size, a->value));
    if (a->size > sizeof k->set[i].value) return 0;
    k->set[i].size = a->size;
    memcpy(k->set[i].value, a->value, a->size);
out:
    return err;
}

int ocl_launched(ocl *o, int queue, int launches)
{
    int err = 0;
    o->unflushed += launches;
    if (o->sync) CL_TRY(clFinish(o->queue[queue]));
    else if (o->unflushed >= QUEUE_DEPTH) TRY(ocl_finish(o));
out:
    return err;
}

static size_t pieces_of(const ocl *o, const ocl_grid *grid)
{
    double most = grid->flops / o->launch_flops;
    if (most <= 1 || !grid->groups[0]) return 1;
    return most < (double)grid->groups[0] ? (size_t)ceil(most) : grid->groups[0];
}

/* Groups [first, end) of dimension 0. */
static int enqueue(ocl *o, int queue, ocl_kernel *k, const char *module, const ocl_grid *grid, size_t first, size_t end)
{
    int err = 0;
    cl_event event = NULL;
    size_t global[3] = {(end - first) * grid->local[0], grid->groups[1] * grid->local[1],
                        grid->groups[2] * grid->local[2]};
    CL_TRY(clEnqueueNDRangeKernel(o->queue[queue], k->kernel, 3, NULL, global, grid->local, 0, NULL,
                                  profile_wanted(o) ? &event : NULL));
    if (event) TRY(profile_add(o, event, module, k->name));
    o->unfinished += grid->flops * (double)(end - first) / (double)grid->groups[0];
    if (o->sync) CL_TRY(clFinish(o->queue[queue]));
    else if (++o->unflushed >= QUEUE_DEPTH || o->unfinished >= QUEUE_LAUNCHES * o->launch_flops) TRY(ocl_finish(o));
out:
    return err;
}

int ocl_run(ocl *o, int queue, ocl_kernel *k, const char *module, ocl_grid grid, const ocl_arg *args, int count)
{
    int err = 0;
    size_t pieces = pieces_of(o, &grid);
    int given = count + (grid.flops > 0);
    if (!k->kernel) return FAIL(SDCL_EINTERNAL, "%s: kernel %s was never built", module, k->name);
    if ((cl_uint)given != k->arguments || given > ARGUMENTS_MAX)
        return FAIL(SDCL_EINTERNAL, "%s: kernel %s takes %u arguments, got %d", module, k->name, k->arguments, given);
    for (int i = 0; i < 3; i++)
        if (!grid.groups[i]) return 0;
    if (k->frees != o->frees) memset(k->set, 0, sizeof k->set);
    k->frees = o->frees;
    for (int i = 0; i < count; i++) TRY(set_argument(k, i, &args[i]));
    for (size_t i = 0; i < pieces; i++) {
        size_t first = grid.groups[0] * i / pieces, end = grid.groups[0] * (i + 1) / pieces;
        cl_int begin = (cl_int)first;
        ocl_arg piece = ARG(begin);
        if (grid.flops > 0) TRY(set_argument(k, count, &piece));
        TRY(enqueue(o, queue, k, module, &grid, first, end));
    }
out:
    return err ? error_prefix(err, "%s: %s", module, k->name) : 0;
}

int ocl_kernel_hash(const ocl_kernel *k, uint64_t *sum) { return source_kernel_hash(sum, k->name, k->options); }
const char *ocl_kernel_name(const ocl_kernel *k) { return k->name; }

int ocl_kernel_multiple(const ocl *o, const ocl_kernel *k)
{
    size_t n = 0;
    cl_int code = clGetKernelWorkGroupInfo(k->kernel, o->device.id, CL_KERNEL_PREFERRED_WORK_GROUP_SIZE_MULTIPLE,
                                           sizeof n, &n, NULL);
    return code == CL_SUCCESS ? (int)n : 0;
}
