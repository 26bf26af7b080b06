/* SPDX-License-Identifier: MIT */
/* Event times, summed per (module, kernel). */
#include "ocl/internal.h"

#include <stdlib.h>

enum { EVENTS_MAX = 4096 }; /* events kept before they are summed: an event costs memory until it is released */

/* The row's index, -1: out of memory. Rows move only when no events are left to sum. */
static int row_of(ocl *o, const char *module, const char *kernel)
{
    for (int i = 0; i < o->row_count; i++)
        if (!strcmp(o->rows[i].module, module) && o->rows[i].kernel == kernel) return i;
    if (o->row_count == o->row_capacity) {
        int capacity = o->row_capacity ? o->row_capacity * 2 : 256;
        profile_row *rows = realloc(o->rows, (size_t)capacity * sizeof *rows);
        if (!rows) return -1;
        o->rows = rows;
        o->row_capacity = capacity;
    }
    char *name = strdup(module);
    if (!name) return -1;
    o->rows[o->row_count] = (profile_row){name, kernel, 0, 0};
    return o->row_count++;
}

static int sum_events(ocl *o)
{
    int err = 0;
    TRY(ocl_finish(o));
    for (int i = 0; i < o->event_count; i++) {
        const profile_event *e = &o->events[i];
        cl_ulong begin = 0, end = 0;
        profile_row *r = &o->rows[e->row];
        CL_TRY(clGetEventProfilingInfo(e->event, CL_PROFILING_COMMAND_START, sizeof begin, &begin, NULL));
        CL_TRY(clGetEventProfilingInfo(e->event, CL_PROFILING_COMMAND_END, sizeof end, &end, NULL));
        r->calls++;
        r->ms += (double)(end - begin) * 1e-6;
    }
out:
    for (int i = 0; i < o->event_count; i++) clReleaseEvent(o->events[i].event);
    o->event_count = 0;
    return err;
}

int profile_add(ocl *o, cl_event event, const char *module, const char *kernel)
{
    int err = 0, row = row_of(o, module, kernel);
    if (!o->events) o->events = calloc(EVENTS_MAX, sizeof *o->events);
    if (row < 0 || !o->events) {
        clReleaseEvent(event);
        return FAIL(SDCL_ENOMEM, "out of memory");
    }
    o->events[o->event_count++] = (profile_event){event, row};
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
        each(user, r->module, r->kernel, r->calls, r->ms);
    }
out:
    return err;
}

void profile_free(ocl *o)
{
    for (int i = 0; i < o->event_count; i++) clReleaseEvent(o->events[i].event);
    for (int i = 0; i < o->row_count; i++) free((char *)(uintptr_t)o->rows[i].module);
    free(o->events);
    free(o->rows);
}
