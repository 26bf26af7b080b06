/* SPDX-License-Identifier: MIT */
/* Where the time went: by part of the model, by op, by module. */
#include "cli/message.h"
#include "cli/verbs.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 128 };

/* A line of a table: the sum of all rows of that name. */
typedef struct line {
    char name[NAME_BYTES];
    int calls;
    double ms, gflop;
} line;

typedef struct table {
    line *list; /* owned */
    int count, capacity;
    bool failed; /* out of memory */
} table;

typedef struct profile {
    table parts, ops, kernels, modules;
    double ms; /* of everything but loading */
} profile;

static void add(table *t, const char *name, const sdcl_profile_row *r)
{
    line *l = NULL;
    for (int i = 0; i < t->count && !l; i++)
        if (!strcmp(t->list[i].name, name)) l = &t->list[i];
    if (!l && t->count == t->capacity) {
        int capacity = t->capacity ? 2 * t->capacity : 64;
        line *grown = realloc(t->list, (size_t)capacity * sizeof *grown);
        if (!grown) {
            t->failed = true;
            return;
        }
        t->list = grown;
        t->capacity = capacity;
    }
    if (!l) {
        l = &t->list[t->count++];
        *l = (line){0};
        snprintf(l->name, sizeof l->name, "%s", name);
    }
    l->calls += r->calls;
    l->ms += r->milliseconds;
    l->gflop += r->gflop;
}

static void add_row(void *user, const sdcl_profile_row *r)
{
    profile *p = user;
    char name[NAME_BYTES];
    bool loading = !*r->op;
    if (!loading) p->ms += r->milliseconds;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(r->module, "."), r->module);
    add(&p->parts, name, r);
    if (loading) return;
    snprintf(name, sizeof name, "%s (%s)", r->op, r->impl);
    add(&p->ops, name, r);
    add(&p->kernels, r->kernel, r);
    snprintf(name, sizeof name, "%s %s", r->module, r->op);
    add(&p->modules, name, r);
}

static int longest_first(const void *a, const void *b)
{
    const line *x = a, *y = b;
    return x->ms < y->ms ? 1 : x->ms > y->ms ? -1 : 0;
}

/* rates: the lines are whole ops, and their work per second means something. */
static void print(FILE *f, const char *title, table *t, double whole, bool rates)
{
    if (t->count) qsort(t->list, (size_t)t->count, sizeof *t->list, longest_first);
    fprintf(f, "%12s %6s %8s %9s  %s\n", "ms", "%", "calls", rates ? "GFLOP/s" : "", title);
    for (int i = 0; i < t->count; i++) {
        const line *l = &t->list[i];
        char rate[32] = "";
        if (rates && l->gflop > 0 && l->ms > 0) snprintf(rate, sizeof rate, "%.1f", l->gflop / l->ms * 1e3);
        fprintf(f, "%12.3f %6.2f %8d %9s  %s\n", l->ms, whole > 0 ? 100 * l->ms / whole : 0, l->calls, rate, l->name);
    }
    fputc('\n', f);
}

int report_profile(sdcl *s)
{
    profile p = {0};
    double seconds = 0;
    int err = cli_library(sdcl_profile(s, add_row, &p, &seconds));
    if (!err && (p.parts.failed || p.ops.failed || p.kernels.failed || p.modules.failed))
        err = cli_fail(SDCL_ENOMEM, "no memory for the profile");
    if (!err) {
        print(stderr, "part", &p.parts, p.ms, true);
        print(stderr, "module and op", &p.modules, p.ms, true);
        print(stderr, "kernel", &p.kernels, p.ms, false);
        print(stderr, "op (implementation)", &p.ops, p.ms, true);
        fprintf(stderr, "%12.3f %6.2f  of %.3f ms by the clock, without loading: total\n", p.ms,
                seconds > 0 ? p.ms / seconds / 10 : 0, seconds * 1e3);
    }
    free(p.parts.list);
    free(p.ops.list);
    free(p.kernels.list);
    free(p.modules.list);
    return err;
}
