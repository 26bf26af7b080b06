/* SPDX-License-Identifier: MIT */
/* Event times, summed per (module, op, kernel). */
#include "ocl/internal.h"

#include <stdlib.h>

enum { EVENTS_MAX = 4096 }; /* events kept before they are summed: an event costs memory until it is released */

void ocl_profile_step(ocl *o, const char *op, const char *impl, double flops)
{
    o->step_op = op ? op : "";
    o->step_impl = op ? impl : "";
    o->step_flops = op ? flops : 0;
}

static bool is_row(const ocl *o, const profile_row *r, const char *module, const char *kernel)
{
    return r->kernel == kernel && r->op == o->step_op && r->impl == o->step_impl && !strcmp(r->module, module);
}

/* The row's index, -1: out of memory. Rows move only when no events are left to sum. */
static int row_of(ocl *o, const char *module, const char *kernel)
{
    for (int i = 0; i < o->row_count; i++) {
        int at = (o->next_row + i) % o->row_count;
        if (is_row(o, &o->rows[at], module, kernel)) return at;
    }
    if (o->row_count == o->row_capacity) {
        int capacity = o->row_capacity ? o->row_capacity * 2 : 256;
        profile_row *rows = realloc(o->rows, (size_t)capacity * sizeof *rows);
        if (!rows) return -1;
        o->rows = rows;
        o->row_capacity = capacity;
    }
    char *name = strdup(module);
    if (!name) return -1;
    o->rows[o->row_count] = (profile_row){name, o->step_op, o->step_impl, kernel, 0, 0, 0};
    return o->row_count++;
}

static void release_events(ocl *o)
{
    for (int i = 0; i < o->event_count; i++) {
        if (o->events[i].since) clReleaseEvent(o->events[i].since);
        clReleaseEvent(o->events[i].event);
    }
    o->event_count = 0;
}

static int sum_events(ocl *o)
{
    int err = 0;
    TRY(ocl_finish(o));
    for (int i = 0; i < o->event_count; i++) {
        const profile_event *e = &o->events[i];
        cl_ulong begin = 0, end = 0;
        cl_profiling_info first = e->since ? CL_PROFILING_COMMAND_END : CL_PROFILING_COMMAND_START;
        profile_row *r = &o->rows[e->row];
        CL_TRY(clGetEventProfilingInfo(e->since ? e->since : e->event, first, sizeof begin, &begin, NULL));
        CL_TRY(clGetEventProfilingInfo(e->event, CL_PROFILING_COMMAND_END, sizeof end, &end, NULL));
        r->calls++;
        r->ms += (double)(end - begin) * 1e-6;
    }
out:
    release_events(o);
    return err;
}

int profile_add(ocl *o, cl_event event, const char *module, const char *kernel)
{
    return profile_add_since(o, NULL, event, module, kernel);
}

int profile_add_since(ocl *o, cl_event since, cl_event event, const char *module, const char *kernel)
{
    int err = 0, row = row_of(o, module, kernel);
    if (!o->events) o->events = calloc(EVENTS_MAX, sizeof *o->events);
    if (row < 0 || !o->events) {
        if (since) clReleaseEvent(since);
        clReleaseEvent(event);
        return FAIL(SDCL_ENOMEM, "out of memory");
    }
    o->next_row = row + 1;
    o->rows[row].flops += o->step_flops;
    o->step_flops = 0;
    o->events[o->event_count++] = (profile_event){since, event, row};
    if (o->event_count == EVENTS_MAX) TRY(sum_events(o));
out:
    return err;
}

static int longest_first(const void *a, const void *b)
{
    const profile_row *x = a, *y = b;
    return x->ms < y->ms ? 1 : x->ms > y->ms ? -1 : 0;
}

int ocl_profile_each(ocl *o, sdcl_profile_fn *each, void *user)
{
    int err = 0;
    TRY(sum_events(o));
    if (o->row_count) qsort(o->rows, (size_t)o->row_count, sizeof *o->rows, longest_first);
    for (int i = 0; i < o->row_count; i++) {
        const profile_row *r = &o->rows[i];
        sdcl_profile_row row = {r->module, r->op, r->impl, r->kernel, r->calls, r->ms, r->flops * 1e-9};
        each(user, &row);
    }
out:
    return err;
}

static void forget_rows(ocl *o)
{
    for (int i = 0; i < o->row_count; i++) free(o->rows[i].module);
    o->row_count = 0;
}

int ocl_profile_reset(ocl *o)
{
    int err = sum_events(o);
    forget_rows(o);
    return err;
}

void ocl_profile_pause(ocl *o, bool paused) { o->profile_paused = paused; }
bool profile_wanted(const ocl *o) { return o->profile && !o->profile_paused; }

void profile_free(ocl *o)
{
    release_events(o);
    forget_rows(o);
    free(o->events);
    free(o->rows);
}
