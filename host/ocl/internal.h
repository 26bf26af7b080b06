/* SPDX-License-Identifier: MIT */
/* What the files of the device layer share. Nobody else includes it. */
#ifndef SDCL_OCL_INTERNAL_H
#define SDCL_OCL_INTERNAL_H

#include "ocl/ocl.h"

#include <pthread.h>
#include <string.h>

enum { BUILDERS_MAX = 4, QUEUE_DEPTH = 256 };

struct ocl_kernel {
    char *name, *options; /* owned */
    cl_program program;
    cl_kernel kernel;
    cl_uint arguments;
    int status;    /* of the build; 0 while it is pending */
    char *message; /* owned; why the build failed */
    bool done;
    struct ocl_kernel *next;      /* all kernels of the ocl */
    struct ocl_kernel *next_todo; /* the builders' queue */
};

typedef struct profile_row {
    const char *module; /* owned */
    const char *kernel; /* owned by the ocl */
    int calls;
    double ms;
} profile_row;

typedef struct profile_event {
    cl_event event;
    const char *module, *kernel;
} profile_event;

struct ocl {
    ocl_device device;
    const config *values; /* borrowed */
    cl_context context;
    cl_command_queue queue;
    bool profile, sync;
    int units;
    int unflushed; /* launches since the last flush or finish */
    uint64_t bytes_now, bytes_peak;
    cl_mem zeros;
    uint64_t zeros_bytes;

    ocl_kernel *kernels;
    pthread_t builder[BUILDERS_MAX];
    int builders;
    pthread_mutex_t lock;  /* guards todo, pending, stop and the results in kernels */
    pthread_cond_t wake, built;
    ocl_kernel *todo;
    int pending;
    bool stop, locks;

    profile_event *events; /* not yet summed */
    int event_count;
    profile_row *rows;
    int row_count, row_capacity;
};

int builder_start(ocl *o);
void builder_stop(ocl *o);
/* Takes ownership of the event. */
int profile_add(ocl *o, cl_event event, const char *module, const char *kernel);
void profile_free(ocl *o);

#endif
