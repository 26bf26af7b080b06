/* SPDX-License-Identifier: MIT */
/* How far a job is, on stderr: one line that is drawn over, or JSON lines. */
#ifndef SDCL_CLI_PROGRESS_H
#define SDCL_CLI_PROGRESS_H

#include "sdcl.h"

#include <stdbool.h>
#include <stdio.h>

typedef enum progress_mode { PROGRESS_OFF, PROGRESS_LINE, PROGRESS_JSON } progress_mode;

typedef struct progress {
    progress_mode mode;
    bool drawn;        /* a line is on the terminal */
    double drawn_at;   /* seconds, of a steady clock */
    const char *stage; /* that was drawn last; NULL: none */
} progress;

/* choice: "auto" (a line if stderr is a terminal that can redraw), "json" or "off"; quiet: off. */
void progress_begin(progress *p, const char *choice, bool quiet);
void progress_show(progress *p, const sdcl_progress *now);
/* Any text as the line, cut to the terminal's width; only in PROGRESS_LINE. */
void progress_line(progress *p, const char *text);
/* Takes the line away: before anything else is printed, and at the end. */
void progress_clear(progress *p);
/* A message of the library on f, where verbosity (cli/options.h) wants it; the line goes first. p may be NULL. */
void progress_log(progress *p, FILE *f, int verbosity, sdcl_level level, const char *message);

/* "unet 12/20 [00:05<00:03, 2.31it/s]" in fewer than width columns. */
void progress_format(char *out, size_t size, const sdcl_progress *now, int width);

#endif
