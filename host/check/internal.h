/* SPDX-License-Identifier: MIT */
/* A case while it runs: what the harness's files share. */
#ifndef SDCL_CHECK_INTERNAL_H
#define SDCL_CHECK_INTERNAL_H

#include "check/check.h"

/* Elements around an operand: an odd offset, or one that wide loads are aligned at. */
enum { OPERANDS_MAX = 16, GUARD_ODD = 67, GUARD_ALIGNED = 64 };

typedef struct operand {
    tensor t;
    cl_mem mem;
    unsigned char *before; /* what was uploaded, guards included */
    double *values;        /* dense: as uploaded (inputs) */
    double *want;          /* dense: expected (outputs); NULL for inputs */
    uint64_t bytes;
    int guard; /* elements before and after it */
} operand;

typedef struct stored_weight {
    weight *w;
    void *raw;
    double *values;
} stored_weight;

struct check {
    ocl *o;
    plan *p;
    weights *ws;
    dtype dt, weights_dt, in_dt, out_dt;
    check_fill fill;
    int guard;       /* elements around an operand */
    double products; /* that a reference may take */
    bool lenient;    /* of check_key */
    uint64_t random;
    operand operands[OPERANDS_MAX];
    int count;
    stored_weight stored[4];
    int stored_count;
    const check_timing *timing;                                /* NULL: none */
    void (*lowered)(void *user, const plan *p, const step *s); /* instead of running; NULL: run */
    void *user;
    check_result *result;
};

/* Element i of memory of that type. */
double check_load(const void *from, dtype dt, uint64_t i);
void check_free_operands(check *t);

#endif
