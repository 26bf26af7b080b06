/* SPDX-License-Identifier: MIT */
/* Where the pictures of a job go: every name is computed and checked before anything is drawn. */
#ifndef SDCL_CLI_OUTPUT_NAME_H
#define SDCL_CLI_OUTPUT_NAME_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

enum { OUTPUT_NAME_MAX = 200 }; /* bytes of a name that a template made */

typedef struct output_request {
    const char *given; /* FILE, template or "-"; NULL: [seed].png, which avoids existing files */
    bool force;
    int count;
    const uint64_t *seeds; /* count of them */
    const char *prompt, *sampler;
    int steps, width, height;
    time_t now;
} output_request;

typedef struct output_names {
    int count;
    char **path; /* count, owned, all different; NULL: standard output */
    bool avoid;  /* a name that is taken gets a counter */
} output_names;

/* Do the names depend on what only the model can say (size, and steps and sampler where they were left open: 0 or NULL)? */
bool output_needs_model(const output_request *r);
/* SDCL_EUSAGE: unknown word in a template, a format other than PNG, "-" for several pictures. SDCL_EOUTPUT: a name is taken (without
 * force) or no regular file, or its folder is missing or cannot be written: a file is created there and removed. */
int output_plan(output_names *o, const output_request *r);
/* Gives picture i the first of NAME, NAME-1, NAME-2 ... that no other picture has and, without force, no file. */
int output_avoid(output_names *o, int i, bool force);
void output_close(output_names *o);

#endif
