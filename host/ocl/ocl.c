/* SPDX-License-Identifier: MIT */
/* Context, queues and transfers. */
#include "ocl/internal.h"

#include <math.h>
#include <stdlib.h>

/* Watchdogs stop what runs for seconds, and no interruption reaches the device before it is done. A slow GPU computes some 200 GFLOP/s: half a second. A CPU
 * knows no watchdog, and its queues hold one evaluation at most. */
#define LAUNCH_FLOPS 1e11

static int sync_debug(void)
{
    const char *s = getenv("SDCL_DEBUG");
    return s && strstr(s, "sync") != NULL;
}

int ocl_open(ocl **out_ocl, const ocl_device *device, const config *values, bool profile)
{
    int err = 0;
    cl_int code = 0;
    cl_command_queue_properties properties = profile ? CL_QUEUE_PROFILING_ENABLE : 0;
    cl_context_properties platform[] = {CL_CONTEXT_PLATFORM, (cl_context_properties)device->platform, 0};
    ocl *o = calloc(1, sizeof *o);
    *out_ocl = NULL;
    if (!o) return FAIL(SDCL_ENOMEM, "out of memory opening the device");
    o->device = *device;
    o->values = values;
    o->profile = profile;
    o->sync = sync_debug();
    o->launch_flops = device->cpu ? HUGE_VAL : LAUNCH_FLOPS;
    ocl_profile_step(o, NULL, NULL, 0);
    for (int i = 0; i < PROBES * PROBE_SUBJECTS; i++) o->probed[i / PROBE_SUBJECTS][i % PROBE_SUBJECTS] = -1;
    o->units = device->info.compute_units ? (int)device->info.compute_units : 1;
    o->context = clCreateContext(platform, 1, &device->id, NULL, NULL, &code);
    if (!o->context) {
        err = ocl_fail(code, "clCreateContext", __FILE__, __LINE__);
        goto out;
    }
    for (int i = 0; i < QUEUES; i++) {
        o->queue[i] = clCreateCommandQueue(o->context, device->id, properties, &code);
        if (!o->queue[i]) {
            err = ocl_fail(code, "clCreateCommandQueue", __FILE__, __LINE__);
            goto out;
        }
    }
    TRY(builder_start(o));
    *out_ocl = o;
    o = NULL;
out:
    ocl_close(&o);
    return err;
}

void ocl_close(ocl **o_)
{
    ocl *o = *o_;
    if (!o) return;
    for (int i = 0; i < QUEUES; i++)
        if (o->queue[i]) clFinish(o->queue[i]);
    builder_stop(o);
    clblast_leave(o);
    profile_free(o);
    ocl_buffer_free(o, &o->zeros);
    for (int i = 0; i < QUEUES; i++)
        if (o->queue[i]) clReleaseCommandQueue(o->queue[i]);
    if (o->context) clReleaseContext(o->context);
    free(o);
    *o_ = NULL;
}

const ocl_device *ocl_device_of(const ocl *o) { return &o->device; }
const config *ocl_config_of(const ocl *o) { return o->values; }
void ocl_use_config(ocl *o, const config *values) { o->values = values; }
void ocl_limit_launch(ocl *o, double flops) { o->launch_flops = flops; }
int ocl_units(const ocl *o) { return o->units; }

int ocl_write(ocl *o, cl_mem mem, uint64_t offset, uint64_t bytes, const void *src)
{
    int err = 0;
    if (bytes)
        CL_TRY(clEnqueueWriteBuffer(o->queue[0], mem, CL_TRUE, (size_t)offset, (size_t)bytes, src, 0, NULL, NULL));
out:
    return err;
}

int ocl_write_async(ocl *o, cl_mem mem, uint64_t offset, uint64_t bytes, const void *src)
{
    int err = 0;
    if (bytes)
        CL_TRY(clEnqueueWriteBuffer(o->queue[0], mem, CL_FALSE, (size_t)offset, (size_t)bytes, src, 0, NULL, NULL));
out:
    return err;
}

int ocl_read(ocl *o, cl_mem mem, uint64_t offset, uint64_t bytes, void *dst)
{
    int err = 0;
    if (bytes)
        CL_TRY(clEnqueueReadBuffer(o->queue[0], mem, CL_TRUE, (size_t)offset, (size_t)bytes, dst, 0, NULL, NULL));
out:
    return err;
}

int ocl_copy(ocl *o, cl_mem dst, uint64_t dst_offset, cl_mem src, uint64_t src_offset, uint64_t bytes)
{
    int err = 0;
    if (bytes)
        CL_TRY(clEnqueueCopyBuffer(o->queue[0], src, dst, (size_t)src_offset, (size_t)dst_offset, (size_t)bytes, 0,
                                   NULL, NULL));
out:
    return err;
}

int ocl_finish(ocl *o)
{
    int err = 0;
    for (int i = 0; i < QUEUES; i++) CL_TRY(clFinish(o->queue[i]));
    o->unflushed = 0;
    o->unfinished = 0;
out:
    return err;
}

int ocl_fence(ocl *o, cl_event *fence)
{
    int err = 0;
    CL_TRY(clEnqueueMarkerWithWaitList(o->queue[0], 0, NULL, fence));
    CL_TRY(clFlush(o->queue[0]));
out:
    return err;
}

int ocl_fence_wait(ocl *o, cl_event *fence)
{
    int err = 0;
    if (!*fence) return 0;
    CL_TRY(clWaitForEvents(1, fence));
    o->unflushed = 0;
    o->unfinished = 0;
out:
    clReleaseEvent(*fence);
    *fence = NULL;
    return err;
}

int ocl_join(ocl *o, int earlier, int later)
{
    int err = 0;
    cl_event event = NULL;
    CL_TRY(clEnqueueMarkerWithWaitList(o->queue[earlier], 0, NULL, &event));
    CL_TRY(clEnqueueBarrierWithWaitList(o->queue[later], 1, &event, NULL));
    CL_TRY(clFlush(o->queue[earlier]));
out:
    if (event) clReleaseEvent(event);
    return err;
}
