/* SPDX-License-Identifier: MIT */
/* One table of verbs and options: parsing and --help both come from it and cannot disagree. */
#ifndef SDCL_CLI_OPTIONS_H
#define SDCL_CLI_OPTIONS_H

#include "sdcl.h"

#include <stdbool.h>

typedef enum verb_id {
    VERB_GEN,
    VERB_DEVICES,
    VERB_INSPECT,
    VERB_INFO,
    VERB_CONFIG,
    VERB_BENCH,
    VERB_SELFTEST,
    VERB_TUNE,
    VERB_COUNT
} verb_id;

typedef struct verb {
    const char *name;
    const char *operand; /* name of its one operand; NULL: takes none */
    const char *summary;
} verb;

extern const verb verbs[VERB_COUNT];

enum { SIZE_STEP = 8, SIZE_MAX_PIXELS = 4096, QUIET = -1, VERBOSE = 1 };

typedef struct options {
    verb_id verb;
    bool verb_given;    /* named, not implied */
    bool help, version; /* asked for: nothing else was checked */
    const char *operand;
    char *const *argv;  /* as they were given */
    sdcl_params params; /* as far as options set it; set: owned by options */
    sdcl_job job;       /* prompt NULL: none given; seeds and count stay open */
    uint64_t *seeds;    /* owned; NULL: draw one */
    int seed_count, batch;
    const char *sampler;          /* as given; job.sampler is its name in sdcl */
    const char *sampler_schedule; /* the one that A1111's name of the sampler brings along, or NULL */
    const char *output, *compat, *rng, *progress, *for_device;
    sdcl_tune_job tune;
    int verbosity; /* QUIET, 0, VERBOSE */
    bool resume, json, dry_run, no_metadata, force, show_origin;
} options;

typedef enum option_kind {
    OPTION_FLAG,   /* bool */
    OPTION_SWITCH, /* int: becomes min */
    OPTION_TEXT,   /* const char * */
    OPTION_INT,    /* int, min .. max */
    OPTION_AMOUNT, /* int: min .. max, or one of choices, the first of which becomes 0, the second -1 */
    OPTION_SIZE,   /* the same, a multiple of SIZE_STEP */
    OPTION_REAL,   /* double, min .. max */
    OPTION_CHOICE, /* const char *, one of choices */
    OPTION_TIME,   /* double, seconds: "90", "90s", "10m", "2h" */
    OPTION_SEEDS,
    OPTION_SET,
    OPTION_SAMPLER,
    OPTION_SCHEDULE,
    OPTION_ETA,
    OPTION_LATER /* known, but not in this version; not in --help */
} option_kind;

typedef struct option {
    const char *name; /* without the dashes; an entry without a name ends the table */
    char letter;      /* 0: none */
    option_kind kind;
    const char *argument; /* NULL: takes none */
    unsigned verbs;       /* bit 1 << verb_id for each verb that has it */
    size_t offset;        /* of its value in options */
    double min, max;
    const char *choices, *later; /* "a|b|c"; later: known, but not in this version */
    const char *help;
} option;

extern const option option_table[];

/* Fills o from the arguments; they must outlive it. SDCL_EUSAGE. */
int options_parse(options *o, int argc, char *const *argv);
void options_close(options *o);

#endif
