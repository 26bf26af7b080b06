/* SPDX-License-Identifier: MIT */
/* Compiled programs, kept for drivers that keep none of their own. What goes wrong here costs a compilation, never a
 * result. */
#ifndef SDCL_OCL_BINARY_CACHE_H
#define SDCL_OCL_BINARY_CACHE_H

#include "ocl/binary_file.h"
#include "ocl/ocl.h"

/* [device] binary_cache = auto | on | off */
extern const ocl_section device_section;

/* *folder: where the device's binaries are, to be freed; NULL: none are kept, because the configuration says so, the
 * driver does it, or there is no folder for them. SDCL_EUSAGE: the cache is on for PoCL, which must not be asked for
 * binaries. */
int binary_cache_open(char **folder, const ocl_device *device, const config *values);

/* Whatever a binary depends on: source, options, platform, device and driver. */
void binary_cache_key(char key[BINARY_KEY], const ocl_device *device, const char *source, const char *options);
/* The program of a key, built. NULL: there is none, or the driver does not take it. */
cl_program binary_cache_load(const char *folder, const char *key, cl_context context, cl_device_id device,
                             const char *options);
/* program: built, for one device */
void binary_cache_store(const char *folder, const char *key, cl_program program);

#endif
