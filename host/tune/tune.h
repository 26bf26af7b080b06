/* SPDX-License-Identifier: MIT */
/* What the files of the tuner share. A key is a step of the model's plans that is to be made fast: op, storage types, shape. Its spaces are the values it
 * can run with, one space an implementation; a trial is one point of a space, verified and timed in a worker process. Keys of one op and precision are a
 * group: they have the same spaces, and what is compiled for one of them serves the others, so that they are tried in batches. */
#ifndef SDCL_TUNE_TUNE_H
#define SDCL_TUNE_TUNE_H

#include "check/check.h"
#include "pipeline/session.h"

#include <jansson.h>

enum {
    AXES_MAX = 64,
    CHOICES_MAX = 32,
    SPACES_MAX = 8,
    KNOWN_MAX = 2,
    KEYS_AT_ONCE = 24,
    KEY_TEXT = 160,
    KEY_ID = 128
};

#define ENOUGH 0.99 /* a hundredth is within what a timing wavers by */

/* One tunable. */
typedef struct axis {
    const ocl_section *section;
    int index;   /* in the section */
    dtype dt;    /* the precision that its value is for */
    bool shared; /* holds for all shapes at once: CLBlast's parameters */
    bool pinned; /* --set says what it is, or the device knows no difference */
    int count;
    int value[CHOICES_MAX];
    char word[CHOICES_MAX][16];
} axis;

/* What a key can run with on one implementation. */
typedef struct space {
    char impl[16]; /* "" where the op has one only */
    bool fits;
    char why[256]; /* it does not */
    bool excluded; /* --set names another implementation */
    int axes;
    axis axis[AXES_MAX];
    unsigned char now[AXES_MAX];     /* the choices in force */
    unsigned char shipped[AXES_MAX]; /* those that come with the program */
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
    int known_count;            /* configurations to begin with, the first is the one in force */
    candidate known[KNOWN_MAX]; /* in force; shipped, where that is another */
    trial *trial;               /* owned */
    int trial_count, trial_capacity;
    int best;                                            /* index of the fastest correct trial, -1: none */
    double gflop, gbyte;                                 /* of one step */
    struct lowered *lowered;                             /* owned: what candidates come to (twins.c) */
    int lowered_count, lowered_capacity, lowered_trials; /* of `trial`, so many are among them */
} tune_key;

/* The keys of one op and precision. */
typedef struct tune_group {
    const check_keyed *op;
    dtype dt;
    int count;
    int *key;  /* owned: indices, heaviest first */
    int since; /* batches since one made the group faster */
    bool done; /* nothing left to try */
} tune_group;

/* What one worker is asked to do: the values in force, those of a file, the shipped ones, or one candidate, with several keys, one after the other. */
typedef struct batch {
    enum { BATCH_IN_FORCE, BATCH_SHIPPED, BATCH_CANDIDATE, BATCH_FILE } kind;
    const char *file; /* BATCH_FILE */
    int count;
    tune_key *key[KEYS_AT_ONCE];
    candidate c[KEYS_AT_ONCE];
    double give_up; /* a run that takes so many times the key's best is the only one; 0: none is given up */
    bool lead;      /* where the first is given up or wrong, the others are not tried */
    tune_group *group;
} batch;

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
    tune_group *group; /* owned */
    int group_count;
    records records;
    char *lock;    /* owned: file that a timing process holds */
    char *scratch; /* owned: folder of the drivers' caches */
    ocl *lens;     /* in which candidates are lowered, not built; lens_values: its own */
    config *lens_values;
    uint64_t random;
    double begin, deadline; /* deadline: of the search */
    double pass_s;          /* that measuring all keys once took */
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

/* What plans are lowered with, to be looked at: kernels are built only where a probe waits for one. set: "section.key=value". shipped: without the user's
 * files. The caller closes both, after an error too. */
int open_to_lower(const tuner *t, bool shipped, const char *const *set, int count, config **values, ocl **o);
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
/* The configuration of another key of the same group, as far as this key's space has it. */
bool candidate_like(const tune_key *k, const tune_key *other, const candidate *from, candidate *to);
double key_ms(const tune_key *k);                  /* of the best; 0: unknown */
double key_first_ms(const tune_key *k);            /* of the one in force; 0: unknown */
double key_known_ms(const tune_key *k, int which); /* of known[which]; 0: unknown, or there is none */
/* Has everything been tried that is known to be good? */
bool key_known(const tune_key *k);
trial *key_add(tune_key *k, const trial *one);
/* One of the key's trials turned out wrong. */
void key_reject(tune_key *k, const trial *one, const char *why);
/* The key's best among what was tried, with those values of the shared axes with which the group is fastest. */
void group_settle(tuner *t, tune_group *g);

/* Is a step of a plan a part of what a key of op measures? One beside it (a normalisation that a product does not fuse) has a key of its own; only groupnorm's
 * two steps are one key. */
bool step_is_of(const step *s, const char *op);

/* --- twins.c --- */

/* Would two candidates of a key run the same kernels in the same way? */
bool candidate_twins(tuner *t, tune_key *k, const candidate *a, const candidate *b);
/* Is there a trial of the candidate, or of a twin? */
bool candidate_ran(tuner *t, tune_key *k, const candidate *c);
void twins_close(tuner *t);

/* --- search.c --- */

uint64_t tune_random(tuner *t);
/* The groups of the keys. */
int groups_open(tuner *t);
void groups_free(tuner *t);
/* Milliseconds of a picture that a group takes, as far as is known. */
double group_share(const tuner *t, const tune_group *g);
/* What to try next; its candidates are claimed. SEARCH_WAIT: other tuners are at it. */
typedef enum search_state { SEARCH_DONE, SEARCH_WAIT, SEARCH_NEXT } search_state;
search_state search_next(tuner *t, batch *b);

/* --- batch.c --- */

/* Called with what came of a batch's i-th key; false: that is enough. */
typedef bool batch_fn(void *user, int i, const trial *one);
/* Runs a batch, in one process or, where one crashes, in several. end: seconds_now() at which it is broken off. */
int batch_run(tuner *t, const batch *b, double end, batch_fn *each, void *user);

/* --- process.c --- */

/* Called with each line of a reply; false: no more are wanted, and the process is ended. */
typedef bool reply_fn(void *user, const json_t *reply);
/* Runs a request in a process of its own. timeout: seconds for each line. why: "" or why it did not come to its end. SDCL_EINTERRUPTED, SDCL_ENOMEM. */
int process_run(tuner *t, const json_t *request, double timeout, reply_fn *each, void *user, char *why, size_t size);
/* The same with one line. *reply is NULL where there is none: why says so. */
int process_ask(tuner *t, const json_t *request, double timeout, json_t **reply, char *why, size_t size);
/* The number of a process that text begins with, *end behind it; 0: none. */
int process_number(const char *text, const char **end);
/* Is the number that of no process here? */
bool process_is_gone(int pid);
/* Requests: device, configuration and limits are filled in. The keys of a batch from first on. */
json_t *request_batch(const tuner *t, const batch *b, int first);
json_t *request_model(const tuner *t, const char *config_file, int steps);
/* A picture, its pixels into a file. */
json_t *request_picture(const tuner *t, const char *config_file, int steps, const char *file);

/* --- records.c --- */

int records_open(tuner *t, const char *path, bool resume);
void records_close(records *r);
/* Adds to the keys what has been written since the last call, by whomever. */
int records_read(tuner *t);
int records_append(tuner *t, const tune_key *k, const trial *one);
/* Takes a candidate for this process until records_release; false: another process is at it. */
bool records_claim(const tuner *t, const tune_key *k, const candidate *c);
void records_release(const tuner *t, const tune_key *k, const candidate *c);

/* --- confirm.c --- */

/* Measures the best of every key once more, beside what is known to be good, with the file that holds it: what is not clearly faster there was luck, and gives
 * way to what is known. */
int confirm_run(tuner *t, const char *file);

/* --- compare.c --- */

/* Seconds a picture with the values in force (0: it fails with them), and with each of the files, in turn; fills in before_s, after_s of the fastest file, and
 * the device's peaks. *fastest: that file; count 0: none. */
int compare_run(tuner *t, const char *const *files, int count, int *fastest, sdcl_tune_result *r);

/* Is a picture with the file fresh like one with the values in force, or where those fail or compute wrongly themselves, like one with the file shipped?
 * psnr: dB, the better of the two; 99 where they are equal, or where shapes of a file make no picture. */
int compare_pictures(tuner *t, const char *fresh, const char *shipped, double *psnr);
#define TUNED_PSNR 35.0 /* that is enough: f16 storage stays above 40 dB, a wrong kernel far below */

/* --- write.c --- */

/* The best of all keys, or what is shipped for them, as an INI file. keep: a file whose sections for other shapes stay, or NULL. */
int tuned_write(const tuner *t, const char *path, bool shipped, const char *keep);

/* --- output.c --- */

/* path: the file to write for --output, where a link leads. Refused is what is no regular file, or one that tune did not write. */
int output_open(const char *given, char *path, size_t size);
/* Names of files beside path that hold this process's number: what may be moved there, and what is shipped. */
enum { OUTPUT_NEW, OUTPUT_SHIPPED, OUTPUT_PROBE, OUTPUTS };
void output_beside(char *text, size_t size, const char *path, int which);
/* Removes those of processes that are no more. */
void output_clean(const char *path);
/* Makes the folder where it is missing, and sees whether files can be made there. */
int report_open(const char *folder);

/* --- report.c --- */

/* index.html in folder. Peaks that r has not are measured. */
int report_write(const tuner *t, const char *folder, sdcl_tune_result *r);

#endif
