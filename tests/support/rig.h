/* SPDX-License-Identifier: MIT */
/* A network on the default device, run step by step: any module's output can be read right after the step that makes
 * it, in the plan as it is used, without changing what lives when. Every function fails the cmocka test on an error. */
#ifndef SDCL_TESTS_RIG_H
#define SDCL_TESTS_RIG_H

#include "io/model.h"
#include "nn/params.h"
#include "npy.h"
#include "plan/plan.h"

enum { RIG_BUFFERS = 64 };

typedef struct rig {
    config *values;
    ocl *o;
    model *m;
    weights *set;
    params params;
    plan *p;
    cl_mem buffer[RIG_BUFFERS]; /* of external tensors */
    int buffers;
} rig;

/* A plan called `name` ("unet") for one part of a model. */
void rig_open(rig *r, const char *model_path, model_part part, const char *name, dtype activation);
void rig_close(rig *r);
/* Another plan over the same weights; the current one is given up, external memory stays. */
void rig_next_plan(rig *r, const char *name);

/* An external tensor with memory of its own. */
tensor rig_tensor(rig *r, dtype dt, int n, int h, int w, int c);
/* The external tensor `of` (of a given-up plan) as one of the current plan. */
tensor rig_again(rig *r, tensor of, cl_mem mem);
/* The memory of an external tensor of the current plan. */
cl_mem rig_mem(const rig *r, tensor t);

/* Dense floats in NHWC order. */
void rig_write(rig *r, tensor t, const float *values);
/* Any row stride; F32 or F16. */
void rig_read(rig *r, tensor t, float *values);

/* The values of a float .npy file, NCHW (rank 4), tokens (rank 3) or vectors, in NHWC order. */
void npy_to_nhwc(const npy *a, float *values);

/* Lowers, places, allocates and loads. */
void rig_prepare(rig *r);
/* Runs the plan step by step and compares the output of every module for which folder has a file <prefix><module>.npy.
 * Fails if the NMSE of one is above limit or if a file has no module; `except` names files that are inputs, separated
 * by blanks. Returns how many were compared. */
int rig_run_compared(rig *r, const char *folder, const char *prefix, const char *except, double limit);
void rig_run(rig *r);

#endif
