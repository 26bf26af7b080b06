/* SPDX-License-Identifier: MIT */
/* An OpenCL driver whose own cache of kernels is damaged can take the process down: PoCL aborts, or maps a file that was cut short. The
 * program then starts itself once more with another cache for PoCL; a second crash ends it with the exit code of a failed device. */
#ifndef SDCL_CLI_RESCUE_H
#define SDCL_CLI_RESCUE_H

/* argv: as main got it, for the second start. Handlers that somebody else has installed, such as a sanitizer's, stay. */
void rescue_begin(char *const *argv);
/* The prompt was read from standard input: the second start finds it there again. */
void rescue_keep_prompt(const char *prompt);
/* From here a crash is only a crash. Once there is a picture, a second start would meet it. */
void rescue_end(void);

#endif
