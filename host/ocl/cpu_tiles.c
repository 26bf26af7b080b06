/* SPDX-License-Identifier: MIT */
#include "ocl/cpu_tiles.h"

#if defined __x86_64__ && defined __linux__
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Linux, Documentation/arch/x86/xstate.rst */
enum { GET_PERMITTED = 0x1022, REQUEST = 0x1023, TILE_DATA = 18 };

static bool has_instructions(void)
{
    unsigned a, b, c, d = 0;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && d >> 22 & 1 && d >> 24 & 1; /* AMX-BF16, AMX-TILE */
}

void cpu_tiles_request(void)
{
    if (has_instructions()) syscall(SYS_arch_prctl, REQUEST, TILE_DATA);
}

bool cpu_tiles_allowed(void)
{
    unsigned long permitted = 0;
    return has_instructions() && !syscall(SYS_arch_prctl, GET_PERMITTED, &permitted) && permitted >> TILE_DATA & 1;
}
#else
void cpu_tiles_request(void) {}
bool cpu_tiles_allowed(void) { return false; }
#endif
