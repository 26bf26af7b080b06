/* SPDX-License-Identifier: MIT */
#ifndef SDCL_CLI_PROMPT_H
#define SDCL_CLI_PROMPT_H

enum { PROMPT_MAX = 1 << 20 };

/* Everything that descriptor fd has, without one newline at the end; *text is malloc'd. SDCL_EUSAGE: more than PROMPT_MAX bytes, NUL or
 * invalid UTF-8; SDCL_EINTERRUPTED. */
int prompt_read(int fd, char **text);

#endif
