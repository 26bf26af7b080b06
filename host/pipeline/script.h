/* SPDX-License-Identifier: MIT */
/* A sampler's actions as work for the device: evaluations, noise, and programs of the scheduler op. Everything a run needs is known before it starts,
 * so coefficients, timesteps and scales are uploaded once. */
#ifndef SDCL_PIPELINE_SCRIPT_H
#define SDCL_PIPELINE_SCRIPT_H

#include "ops/ops.h"
#include "sampler/sampler.h"

typedef enum script_kind { SCRIPT_EVALUATE, SCRIPT_NOISE, SCRIPT_COMBINE, SCRIPT_STEP_END } script_kind;

typedef struct script_item {
    script_kind kind;
    int slot; /* EVALUATE: its input */
    int index; /* EVALUATE: number of the evaluation; COMBINE: number of the program; STEP_END: number of the scheduler call */
} script_item;

typedef struct script {
    script_item *items; /* owned */
    int count;
    float *timesteps, *scales; /* owned; per evaluation: timestep, input scale */
    int evaluation_count;
    float *programs; /* owned; SCHEDULER_PROGRAM floats each */
    int program_count;
} script;

/* every_step: the state is needed after every scheduler call (dumps); otherwise combinations run together, once per evaluation. */
int script_build(script *s, sampler *from, double guidance, bool every_step);
void script_free(script *s);

#endif
