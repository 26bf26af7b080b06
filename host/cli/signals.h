/* SPDX-License-Identifier: MIT */
/* Ctrl-C and SIGTERM ask once; the second one ends the process at once. */
#ifndef SDCL_CLI_SIGNALS_H
#define SDCL_CLI_SIGNALS_H

#include <stdbool.h>

/* Reads and writes that are waiting return with EINTR. */
void signals_install(void);
bool signals_caught(void);
/* 1 once it was asked for: the `cancelled` of sdcl_params. */
int signals_cancelled(void *unused);

#endif
