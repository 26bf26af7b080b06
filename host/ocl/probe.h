/* SPDX-License-Identifier: MIT */
/* What is found out about a device by trying: every question is asked once for an ocl, or kept for later processes, and contestants are timed in turns. */
#ifndef SDCL_OCL_PROBE_H
#define SDCL_OCL_PROBE_H

#include "ocl/ocl.h"

enum {
    PROBE_HALF,
    PROBE_X86_WORKS,
    PROBE_X86_SPEED,
    PROBE_X86_CHOICE,
    PROBE_GPU_WORKS,
    PROBE_GPU_SPEED,
    PROBE_GPU_CHOICE,
    PROBE_SUBGROUP,
    PROBES
};
enum { PROBE_SUBJECTS = 16 }; /* of a question: engines, sizes */

/* The answer that is kept for a subject, not negative; -1: there is none yet. The numbers are the prober's. */
int *ocl_probed(ocl *o, int probe, int subject);
/* That answer; ask, where it is wanted for the first time. */
int ocl_probe_once(ocl *o, int probe, int subject, int (*ask)(ocl *o, int subject));

/* Of a kept answer: what is proved is proved, what is measured has to come out the same in two processes more than anything else. */
enum { PROBE_PROVED = 1, PROBE_MEASURED = 2 };
/* A question whose answers above zero hold for later processes, too. */
typedef struct probe_question {
    int probe, lead;
    /* Of what the answer depends on besides the device: the kernels' text, the values that they are compiled with. */
    int (*sum)(ocl *o, int subject, uint64_t *sum);
    int (*ask)(ocl *o, int subject);
    /* Can that be the answer? What is kept could be anybody's. NULL: 1 can. */
    bool (*possible)(ocl *o, int subject, int answer);
} probe_question;
int ocl_probe_kept(ocl *o, const probe_question *q, int subject);
/* What is found out from now on is not kept: the values in force are only being tried. */
void ocl_probe_forget(ocl *o);

/* Compiles and runs a kernel (y, x) with x = in and y = zeros at first, `bytes` each: out is what y is then, k the kernel. */
int ocl_probe_kernel(ocl *o, ocl_kernel **k, const char *name, const char *options, ocl_grid grid, const void *in,
                     void *out, size_t bytes);

/* A launch that is timed against others. */
typedef struct probe_racer {
    ocl *o;
    int (*enqueue)(void *user);
    void *user;
    double seconds, second; /* 0 before the first race; out: the least time of a launch, and the next, of all races */
} probe_racer;

/* They take turns, so that a device that is slow for a while is slow for all; a turn is as many launches in a row as outweigh the waiting for the last. They
 * go on until the least time of each has come about twice: one that came once may be another program's doing. */
int ocl_probe_race(probe_racer *racers, int count);

#endif
