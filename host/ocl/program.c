/* SPDX-License-Identifier: MIT */
/* Programs from embedded sources, compiled in the background, and launches. */
#include "base/strbuf.h"
#include "ocl/embedded.h"
#include "ocl/internal.h"

#include <stdio.h>
#include <stdlib.h>

enum { INCLUDE_DEPTH_MAX = 8 };

/* The text of cl/<file>: from $SDCL_CL_DIR where that is set, else embedded. false: no such file. */
static bool source_text(const char *file, strbuf *text)
{
    const char *dir = getenv("SDCL_CL_DIR");
    if (dir && *dir) {
        char path[4096], block[4096];
        snprintf(path, sizeof path, "%s/%s", dir, file);
        FILE *f = fopen(path, "rb");
        if (!f) return false;
        for (size_t n; (n = fread(block, 1, sizeof block, f)) > 0;) strbuf_add(text, block, n);
        fclose(f);
        return !text->failed;
    }
    for (const embedded_file *e = embedded_cl; e->name; e++)
        if (!strcmp(e->name, file)) {
            strbuf_add(text, e->text, e->size);
            return !text->failed;
        }
    return false;
}

/* Replaces #include "x" lines by their text, with #line directives so that logs point to the real file. */
static bool inline_includes(const char *file, strbuf *out, int depth)
{
    static const char include[] = "#include \"";
    strbuf text = {0};
    bool ok = depth < INCLUDE_DEPTH_MAX && source_text(file, &text);
    int line = 1;
    if (ok) strbuf_printf(out, "#line 1 \"cl/%s\"\n", file);
    for (const char *s = strbuf_text(&text); ok && *s; line++) {
        size_t n = strcspn(s, "\n");
        const char *close = strncmp(s, include, sizeof include - 1) ? NULL : strchr(s + sizeof include - 1, '"');
        if (close) {
            char name[128];
            const char *open = s + sizeof include - 1;
            snprintf(name, sizeof name, "%.*s", (int)(close - open), open);
            ok = inline_includes(name, out, depth + 1);
            strbuf_printf(out, "#line %d \"cl/%s\"\n", line + 1, file);
        } else {
            strbuf_add(out, s, n);
            strbuf_puts(out, "\n");
        }
        s += n + (s[n] == '\n');
    }
    strbuf_free(&text);
    return ok && !out->failed;
}

static int build_failed(ocl *o, ocl_kernel *k)
{
    size_t size = 0;
    char *log = NULL;
    clGetProgramBuildInfo(k->program, o->device.id, CL_PROGRAM_BUILD_LOG, 0, NULL, &size);
    if (size && (log = malloc(size + 1))) {
        log[0] = log[size] = 0;
        clGetProgramBuildInfo(k->program, o->device.id, CL_PROGRAM_BUILD_LOG, size, log, NULL);
    }
    int err = FAIL(SDCL_EDEVICE, "kernel %s does not build for %s with %s:\n%.900s", k->name, o->device.info.name, k->options,
                   log ? log : "(no log)");
    free(log);
    return err;
}

static int build(ocl *o, ocl_kernel *k)
{
    int err = 0;
    cl_int code = 0;
    char file[128];
    strbuf source = {0};
    snprintf(file, sizeof file, "%s.cl", k->name);
    if (!inline_includes(file, &source, 0)) {
        err = FAIL(SDCL_EINTERNAL, "no kernel source cl/%s", file);
        goto out;
    }
    const char *text = strbuf_text(&source);
    k->program = clCreateProgramWithSource(o->context, 1, &text, &source.n, &code);
    if (!k->program) {
        err = ocl_fail(code, "clCreateProgramWithSource", __FILE__, __LINE__);
        goto out;
    }
    if (clBuildProgram(k->program, 1, &o->device.id, k->options, NULL, NULL) != CL_SUCCESS) {
        err = build_failed(o, k);
        goto out;
    }
    k->kernel = clCreateKernel(k->program, k->name, &code);
    if (!k->kernel) {
        err = ocl_fail(code, "clCreateKernel", __FILE__, __LINE__);
        goto out;
    }
    CL_TRY(clGetKernelInfo(k->kernel, CL_KERNEL_NUM_ARGS, sizeof k->arguments, &k->arguments, NULL));
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
        ocl_kernel *k = o->todo;
        o->todo = k->next_todo;
        pthread_mutex_unlock(&o->lock);
        int status = build(o, k);
        char *message = status ? strdup(sdcl_last_error()) : NULL;
        pthread_mutex_lock(&o->lock);
        k->status = status;
        k->message = message;
        k->done = true;
        o->pending--;
        pthread_cond_broadcast(&o->built);
    }
    pthread_mutex_unlock(&o->lock);
    return NULL;
}

int builder_start(ocl *o)
{
    int want = o->units < BUILDERS_MAX ? o->units : BUILDERS_MAX;
    pthread_mutex_init(&o->lock, NULL);
    pthread_cond_init(&o->wake, NULL);
    pthread_cond_init(&o->built, NULL);
    o->locks = true;
    while (o->builders < want && !pthread_create(&o->builder[o->builders], NULL, builder, o)) o->builders++;
    return o->builders ? 0 : FAIL(SDCL_EINTERNAL, "no thread for compiling kernels");
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
    for (ocl_kernel *k = o->kernels, *next; k; k = next) {
        next = k->next;
        if (k->kernel) clReleaseKernel(k->kernel);
        if (k->program) clReleaseProgram(k->program);
        free(k->name);
        free(k->options);
        free(k->message);
        free(k);
    }
}

int ocl_kernel_get(ocl *o, ocl_kernel **out_kernel, const char *name, const char *options)
{
    for (ocl_kernel *k = o->kernels; k; k = k->next)
        if (!strcmp(k->name, name) && !strcmp(k->options, options)) {
            *out_kernel = k;
            return 0;
        }
    ocl_kernel *k = calloc(1, sizeof *k);
    if (k) {
        k->name = strdup(name);
        k->options = strdup(options);
    }
    if (!k || !k->name || !k->options) {
        if (k) {
            free(k->name);
            free(k->options);
        }
        free(k);
        return FAIL(SDCL_ENOMEM, "out of memory");
    }
    k->next = o->kernels;
    o->kernels = k;
    pthread_mutex_lock(&o->lock);
    ocl_kernel **tail = &o->todo;
    while (*tail) tail = &(*tail)->next_todo;
    *tail = k;
    o->pending++;
    pthread_cond_signal(&o->wake);
    pthread_mutex_unlock(&o->lock);
    *out_kernel = k;
    return 0;
}

int ocl_kernels_pending(ocl *o)
{
    pthread_mutex_lock(&o->lock);
    int n = o->pending;
    pthread_mutex_unlock(&o->lock);
    return n;
}

int ocl_build_wait(ocl *o)
{
    int err = 0;
    pthread_mutex_lock(&o->lock);
    while (o->pending) pthread_cond_wait(&o->built, &o->lock);
    for (ocl_kernel *k = o->kernels; k && !err; k = k->next)
        if (k->status) err = FAIL(k->status, "%s", k->message ? k->message : "a kernel does not build");
    pthread_mutex_unlock(&o->lock);
    return err;
}

const char *ocl_kernel_name(const ocl_kernel *k) { return k->name; }

size_t ocl_kernel_max_group(const ocl *o, const ocl_kernel *k)
{
    size_t n = 0;
    if (!k->kernel) return 0;
    clGetKernelWorkGroupInfo(k->kernel, o->device.id, CL_KERNEL_WORK_GROUP_SIZE, sizeof n, &n, NULL);
    return n;
}

int ocl_run(ocl *o, ocl_kernel *k, const char *module, ocl_grid grid, const ocl_arg *args, int count)
{
    int err = 0;
    size_t global[3];
    cl_event event = NULL;
    if (!k->kernel) return FAIL(SDCL_EINTERNAL, "%s: kernel %s was never built", module, k->name);
    if ((cl_uint)count != k->arguments)
        return FAIL(SDCL_EINTERNAL, "%s: kernel %s takes %u arguments, got %d", module, k->name, k->arguments, count);
    for (int i = 0; i < 3; i++) {
        if (!grid.groups[i]) return 0;
        global[i] = grid.groups[i] * grid.local[i];
    }
    for (int i = 0; i < count; i++) CL_TRY(clSetKernelArg(k->kernel, (cl_uint)i, args[i].size, args[i].value));
    CL_TRY(clEnqueueNDRangeKernel(o->queue, k->kernel, 3, NULL, global, grid.local, 0, NULL, o->profile ? &event : NULL));
    if (event) TRY(profile_add(o, event, module, k->name));
    if (o->sync) CL_TRY(clFinish(o->queue));
    else if (++o->unflushed >= QUEUE_DEPTH) TRY(ocl_finish(o));
out:
    return err ? error_prefix(err, "%s: %s", module, k->name) : 0;
}
