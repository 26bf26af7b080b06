/* SPDX-License-Identifier: MIT */
/* Times ops alone, at the shapes that the plans of a job have. */
#include "check/check.h"
#include "ops/peak.h"
#include "pipeline/pipeline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHAPE_BYTES = 96 };

/* Steps of the same op, shape and storage. */
typedef struct kind {
    check_key key;
    int count;
    double flops, values; /* of all of them; values: written */
} kind;

typedef struct kinds {
    kind *list; /* owned */
    int count, capacity;
} kinds;

static int add(kinds *k, const check_key *key, const step *s)
{
    double flops = s->op->flops ? s->op->flops(s) : 0, values = (double)rows_of(s->t[0]) * s->t[0].c;
    kind *one = NULL;
    for (int i = 0; i < k->count && !one; i++)
        if (check_key_same(&k->list[i].key, key)) one = &k->list[i];
    if (!one && k->count == k->capacity) {
        int capacity = k->capacity ? 2 * k->capacity : 64;
        kind *grown = realloc(k->list, (size_t)capacity * sizeof *grown);
        if (!grown) return FAIL(SDCL_ENOMEM, "out of memory");
        k->list = grown;
        k->capacity = capacity;
    }
    if (!one) {
        one = &k->list[k->count++];
        *one = (kind){.key = *key};
    }
    one->count++;
    one->flops += flops;
    one->values += values;
    return 0;
}

static int collect(const sdcl *s, kinds *k)
{
    int err = 0;
    const passes *x = &s->shape;
    const plan *plans[] = {x->text, x->prologue, x->time, x->unet[0].p, x->unet[1].p, x->vae};
    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++)
        for (int n = 0; plans[i] && n < plan_steps(plans[i]); n++) {
            const step *st = plan_step(plans[i], n);
            check_key key;
            if (check_key_of(plans[i], st, &key)) TRY(add(k, &key, st));
        }
out:
    return err;
}

static int most_first(const void *a, const void *b)
{
    const kind *x = a, *y = b;
    if (x->flops == y->flops) return x->values < y->values ? 1 : x->values > y->values ? -1 : 0;
    return x->flops < y->flops ? 1 : -1;
}

static bool time_kind(sdcl *s, const kind *k, int runs, const sdcl_bench_peaks *peaks, sdcl_bench_op_fn *each,
                      void *user)
{
    char shape[SHAPE_BYTES];
    check_timing timing = {.seconds = 0.2, .runs = runs};
    check_result r;
    check_run_key(s->o, &k->key, FILL_UNIFORM, 1, &timing, &r);
    k->key.op->describe(k->key.v, shape, sizeof shape);
    sdcl_bench_op row = {.op = k->key.op->op,
                         .impl = r.impl,
                         .shape = shape,
                         .weights = dtype_option_name(k->key.weights),
                         .count = k->count,
                         .ms = r.ms,
                         .gflop = r.gflops,
                         .gbyte = r.gbytes,
                         .nmse = r.nmse,
                         .why = r.ok ? NULL : r.why};
    if (r.ms > 0) row.share = (r.gflops > 0 ? r.gflops / peaks->gflops : r.gbytes / peaks->gbytes) / r.ms * 1e3;
    each(user, &row, peaks);
    return r.ok;
}

int sdcl_bench_ops(sdcl *s, const sdcl_job *job, sdcl_bench_op_fn *each, void *user)
{
    int err = 0, failed = 0, factor = session_factor(s);
    sdcl_job j;
    uint64_t seeds[BATCH_MAX];
    sdcl_bench_peaks peaks;
    kinds k = {0};
    TRY(bench_job(s, job, &j, seeds));
    TRY(passes_prepare(s, j.count, true, j.height / factor, j.width / factor));
    TRY(collect(s, &k));
    if (k.count) qsort(k.list, (size_t)k.count, sizeof *k.list, most_first);
    TRY(peak_fma(s->o, &peaks.gflops));
    TRY(peak_copy(s->o, &peaks.gbytes));
    for (int i = 0; i < k.count; i++) {
        TRY(session_cancelled(s));
        session_progress(s, "ops", i, k.count, 0, 0, 1);
        if (!time_kind(s, &k.list[i], job->steps, &peaks, each, user)) failed++;
    }
    if (failed) err = FAIL(SDCL_ERESULT, "%d of %d ops disagree with their references", failed, k.count);
out:
    free(k.list);
    return err;
}
