/* SPDX-License-Identifier: MIT */
#include "ocl/binary_cache.h"

#include "base/cache_folder.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CACHE_AUTO, CACHE_ON, CACHE_OFF };

static const ocl_tunable device_tunables[] = {
    {"binary_cache", CACHE_AUTO, "auto on off",
     "compiled programs are kept in ~/.cache/sdcl; auto: unless the driver keeps them"}};

static const char pocl[] = "Portable Computing Language";

static bool fits(const struct ocl_device *d, ocl_shape shape, const void *tune)
{
    (void)shape;
    return *(const int *)tune != CACHE_ON || !strstr(d->info.platform, pocl);
}

const ocl_section device_section = {"device", device_tunables, 1, 0, fits};

/* Parts of the names of platforms that keep compiled programs themselves. */
static const char *const keepers[] = {pocl, "NVIDIA", "rusticl", "Clover"};

/* Intel's runtime for GPUs keeps programs, the one for CPUs does not: opening the pocket model there took 3.4 s every time, with a cache of ours 0.6 s. */
static bool driver_keeps(const sdcl_device *d)
{
    for (size_t i = 0; i < sizeof keepers / sizeof *keepers; i++)
        if (strcasestr(d->platform, keepers[i])) return true;
    return strcasestr(d->platform, "Intel") && !strcmp(d->type, "gpu");
}

int binary_cache_open(char **folder, const ocl_device *device, const config *values)
{
    int cache = config_value(values, &device_section, NULL, OCL_ALL_SHAPES, "binary_cache");
    *folder = NULL;
    if (!fits(device, OCL_ALL_SHAPES, &cache)) {
        int err = FAIL(
            SDCL_EUSAGE,
            "[device] binary_cache cannot be on for PoCL: it has a cache of its own, and compiles every kernel "
            "twice when it is asked for binaries");
        error_hint("leave binary_cache at auto");
        return err;
    }
    if (cache == CACHE_ON || (cache == CACHE_AUTO && !driver_keeps(&device->info))) *folder = cache_folder();
    return 0;
}

void binary_cache_key(char key[BINARY_KEY], const ocl_device *device, const char *source, const char *options)
{
    char platform[256] = "";
    const sdcl_device *d = &device->info;
    ocl_platform_version(device, platform, sizeof platform);
    const char *const texts[] = {source, options, d->platform, platform, d->vendor, d->name, d->version, d->driver};
    binary_key(key, texts, sizeof texts / sizeof *texts);
}

cl_program binary_cache_load(const char *folder, const char *key, cl_context context, cl_device_id device,
                             const char *options)
{
    size_t size = 0;
    cl_int code = 0, taken = 0;
    unsigned char *binary = binary_read(folder, key, &size);
    const unsigned char *bytes = binary;
    if (!binary) return NULL;
    cl_program program = clCreateProgramWithBinary(context, 1, &device, &size, &bytes, &taken, &code);
    free(binary);
    if (!program) return NULL;
    if (taken == CL_SUCCESS && clBuildProgram(program, 1, &device, options, NULL, NULL) == CL_SUCCESS) return program;
    clReleaseProgram(program);
    return NULL;
}

void binary_cache_store(const char *folder, const char *key, cl_program program)
{
    size_t size = 0;
    if (clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof size, &size, NULL) != CL_SUCCESS || !size) return;
    unsigned char *binary = malloc(size);
    if (binary && clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof binary, &binary, NULL) == CL_SUCCESS)
        binary_write(folder, key, binary, size);
    free(binary);
}
