/* SPDX-License-Identifier: MIT */
/* Ctrl-C and SIGTERM ask once; the second one ends the process at once. */
#ifndef SDCL_CLI_SIGNALS_H
#define SDCL_CLI_SIGNALS_H

#include <stdbool.h>

/* Reads and writes that are waiting return with EINTR. */
void signals_install(void);
bool signals_caught(void);

#endif
