/* SPDX-License-Identifier: MIT */
/* One harness for test, benchmark and self-test: an op at a shape, on an implementation, in a configuration; compared with the plain C reference, and only
 * then timed.
 *
 * Every operand lies between guard zones, at an odd offset or an aligned one; rows may have gaps; outputs start poisoned. A case fails on an OpenCL error, a
 * touched guard or gap, a value that is not finite, or a normalised squared error above the storage type's floor times the case's allowance. */
#ifndef SDCL_CHECK_CHECK_H
#define SDCL_CHECK_CHECK_H

#include "ops/ops.h"

typedef struct check check;

/* How inputs are filled: uniform in +-1; tiny (1e-4); large (30, about a large mean); all the same value. */
typedef enum check_fill { FILL_UNIFORM, FILL_TINY, FILL_OFFSET, FILL_CONSTANT, FILL_COUNT } check_fill;

typedef struct check_case {
    const char *op;
    int index;
    dtype dt; /* precision: storage of activations and of weights; BF16: F32 and F16 */
    check_fill fill;
    bool half_weights; /* F16, whatever dt is */
} check_case;

enum { CHECK_KERNELS_MAX = 8 };

typedef struct check_result {
    bool ok;
    bool unfit;       /* the forced implementation does not fit the device or the shape */
    char why[256];    /* of a failure */
    const char *impl; /* that ran the op; "" if none did */
    double nmse;
    double ms, min_ms;                           /* median and least; 0: not timed */
    int runs;                                    /* that were timed */
    double gflops, gbytes;                       /* of one run */
    const ocl_kernel *kernel[CHECK_KERNELS_MAX]; /* of all steps of the case, NULL after the last */
} check_result;

/* A group of cases: host/check/ops/x.c defines one, host/check/registry.c lists them. */
typedef struct check_op {
    const char *name;
    const char *section; /* op whose `impl` has several values; NULL: one implementation */
    int cases;           /* test shapes: small, ragged, extreme */
    int bench_cases;     /* shapes of SD v1 at 512x512 follow them */
    int (*run)(check *t, int i);
    void (*describe)(int i, char *text, size_t size);
} check_op;

extern const check_op *const check_ops[]; /* null-terminated */

/* An implementation with a value of its own ("section.key=value") that tests run as well: what its default leaves uncompiled. */
typedef struct check_variant {
    const char *op, *impl, *set;
} check_variant;

extern const check_variant check_variants[]; /* op NULL after the last */

/* --- what a case's run function uses --- */

plan *check_plan(check *t);
dtype check_dtype(const check *t); /* of activations */
/* Of the op's input and output; the same, unless the case is a step that differs (check_key). */
dtype check_dtype_in(const check *t);
dtype check_dtype_out(const check *t);
/* An input (n,h,w,c) with `gap` unused elements after each row, filled; its values as the device sees them (rounded), dense. */
tensor check_in(check *t, dtype dt, int n, int h, int w, int c, int gap);
const double *check_values(check *t, tensor x);
/* Replaces the values of an input: token ids, timesteps. */
int check_set(check *t, tensor x, const double *values);
/* Is the op to be run? Else its plan alone is looked at, and expected values would be for nothing. */
bool check_wants(const check *t);
/* The step between rows that a reference of `products` multiplications need compute: the rest of the expected values stay NaN, which compares with anything
 * finite. */
int check_step(const check *t, double products);
/* An output, poisoned; where the expected values go. */
tensor check_out(check *t, dtype dt, int n, int h, int w, int c, int gap);
double *check_want(check *t, tensor y);
/* An output that starts with an input's values and is checked afterwards. */
tensor check_inout(check *t, dtype dt, int n, int h, int w, int c, int gap);
/* A weight of rows x columns x taps in the case's storage type, and its values as the device sees them, [rows][columns][taps]. */
weight *check_weight(check *t, int rows, int columns, int taps);
const double *check_weight_values(check *t, const weight *w);
/* By how much the fill at hand makes a normalisation worse conditioned: a factor for the allowance. */
double check_cancellation(const check *t);
/* What a plain sum of so many terms in f32 may add to the allowance: twice the 3e-16 a term that were measured. */
double check_sum(const check *t, double terms);
/* Lowers, places, loads, runs, compares. allowance: multiple of the storage type's floor. bytes: read and written by one run. */
int check_finish(check *t, double allowance, double bytes);

/* --- driving --- */

/* seed: of the fills. bench: also time it, for at least 0.2 s. */
void check_run(ocl *o, const check_op *op, const check_case *c, uint64_t seed, bool bench, check_result *r);
/* A step of a plan as a case of its own: what `tune` measures. */
enum { CHECK_KEY_VALUES = 12 };

typedef struct check_key {
    const struct check_keyed *op;
    dtype dt, weights; /* storage of the plan's activations, and of weights */
    dtype in, out;     /* of the op's own input and output, where they are not dt: the text encoder's output is F32 */
    int v[CHECK_KEY_VALUES]; /* the op's own numbers */
    bool lenient;            /* an implementation that does not fit gives way to a plan's choice; else it is an error */
} check_key;

typedef struct check_keyed {
    const char *op; /* as the step's */
    int values;     /* of v that it uses; the first ones are sizes, above zero, the rest flags and options */
    int sizes;
    /* Fills in v, weights, and in and out where they differ from dt. false: no case of this op is like the step. */
    bool (*of_step)(const step *s, check_key *key);
    int (*run)(check *t, const int *v);
    void (*describe)(const int *v, char *text, size_t size);
    /* Of two keys of one shape and storage, whose values are the same: does v have more to choose? NULL: none has. */
    bool (*stands_for)(const int *v, const int *other);
} check_keyed;

extern const check_keyed *const check_keyed_ops[]; /* null-terminated */

/* The key of a plan's step; false: it has none, and key->op is NULL. */
bool check_key_of(const plan *p, const step *s, check_key *key);
bool check_key_same(const check_key *a, const check_key *b);

typedef struct check_timing {
    double seconds;    /* of runs that are timed; at least three, at most 400 */
    int runs;          /* that many instead; 0: by seconds */
    double give_up_ms; /* a first run that takes longer is the only one; 0: none is given up */
    /* Around the runs that are timed, so that processes do not disturb each other; NULL: none. */
    int (*begin)(void *user);
    void (*end)(void *user);
    void *user;
} check_timing;

/* timing NULL: not timed. */
void check_run_key(ocl *o, const check_key *key, check_fill fill, uint64_t seed, const check_timing *timing,
                   check_result *r);
/* Appends the key's step to a plan that is lowered and never run: tells what would be chosen. each: for every step. The result says why it does not fit. */
void check_lower_key(ocl *o, const check_key *key, void (*each)(void *user, const plan *p, const step *s), void *user,
                     check_result *r);

/* Names of the implementations an op can be forced to ("cpu gpu"), from its section; "" where there is one. */
const char *check_impls(const check_op *op);

#endif
