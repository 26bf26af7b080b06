/* SPDX-License-Identifier: MIT */
/* One device, its context and two in-order queues. Owns programs, kernels and the byte accounting of buffers. */
#ifndef SDCL_OCL_OCL_H
#define SDCL_OCL_OCL_H

#define CL_TARGET_OPENCL_VERSION 120
#include "base/error.h"
#include "ocl/config.h"

#include <CL/cl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A device as the host sees it; `info` is what the public API shows. */
typedef struct ocl_device {
    cl_platform_id platform;
    cl_device_id id;
    sdcl_device info;
    bool cpu;        /* wants CPU kernels: ocl/device_class.h */
    int float_lanes; /* floats of a native vector; 1 where work-items are the lanes */
    size_t max_items[3];
} ocl_device;

/* Does it list the extension? */
bool ocl_device_lists(const ocl_device *d, const char *extension);
/* CL_PLATFORM_VERSION of its platform: the driver's own number does not always change with it. */
void ocl_platform_version(const ocl_device *d, char *text, size_t size);
/* CL_DEVICE_OPENCL_C_VERSION. */
void ocl_language_version(const ocl_device *d, char *text, size_t size);
/* How many work-items a sub-group (warp, wavefront) can have, as far as the vendor's extensions say; returns how many of the sizes there are. */
int ocl_subgroup_sizes(const ocl_device *d, size_t *sizes, int most);

/* Every device of every platform; *list is freed with free(). None: *count = 0. */
int ocl_device_list(ocl_device **list, int *count);
/* want: an index, or part of a device, vendor or platform name (any case; the best of several), or NULL for the best GPU, else a CPU.
 * SDCL_EDEVICE lists what there is. */
int ocl_device_choose(const ocl_device *list, int count, const char *want, int *index);

/* "CL_OUT_OF_RESOURCES" for -5. */
const char *ocl_error_name(cl_int code);
/* The sdcl_status that an OpenCL error amounts to, recorded with the call's name and the error's. */
int ocl_fail(cl_int code, const char *call, const char *file, int line);

/* Needs `int err` and the label `out`, as TRY. */
#define CL_TRY(call)                                                                                                   \
    do {                                                                                                               \
        cl_int cl_code_ = (call);                                                                                      \
        if (cl_code_ != CL_SUCCESS) {                                                                                  \
            err = ocl_fail(cl_code_, #call, __FILE__, __LINE__);                                                       \
            goto out;                                                                                                  \
        }                                                                                                              \
    } while (0)

typedef struct ocl ocl;
typedef struct ocl_kernel ocl_kernel;

/* profile: the queue collects event times (ocl_profile_each). The config is borrowed and must outlive the ocl. */
int ocl_open(ocl **o, const ocl_device *device, const config *values, bool profile);
void ocl_close(ocl **o);
const ocl_device *ocl_device_of(const ocl *o);
const config *ocl_config_of(const ocl *o);
/* Other values for the plans that are lowered from here on; borrowed. */
void ocl_use_config(ocl *o, const config *values);
/* Launches of more floating-point operations than this are split where their kernel allows it (ocl_grid). At first 1e11 on GPUs, no limit on CPUs. */
void ocl_limit_launch(ocl *o, double flops);
/* Compute units, at least 1: how many work-groups run at once on a CPU. */
int ocl_units(const ocl *o);

/* --- buffers: every byte of device memory is counted here --- */

int ocl_buffer_new(ocl *o, cl_mem *mem, uint64_t bytes);
void ocl_buffer_free(ocl *o, cl_mem *mem); /* null is fine */
/* Room for that many buffers of so many bytes together: one piece of the host's memory on a CPU device, NULL elsewhere. The memory stays as long as one of the
 * buffers; the handle can be freed as soon as they are made. */
typedef struct ocl_region ocl_region;
int ocl_region_new(ocl *o, ocl_region **r, uint64_t bytes, int buffers);
void ocl_region_free(ocl_region **r);
/* As ocl_buffer_new, in the region; r may be NULL. */
int ocl_region_buffer(ocl *o, cl_mem *mem, ocl_region *r, uint64_t bytes);
uint64_t ocl_bytes_now(const ocl *o);
uint64_t ocl_bytes_peak(const ocl *o);
/* A buffer of zeros of at least `bytes`, kept by the ocl: what padded convolutions read outside the picture. Call before running. */
int ocl_zeros(ocl *o, uint64_t bytes, cl_mem *mem);

/* bytes at byte offset; blocking. Transfers, like everything but kernels, use queue 0. */
int ocl_write(ocl *o, cl_mem mem, uint64_t offset, uint64_t bytes, const void *src);
int ocl_read(ocl *o, cl_mem mem, uint64_t offset, uint64_t bytes, void *dst);
/* Not blocking: src must stay until ocl_finish. */
int ocl_write_async(ocl *o, cl_mem mem, uint64_t offset, uint64_t bytes, const void *src);
int ocl_copy(ocl *o, cl_mem dst, uint64_t dst_offset, cl_mem src, uint64_t src_offset, uint64_t bytes);
/* The first bytes of a buffer for the host to write, their old content lost: the caller has waited for what the device still did with them. Unmapping is
 * enqueued on queue 0, and clears *view. */
int ocl_map(ocl *o, cl_mem mem, uint64_t bytes, void **view);
int ocl_unmap(ocl *o, cl_mem mem, void **view);
/* Waits for both queues. */
int ocl_finish(ocl *o);
/* A mark behind what is on queue 0 now, in *fence; and waiting for one, which frees it (NULL is fine). */
int ocl_fence(ocl *o, cl_event *fence);
int ocl_fence_wait(ocl *o, cl_event *fence);
/* What is enqueued on `later` from here on waits for what is on `earlier` now. */
int ocl_join(ocl *o, int earlier, int later);

/* --- kernels --- */

/* The kernel `name` (entry point of cl/<name>.cl) compiled with the given options ("-DMR=8 -DXT=F16 ..."). The same name and options give the same kernel. The
 * ocl owns it. It is built in the background, from the next ocl_build_start on at the latest. */
int ocl_kernel_get(ocl *o, ocl_kernel **k, const char *name, const char *options);
void ocl_build_start(ocl *o);
/* From here on a program for each kernel, on every device: where one kernel changes at a time and the others are in the driver's cache. */
void ocl_build_apart(ocl *o);
/* From here on a program for each kernel, and none is built before it is waited for by itself: for plans that are lowered and never run. */
void ocl_build_lazily(ocl *o);
/* Waits for all builds, and warms CLBlast. A build failure is SDCL_EDEVICE with log and options in the message; it is reported once, and who then asks for the
 * kernel, or waits for it, has it built again. */
int ocl_build_wait(ocl *o);
/* Waits for one. */
int ocl_kernel_wait(ocl *o, const ocl_kernel *k);
/* A kernel, or the first of its program, that could not be built with the declarations of cl/builtins.h where the driver takes them; NULL: there is none. */
const char *ocl_undeclared(ocl *o);
/* Starts what is to be built and gives it that long: true when the kernel is built, or with NULL everything. */
bool ocl_built_within(ocl *o, const ocl_kernel *k, double seconds);
/* Has CLBlast (ocl/clblast.h) routines to compile that a plan will use? That takes seconds, even more than ten, unless the driver has kept them. And: compiles
 * them by one product each, whose result is checked: SDCL_ERESULT. */
bool ocl_library_waits(const ocl *o);
int ocl_library_warm(ocl *o);

/* What is compiled for a kernel, as a hash; its name. */
int ocl_kernel_hash(const ocl_kernel *k, uint64_t *sum);
const char *ocl_kernel_name(const ocl_kernel *k);
/* Of how many work-items the device likes a group of this kernel to be a multiple; 0: it does not say. */
int ocl_kernel_multiple(const ocl *o, const ocl_kernel *k);

typedef struct ocl_arg {
    size_t size;
    const void *value; /* points to a cl_mem for buffers */
} ocl_arg;

#define ARG(x)                                                                                                         \
    {                                                                                                                  \
        sizeof(x), &(x)                                                                                                \
    }

/* Work-groups, not work-items, per dimension, and the size of one. */
typedef struct ocl_grid {
    size_t groups[3], local[3];
    /* Floating-point operations of a launch that may be enqueued in pieces along dimension 0, for kernels whose last argument is the first group of the
     * piece: that one ocl_run adds. 0: in one piece. */
    double flops;
} ocl_grid;

/* Enqueues on queue 0 or 1. module: the scope shown in profiles and messages. The number of arguments must be the kernel's. */
int ocl_run(ocl *o, int queue, ocl_kernel *k, const char *module, ocl_grid grid, const ocl_arg *args, int count);

/* What is enqueued from here on is one step of a plan: an op, its implementation, its work. The names are not copied. op NULL: no step. */
void ocl_profile_step(ocl *o, const char *op, const char *impl, double flops);
/* Sums of event times per (module, op, kernel) since ocl_open or the last reset, longest first. Finishes the queue. */
int ocl_profile_each(ocl *o, sdcl_profile_fn *each, void *user);
int ocl_profile_reset(ocl *o);
/* Until it is called with false, what is enqueued leaves no events. */
void ocl_profile_pause(ocl *o, bool paused);

#endif
