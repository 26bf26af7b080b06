/* SPDX-License-Identifier: MIT */
#include "ocl/probe.h"

#include "base/clock.h"
#include "ocl/answers.h"
#include "ocl/internal.h"

#include <math.h>
#include <string.h>
#include <xxhash.h>

enum { TURNS_LEAST = 5, TURNS_MOST = 60 };
#define TURN_SECONDS 2e-3 /* at least */
#define AGREE 1.1         /* a time that came once only is another program's doing */

int *ocl_probed(ocl *o, int probe, int subject) { return &o->probed[probe][subject]; }

int ocl_probe_once(ocl *o, int probe, int subject, int (*ask)(ocl *o, int subject))
{
    int *known = ocl_probed(o, probe, subject);
    if (*known < 0) *known = ask(o, subject);
    return *known;
}

int ocl_probe_kept(ocl *o, const probe_question *q, int subject)
{
    int *known = ocl_probed(o, q->probe, subject);
    uint64_t sums[] = {0, (uint64_t)q->probe, (uint64_t)subject};
    if (*known >= 0) return *known;
    bool keeps = !q->sum(o, subject, &sums[0]);
    uint64_t key = XXH3_64bits(sums, sizeof sums);
    int kept = keeps ? answer_known(&o->device, key, q->lead) : -1;
    if (kept > 0 && (q->possible ? q->possible(o, subject, kept) : kept == 1)) return *known = kept;
    *known = q->ask(o, subject);
    if (*known > 0 && keeps && !o->forgets) answer_note(&o->device, key, *known);
    return *known;
}

void ocl_probe_forget(ocl *o) { o->forgets = true; }

int ocl_probe_kernel(ocl *o, ocl_kernel **k, const char *name, const char *options, ocl_grid grid, const void *in,
                     void *out, size_t bytes)
{
    int err = 0;
    cl_mem x = NULL, y = NULL;
    const ocl_arg args[] = {ARG(y), ARG(x)};
    TRY(ocl_kernel_get(o, k, name, options));
    TRY(ocl_kernel_wait(o, *k));
    TRY(ocl_buffer_new(o, &x, bytes));
    TRY(ocl_buffer_new(o, &y, bytes));
    TRY(ocl_write(o, x, 0, bytes, in));
    memset(out, 0, bytes);
    TRY(ocl_write(o, y, 0, bytes, out)); /* else memory may hold an earlier trial's */
    TRY(ocl_run(o, 0, *k, "probe", grid, args, 2));
    TRY(ocl_read(o, y, 0, bytes, out));
out:
    ocl_buffer_free(o, &x);
    ocl_buffer_free(o, &y);
    return err;
}

static int turn(probe_racer *r)
{
    int err = 0;
    for (int runs = 1;; runs *= 2) {
        double start = seconds_now();
        for (int i = 0; i < runs; i++) TRY(r->enqueue(r->user));
        TRY(ocl_finish(r->o));
        double took = seconds_now() - start;
        double now = took / runs;
        r->second = fmin(r->second, fmax(r->seconds, now));
        r->seconds = fmin(r->seconds, now);
        if (took >= TURN_SECONDS) break;
    }
out:
    return err;
}

int ocl_probe_race(probe_racer *racers, int count)
{
    int err = 0;
    bool sure = false;
    for (int i = 0; i < count; i++)
        if (racers[i].seconds <= 0) racers[i].seconds = racers[i].second = INFINITY;
    for (int t = 0; t < TURNS_LEAST || (!sure && t < TURNS_MOST); t++) {
        sure = true;
        for (int i = 0; i < count; i++) {
            TRY(turn(&racers[i]));
            sure = sure && racers[i].second < AGREE * racers[i].seconds;
        }
    }
out:
    return err;
}
