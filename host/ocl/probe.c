/* SPDX-License-Identifier: MIT */
#include "ocl/probe.h"

#include "base/clock.h"
#include "ocl/internal.h"

#include <math.h>

enum { TURNS = 5 };
#define TURN_SECONDS 2e-3 /* at least */

int *ocl_probed(ocl *o, int probe, int subject) { return &o->probed[probe][subject]; }

int ocl_probe_once(ocl *o, int probe, int subject, int (*ask)(ocl *o, int subject))
{
    int *known = ocl_probed(o, probe, subject);
    if (*known < 0) *known = ask(o, subject);
    return *known;
}

static int turn(probe_racer *r)
{
    int err = 0;
    for (int runs = 1;; runs *= 2) {
        double start = seconds_now();
        for (int i = 0; i < runs; i++) TRY(r->enqueue(r->user));
        TRY(ocl_finish(r->o));
        double took = seconds_now() - start;
        r->seconds = fmin(r->seconds, took / runs);
        if (took >= TURN_SECONDS) break;
    }
out:
    return err;
}

int ocl_probe_race(probe_racer *racers, int count)
{
    int err = 0;
    for (int t = 0; t < TURNS; t++)
        for (int i = 0; i < count; i++) TRY(turn(&racers[i]));
out:
    return err;
}
