/* SPDX-License-Identifier: MIT */
/* Buffers, their bytes, and the memory they lie in.
 *
 * On a CPU device memory is the host's, and sdcl brings its own: what a heap gets back it keeps, a mapping that is gone is gone for the system too, and that
 * is what loading the parts of a model in turn is about. Each buffer holds the region it lies in; the last one to go takes it along. No huge pages are asked
 * for: in a virtual machine they cost up to five times as much at first touch, and a UNet step was not faster. */
#include "ocl/internal.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { BUFFER_ALIGN = 4096 };
/* Smaller buffers wait for the last of their region: they are many, 754 of SD v1's 1131 tensors, and together 10 MB. */
enum { GIVEN_BACK_ALONE = 1 << 18 };

static const size_t region_align = (size_t)2
                                   << 20; /* where the system gives huge pages unasked, regions can have them */

struct ocl_region {
    unsigned char *memory;
    size_t size, used;
    atomic_int holders; /* the buffers within, and the caller's handle */
};

static size_t rounded(uint64_t n, size_t to) { return ((size_t)n + to - 1) / to * to; }

int ocl_region_new(ocl *o, ocl_region **r, uint64_t bytes, int buffers)
{
    *r = NULL;
    if (!o->device.cpu || !o->device.info.unified_memory) return 0;
    size_t size = rounded(bytes + (uint64_t)buffers * BUFFER_ALIGN, region_align);
    ocl_region *made = malloc(sizeof *made);
    if (!made) return FAIL(SDCL_ENOMEM, "out of memory");
    void *all = mmap(NULL, size + region_align, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
                     0);
    if (all == MAP_FAILED) {
        free(made);
        return FAIL(SDCL_ENOMEM, "no memory for %.1f MB on the device", (double)bytes / 1e6);
    }
    unsigned char *begin = (unsigned char *)rounded((uintptr_t)all, region_align);
    size_t before = (size_t)(begin - (unsigned char *)all);
    if (before) munmap(all, before);
    if (region_align - before) munmap(begin + size, region_align - before);
    *made = (ocl_region){.memory = begin, .size = size};
    atomic_init(&made->holders, 1);
    *r = made;
    return 0;
}

static void drop(ocl_region *r)
{
    if (atomic_fetch_sub(&r->holders, 1) != 1) return;
    munmap(r->memory, r->size);
    free(r);
}

void ocl_region_free(ocl_region **r)
{
    if (*r) drop(*r);
    *r = NULL;
}

/* A buffer's place in its region. */
typedef struct place {
    ocl_region *region;
    size_t at, size;
} place;

static void CL_CALLBACK buffer_gone(cl_mem mem, void *user)
{
    (void)mem;
    place *p = user;
    if (p->size >= GIVEN_BACK_ALONE)
        madvise(p->region->memory + p->at, p->size, MADV_DONTNEED); /* the others may stay for long */
    drop(p->region);
    free(p);
}

/* The buffer takes its place with it when it goes. */
static int hold(ocl_region *r, cl_mem mem, size_t size)
{
    place *p = malloc(sizeof *p);
    if (!p) return FAIL(SDCL_ENOMEM, "out of memory");
    *p = (place){r, r->used, rounded(size, BUFFER_ALIGN)};
    cl_int code = clSetMemObjectDestructorCallback(mem, buffer_gone, p);
    if (code != CL_SUCCESS) {
        free(p);
        return ocl_fail(code, "clSetMemObjectDestructorCallback", __FILE__, __LINE__);
    }
    atomic_fetch_add(&r->holders, 1);
    r->used += p->size;
    return 0;
}

static int check_size(const ocl *o, uint64_t bytes)
{
    if (bytes <= o->device.info.max_alloc_bytes) return 0;
    return FAIL(SDCL_ENOMEM, "a buffer of %.1f MB is larger than %s allows (%.1f MB)", (double)bytes / 1e6,
                o->device.info.name, (double)o->device.info.max_alloc_bytes / 1e6);
}

int ocl_region_buffer(ocl *o, cl_mem *mem, ocl_region *r, uint64_t bytes)
{
    int err = 0;
    cl_int code = 0;
    size_t size = bytes ? (size_t)bytes : 4;
    *mem = NULL;
    TRY(check_size(o, bytes));
    if (r && rounded(size, BUFFER_ALIGN) > r->size - r->used)
        return FAIL(SDCL_EINTERNAL, "a region of %zu bytes is full", r->size);
    *mem = clCreateBuffer(o->context, r ? CL_MEM_READ_WRITE | CL_MEM_USE_HOST_PTR : CL_MEM_READ_WRITE, size,
                          r ? r->memory + r->used : NULL, &code);
    if (!*mem) return ocl_fail(code, "clCreateBuffer", __FILE__, __LINE__);
    if (r) {
        err = hold(r, *mem, size);
        if (err) {
            clReleaseMemObject(*mem);
            *mem = NULL;
            goto out;
        }
    }
    o->bytes_now += size;
    if (o->bytes_now > o->bytes_peak) o->bytes_peak = o->bytes_now;
out:
    return err;
}

int ocl_buffer_new(ocl *o, cl_mem *mem, uint64_t bytes)
{
    int err = 0;
    ocl_region *own = NULL;
    *mem = NULL;
    TRY(check_size(o, bytes));
    if (bytes >= region_align) TRY(ocl_region_new(o, &own, bytes, 1));
    TRY(ocl_region_buffer(o, mem, own, bytes));
out:
    ocl_region_free(&own);
    return err;
}

static uint64_t size_of(cl_mem mem)
{
    size_t bytes = 0;
    cl_int code = clGetMemObjectInfo(mem, CL_MEM_SIZE, sizeof bytes, &bytes, NULL);
    return code == CL_SUCCESS ? bytes : 0;
}

void ocl_buffer_free(ocl *o, cl_mem *mem)
{
    if (!*mem) return;
    o->bytes_now -= size_of(*mem);
    o->frees++;
    clReleaseMemObject(*mem);
    *mem = NULL;
}

uint64_t ocl_bytes_now(const ocl *o) { return o->bytes_now; }
uint64_t ocl_bytes_peak(const ocl *o) { return o->bytes_peak; }

int ocl_zeros(ocl *o, uint64_t bytes, cl_mem *mem)
{
    int err = 0;
    void *zeros = NULL;
    if (!o->zeros || o->zeros_bytes < bytes) {
        ocl_buffer_free(o, &o->zeros);
        zeros = calloc(1, (size_t)bytes);
        if (!zeros) return FAIL(SDCL_ENOMEM, "out of memory");
        o->zeros_bytes = 0;
        TRY(ocl_buffer_new(o, &o->zeros, bytes));
        TRY(ocl_write(o, o->zeros, 0, bytes, zeros));
        o->zeros_bytes = bytes;
    }
    *mem = o->zeros;
out:
    free(zeros);
    return err;
}

int ocl_map(ocl *o, cl_mem mem, uint64_t bytes, void **view)
{
    cl_int code = 0;
    *view = clEnqueueMapBuffer(o->queue[1], mem, CL_TRUE, CL_MAP_WRITE_INVALIDATE_REGION, 0, (size_t)bytes, 0, NULL,
                               NULL, &code);
    return *view ? 0 : ocl_fail(code, "clEnqueueMapBuffer", __FILE__, __LINE__);
}

int ocl_unmap(ocl *o, cl_mem mem, void **view)
{
    int err = 0;
    void *mapped = *view;
    *view = NULL;
    if (mapped) CL_TRY(clEnqueueUnmapMemObject(o->queue[0], mem, mapped, 0, NULL, NULL));
out:
    return err;
}
