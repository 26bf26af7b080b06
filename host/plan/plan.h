/* SPDX-License-Identifier: MIT */
/* A plan is an array of steps over tensors: appended once per shape by model code, lowered and placed once, run as often as needed.
 *
 *   plan_new; op_x(p, ...) ... (implementations chosen); plan_lower (and prepared); plan_place (exact bytes known);
 *   plan_allocate; weights_load; plan_run ...
 */
#ifndef SDCL_PLAN_PLAN_H
#define SDCL_PLAN_PLAN_H

#include "ocl/ocl.h"
#include "plan/tensor.h"
#include "plan/weights.h"

enum { STEP_OPERANDS_MAX = 20, STEP_KERNELS_MAX = 6, STEP_WEIGHTS_MAX = 2, STEP_SECTIONS_MAX = 12 };
enum { PLAN_CHUNKS_MAX = 16 }; /* buffers that the activations of a plan may lie in */

typedef struct plan plan;
typedef struct step step;

/* An implementation of an op. */
typedef struct impl {
    const char *name;
    bool fuses_norm; /* normalises its input itself; otherwise the op appends a norm_apply step before */
    /* Can it run this step on this device with the configuration in force? NULL: always. */
    bool (*fits)(const plan *p, const step *s);
    /* Should `auto` choose it for this step, where it fits? NULL: always. */
    bool (*pays)(const plan *p, const step *s);
    /* Kernels (step.kernel), weight layout, scratch (plan_scratch). Called once, while the plan is lowered. */
    int (*prepare)(plan *p, step *s);
    /* Enqueues the step; allocates, compiles and looks up nothing. */
    int (*launch)(plan *p, const step *s);
    /* Does it run on the device at all? NULL: on every one. Forced by configuration where it does not, it is an error; where only the shape does not fit, the
     * step takes another implementation (plan_gave_way). */
    bool (*runs_on)(const ocl_device *d);
    /* The same where it is the plan that tells: what keeps it from every step at this precision, on this device, in a configuration; NULL: nothing. */
    const char *(*lacks)(const plan *p);
} impl;

typedef struct op {
    const char *name;
    const ocl_section *section;     /* the INI section whose `impl` chooses; NULL: nothing to choose */
    const impl *const *impls;       /* null-terminated; `auto` takes the first that fits */
    double (*flops)(const step *s); /* NULL: 0 */
} op;

typedef enum role { ROLE_IN, ROLE_OUT, ROLE_INOUT } role;

struct step {
    const op *op;
    const impl *impl;
    const char *module; /* scope name, owned by the plan */
    ocl_shape shape;    /* for values set per shape; the op's, before plan_choose */
    int operands;
    bool in_place; /* operand 0 may be operand 1's memory: it is, where nobody reads operand 1 afterwards */
    tensor t[STEP_OPERANDS_MAX]; /* meaning is the op's; absent ones are NO_TENSOR */
    role role[STEP_OPERANDS_MAX];
    weight *w[STEP_WEIGHTS_MAX];
    void *params;                         /* the op's scalars, owned by the plan */
    ocl_kernel *kernel[STEP_KERNELS_MAX]; /* filled by prepare */
    void *state;                          /* the implementation's, from plan_step_alloc */
    const ocl_section
        *uses[STEP_SECTIONS_MAX];     /* whose values decide how it runs (plan_use_section); null-terminated */
    dtype read_at[STEP_SECTIONS_MAX]; /* the precision whose values of uses[i] those are */
    unsigned hidden; /* bit i: values of uses[i] may matter where the options of the step's kernels do not show them */
};

int plan_new(plan **p, ocl *o, const char *name);
void plan_free(plan **p);
ocl *plan_ocl(const plan *p);

/* --- building --- */

/* Module names for messages and profiles: "down_blocks.0" then "resnets.1" gives "down_blocks.0.resnets.1". */
void plan_enter(plan *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
void plan_leave(plan *p);
/* The current scope, "unet.down_blocks.0"; the plan's name at the top. Valid until the thread asks again. */
const char *plan_scope(const plan *p);

/* The storage type of activations (F32, or F16 at --precision f16). Scores, statistics and state are always F32. */
dtype plan_activation(const plan *p);
/* The precision of products: F32; F16, which also stores activations so; BF16, for implementations that multiply so. */
void plan_set_precision(plan *p, dtype dt);
dtype plan_precision(const plan *p);

/* A new tensor in the arena, of the given type; it lives from its first to its last use by a step. */
tensor plan_tensor(plan *p, dtype dt, int n, int h, int w, int c);
/* An activation. */
tensor plan_act(plan *p, int n, int h, int w, int c);
/* A tensor whose memory the caller binds before running. */
tensor plan_external(plan *p, dtype dt, int n, int h, int w, int c);
/* A parameter vector (bias, gamma) as a tensor (1,1,1,rows) F32; sets LAYOUT_VECTOR. NULL gives NO_TENSOR. */
tensor plan_vector(plan *p, weight *w);

/* Appends a step, with plan_choose where s->impl is NULL. Everything is copied, params too. */
int plan_add(plan *p, const step *s, const void *params, size_t params_size);
/* The step appended last, until the next plan_add; NULL: none. For an op that does that step's work too, and takes it back before it adds itself. */
const step *plan_last(const plan *p);
void plan_take_back(plan *p);

/* Picks s->impl by configuration, else the first that fits. Depends on the shape per image, never on the number of images. */
int plan_choose(plan *p, step *s);
/* "attention.impl = flash_cpu does not fit vae.mid.attn: sliced there": the first step whose forced implementation did not fit its shape; NULL: none. */
const char *plan_gave_way(const plan *p);

/* Inside prepare: a scratch tensor that lives during this step; memory for the step's state (zeroed, freed with the plan). */
tensor plan_scratch(plan *p, dtype dt, int n, int h, int w, int c);
/* The same at the very beginning of a memory object: for libraries that take no offset, or copy what has one. */
tensor plan_scratch_first(plan *p, dtype dt, int n, int h, int w, int c);
void *plan_step_alloc(plan *p, size_t bytes);
/* Inside prepare: notes that the step depends on the values of a section at a precision: what `tune` may vary. shown: what they come to stands in the options
 * of the step's kernels, and equal options mean an equal step. tune_values does it for kernels. */
void plan_use_section(plan *p, const ocl_section *section, dtype dt, bool shown);

/* --- lowering, placing, running --- */

/* Prepares every step; starts the kernel builds. */
int plan_lower(plan *p);
/* Assigns every arena tensor an offset in buffers no larger than the device's allocation limit. After it, plan_arena_bytes is exact. */
int plan_place(plan *p);
uint64_t plan_arena_bytes(const plan *p);
int plan_allocate(plan *p); /* memory of its own; plans that take turns share an arena: plan/arena.h */

/* Points an external tensor at memory: element offset within mem. */
void plan_bind(plan *p, tensor external, cl_mem mem, uint64_t offset);
/* The queue that the plan's steps go to; 0 unless set. */
void plan_set_queue(plan *p, int queue);
int plan_queue(const plan *p);
/* Enqueues all steps, in order. Bounded queue depth. */
int plan_run(plan *p);
/* The same for plans of equal step count on different queues, step by step in turn, so that both make progress from the start. */
int plans_run(plan *const *plans, int count);

/* Where a tensor is, for launch functions: its buffer, and its offset in elements. */
cl_mem tensor_mem(const plan *p, tensor t);
cl_ulong tensor_off(const plan *p, tensor t);

/* Inspection: steps in order; total floating-point work; the arena's layout (for tests). */
int plan_steps(const plan *p);
const step *plan_step(const plan *p, int i);
double plan_flops(const plan *p);
/* Buffer i: first and last step that uses it, its chunk and byte range. false: not an arena buffer, or unused. */
bool plan_buffer_range(const plan *p, int i, int *first, int *last, int *chunk, uint64_t *begin, uint64_t *end);
int plan_buffers(const plan *p);
/* "-DXT=float" style option for a storage type. */
const char *dtype_option_name(dtype dt);
/* "f32", "f16", "bf16". */
const char *precision_word(dtype dt);
/* How activations are stored at a precision. */
dtype precision_storage(dtype dt);

#endif
