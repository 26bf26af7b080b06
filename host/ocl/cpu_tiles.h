/* SPDX-License-Identifier: MIT */
/* AMX tiles: Linux gives their registers on request, to threads that are started afterwards. */
#ifndef SDCL_OCL_CPU_TILES_H
#define SDCL_OCL_CPU_TILES_H

#include <stdbool.h>

/* Asks for them; to be called before the first OpenCL call. Nothing happens where the CPU or the system has none. */
void cpu_tiles_request(void);
/* Does the CPU multiply bf16 tiles, and may this process? */
bool cpu_tiles_allowed(void);

#endif
