/* SPDX-License-Identifier: MIT */
/* The cases of tests/golden and tests/golden/pocket: what to draw, where diffusers' result is, and how near to it a float32 run must come. */
#ifndef SDCL_TESTS_GOLDEN_H
#define SDCL_TESTS_GOLDEN_H

#include "sdcl.h"

#include <jansson.h>

enum { GOLDEN_BATCH_MAX = 8 };

typedef struct golden_bounds {
    double eps_nmse, latent_nmse; /* first prediction; every latent and later prediction */
    double psnr;                  /* dB */
} golden_bounds;

typedef struct golden_case {
    char name[64], folder[128], model[64];
    const char *model_config;         /* NULL: model is a folder */
    uint64_t seeds[GOLDEN_BATCH_MAX]; /* all the same: the batch is one stream */
    sdcl_job job;                     /* its strings belong to the list, its seeds are those above */
    golden_bounds bounds;
} golden_case;

typedef struct golden_list {
    golden_case *cases; /* owned */
    int count;
    json_t *json; /* owned */
} golden_list;

/* The cases whose folder exists, and "single-file-a": stages-a from a single file. Paths are relative to the repository root. Exits with a message if a
 * file is missing or malformed. */
void golden_open(golden_list *l);
void golden_close(golden_list *l);
/* NULL: none of that name. */
const golden_case *golden_find(const golden_list *l, const char *name);

#endif
