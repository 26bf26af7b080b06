/* SPDX-License-Identifier: MIT */
/* --help, from the table of options; no line is wider than 80 columns. */
#ifndef SDCL_CLI_HELP_H
#define SDCL_CLI_HELP_H

#include "cli/options.h"

#include <stdio.h>

/* The help of a verb; whole: that of the program, which is gen's with the list of verbs. */
void help_print(FILE *f, verb_id v, bool whole);

#endif
