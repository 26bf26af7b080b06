/* SPDX-License-Identifier: MIT */
#include "ocl/probe.h"

#include "base/clock.h"
#include "ocl/internal.h"

#include <math.h>

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
    for (int i = 0; i < count; i++) racers[i].seconds = racers[i].second = INFINITY;
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
