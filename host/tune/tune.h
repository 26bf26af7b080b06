/* SPDX-License-Identifier: MIT */
/* What the files of the tuner share. A key is a step of the model's plans that is to be made fast: op, storage types, shape. Its spaces are the values it
 * can run with, one space an implementation; a trial is one point of a space, verified and timed in a process of its own. */
#ifndef SDCL_TUNE_TUNE_H
#define SDCL_TUNE_TUNE_H

#include "check/check.h"
#include "pipeline/session.h"

#include <jansson.h>

enum { AXES_MAX = 40, CHOICES_MAX = 32, SPACES_MAX = 8, KNOWN_MAX = 2, KEY_TEXT = 160, KEY_ID = 128 };

/* One tunable. */
typedef struct axis {
    const ocl_section *section;
    int index; /* in the section */
    int count;
    int value[CHOICES_MAX];
    char word[CHOICES_MAX][16];
} axis;

/* What a key can run with on one implementation. */
typedef struct space {
    char impl[16]; /* "" where the op has one only */
    bool fits;
    char why[256]; /* it does not */
    int axes;
    axis axis[AXES_MAX];
    unsigned char now[AXES_MAX]; /* the choices in force */
} space;

typedef struct candidate {
    int space;
    unsigned char pick[AXES_MAX];
} candidate;

typedef struct trial {
    candidate c;
    bool ok;
    double ms, min_ms, nmse;
    int runs;
    double at; /* seconds since the first trial of its key's run: order for the report */
    char why[128];
} trial;

typedef struct tune_key {
    check_key check;
    ocl_shape shape;
    double count; /* steps an image */
    char id[KEY_ID], text[KEY_TEXT];
    int space_count;
    space *space;               /* owned, SPACES_MAX */
    int known_count;            /* good configurations to begin with; the first is the one in force */
    candidate known[KNOWN_MAX]; /* in force; without the user's files */
    trial *trial;               /* owned */
    int trial_count, trial_capacity;
    int best;            /* index of the fastest correct trial, -1: none */
    int since_best;      /* trials since then */
    double gflop, gbyte; /* of one step */
    bool done;           /* nothing left to try */
} tune_key;

typedef struct records {
    int fd;
    char *path;         /* owned */
    int64_t read, from; /* bytes that have been looked at; older records than `from` do not count */
} records;

typedef struct tuner {
    const sdcl_params *params;
    const sdcl_tune_job *job;
    sdcl *session; /* its plans are the keys; NULL where shapes come from a file */
    ocl_device device;
    dtype precision;
    bool from_file; /* shapes of a file: no model stands behind them */
    tune_key *key;  /* owned, heaviest first */
    int key_count;
    records records;
    char *lock;    /* owned: file that a timing process holds */
    char *scratch; /* owned: folder of the drivers' caches */
    uint64_t random;
    double begin, deadline;
    int tried, rejected;
} tuner;

/* --- keys.c --- */

/* The keys of the session's plans or of a file of shapes; only: comma-separated ops, NULL: all. */
int keys_of_session(tuner *t);
int keys_of_file(tuner *t, const char *path);
void keys_free(tuner *t);
/* Fills in id and text of a key from its numbers. */
void key_name(tune_key *k);
/* "gemm f32 f16 1 64 320 320 5 0", an id, back to the numbers. */
bool key_of_id(const char *id, check_key *key);
const char *dtype_word(dtype dt);
bool op_wanted(const char *only, const char *op);

/* --- space.c --- */

/* The spaces of all keys and what is in force in them. */
int spaces_open(tuner *t);
bool candidate_same(const tune_key *k, const candidate *a, const candidate *b);
/* The trial of a candidate, NULL: not tried yet. */
const trial *trial_of(const tune_key *k, const candidate *c);
/* Do the sections' own rules and the device's limits allow it? why: of a refusal. */
bool candidate_fits(const tuner *t, const tune_key *k, const candidate *c, char *why, size_t size);
/* "gemm_cpu.f32.MR=8", one for each axis and one for the implementation; a NULL ends the list. Freed with sets_free. */
char **candidate_sets(const tune_key *k, const candidate *c);
void sets_free(char **sets);
/* "cpu MR=8 NV=3". */
void candidate_text(const tune_key *k, const candidate *c, char *text, size_t size);
/* The configuration of another key of the same op, as far as this key's space has it. */
bool candidate_like(const tune_key *k, const tune_key *other, const candidate *from, candidate *to);
double key_ms(const tune_key *k);       /* of the best; of the one in force where none is better; 0: unknown */
double key_first_ms(const tune_key *k); /* of the one in force; 0: unknown */
/* Has everything been tried that is known to be good? */
bool key_known(const tune_key *k);
trial *key_add(tune_key *k, const trial *one);

/* --- search.c --- */

uint64_t tune_random(tuner *t);
/* The next key and candidate to try; false: nothing is left. */
bool search_next(tuner *t, tune_key **key, candidate *c);

/* --- process.c --- */

/* Runs a request in a process of its own. *reply is NULL where it crashed, hung or was cancelled: why says so. SDCL_EINTERRUPTED, SDCL_ENOMEM. */
int process_run(tuner *t, json_t *request, double timeout, json_t **reply, char *why, size_t size);
/* Requests: device, configuration and limits are filled in. */
json_t *request_op(const tuner *t, const tune_key *k, const candidate *c, double give_up_ms);
json_t *request_model(const tuner *t, const char *config_file, int steps);
/* A picture, its pixels into a file. shipped: without the settings of the parameters. */
json_t *request_picture(const tuner *t, const char *config_file, bool shipped, int steps, const char *file);

/* --- records.c --- */

int records_open(tuner *t, const char *path, bool resume);
void records_close(records *r);
/* Adds to the keys what has been written since the last call, by whomever. */
int records_read(tuner *t);
int records_append(tuner *t, const tune_key *k, const trial *one);
/* Takes a candidate for this process until records_release; false: another process is at it. */
bool records_claim(const tuner *t, const tune_key *k, const candidate *c);
void records_release(const tuner *t, const tune_key *k, const candidate *c);

/* --- compare.c --- */

/* Fills in seconds a picture with the values in force (0: it fails with them) and with those of the file fresh (NULL: there is none), and the device's
 * peaks. */
int compare_run(tuner *t, const char *fresh, sdcl_tune_result *r);

/* Is a picture with the file fresh like one with the values in force, or where those fail or compute wrongly themselves, with the shipped ones? psnr: dB, the
 * better of the two; 99 where they are equal, or where shapes of a file make no picture. */
int compare_pictures(tuner *t, const char *fresh, double *psnr);
#define TUNED_PSNR 35.0 /* that is enough: f16 storage stays above 40 dB, a wrong kernel far below */

/* --- write.c --- */

/* The best of all keys as an INI file. keep: a file whose sections for other shapes stay, or NULL. */
int tuned_write(const tuner *t, const char *path, const char *keep);

/* --- report.c --- */

/* index.html in folder, which is made where it is missing. Peaks that r has not are measured. */
int report_write(const tuner *t, const char *folder, sdcl_tune_result *r);

#endif
