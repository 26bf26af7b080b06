/* SPDX-License-Identifier: MIT */
/* What the files of the device layer share. Nobody else includes it. */
#ifndef SDCL_OCL_INTERNAL_H
#define SDCL_OCL_INTERNAL_H

#include "ocl/probe.h"

#include <pthread.h>
#include <string.h>

/* Launches of the longest kind that wait in a queue. */
enum { QUEUE_LAUNCHES = 4 };

enum { BUILDERS_MAX = 4, QUEUES = 2, QUEUE_DEPTH = 1024, ARGUMENTS_MAX = 48, CLBLAST_LAUNCHES = 5 };

typedef struct unit unit;

struct ocl_kernel {
    char *name, *options; /* owned */
    unit *unit;
    cl_kernel kernel;
    cl_uint arguments;
    struct {
        size_t size; /* 0: not set */
        unsigned char value[8];
    } set[ARGUMENTS_MAX]; /* the arguments in force: an argument is set again only where it changes */
    unsigned frees;       /* of buffers, when `set` was begun: a new buffer may have a freed one's handle */
    struct ocl_kernel *next_of_unit;
};

/* A translation unit: what one clBuildProgram compiles (ocl/source.h). */
struct unit {
    ocl_kernel *kernels;
    cl_program program;
    int status;           /* of the build; 0 while it is pending */
    char *message, *hint; /* owned; why the build failed */
    bool started, done;
    bool headless;   /* built without the driver's header of built-in functions */
    bool told;       /* the failure was reported: it stops nobody any more, and the next to ask has it built again */
    unit *next;      /* all units of the ocl */
    unit *next_todo; /* the builders' queue */
};

typedef struct profile_row {
    char *module;                   /* owned */
    const char *op, *impl, *kernel; /* static, static, owned by the ocl */
    int calls;
    double ms, flops;
} profile_row;

typedef struct profile_event {
    cl_event since; /* NULL, or its end is where the time begins */
    cl_event event;
    int row;
} profile_event;

/* The first product on one of CLBlast's paths: its routine is compiled, and tried out, before it is used. m = 0: there is none. */
typedef struct clblast_first {
    int m, n, k;
    bool row_major, done;
} clblast_first;

struct ocl {
    ocl_device device;
    const config *values; /* borrowed */
    cl_context context;
    cl_command_queue queue[QUEUES];
    bool profile, sync;
    bool profile_paused;
    int units;
    int unflushed;       /* launches since the last flush or finish */
    double launch_flops; /* of the longest launch */
    double unfinished;   /* floating-point operations among them */
    uint64_t bytes_now, bytes_peak;
    unsigned frees; /* buffers freed so far */
    cl_mem zeros;
    uint64_t zeros_bytes;
    int probed[PROBES][PROBE_SUBJECTS]; /* -1: not yet */
    bool clblast_user;                  /* counted among those of the library on this device */
    clblast_first first[2][2][2];       /* half, indirect, transposed */

    char *binaries; /* owned: folder of the binary cache; NULL: none is kept */
    bool bundle;    /* one unit for all kernels of a build */
    bool headless;  /* on PoCL: kernels declare built-in functions themselves (ocl/source.h) */
    bool lazy;      /* every kernel is a unit that is built when it is waited for */
    bool forgets;   /* keeps no answers of probes */
    bool serial;    /* builds wait for each other and for everything else: the simulator is not thread-safe */
    unit *all_units, *collecting;
    pthread_t builder[BUILDERS_MAX];
    int builders;
    pthread_mutex_t lock; /* guards todo, pending, stop and the results in units */
    pthread_cond_t wake, built;
    unit *todo;
    int pending;
    bool stop, locks;

    profile_event *events; /* not yet summed */
    int event_count;
    profile_row *rows;
    int row_count, row_capacity;
    int next_row; /* where the search for a row begins: launches repeat in the same order */
    const char *step_op, *step_impl;
    double step_flops; /* of the step under way, until its first launch takes them */
};

int builder_start(ocl *o);
void builder_stop(ocl *o);
/* Takes ownership of the event. kernel: must outlive the ocl. */
int profile_add(ocl *o, cl_event event, const char *module, const char *kernel);
/* The time from the end of `since` to the end of the event: of several commands. Takes ownership of both. */
int profile_add_since(ocl *o, cl_event since, cl_event event, const char *module, const char *kernel);
/* Bookkeeping after that many launches on a queue: bounded depth, SDCL_DEBUG=sync. */
int ocl_launched(ocl *o, int queue, int launches);
/* The ocl uses CLBlast no more. */
void clblast_leave(ocl *o);
void profile_free(ocl *o);
/* Does what is enqueued now leave events? */
bool profile_wanted(const ocl *o);

#endif
