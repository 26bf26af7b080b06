/* SPDX-License-Identifier: MIT */
/* What a session holds: a device, a model's description, its weights by part, and the plans of the last shape. */
#ifndef SDCL_PIPELINE_SESSION_H
#define SDCL_PIPELINE_SESSION_H

#include "base/clock.h"
#include "check/proof.h"
#include "io/model.h"
#include "nn/clip.h"
#include "nn/unet.h"
#include "nn/vae.h"
#include "ops/ops.h"
#include "plan/arena.h"
#include "sdcl.h"
#include "sampler/sampler.h"
#include "text/tokenizer.h"

#include <stdbool.h>

/* One evaluation of the UNet: of all rows of a batch, or of its unconditional or conditional half. Tensors are external. */
typedef struct unet_pass {
    plan *p;
    tensor latent, scale, time, eps;
    tensor *kv; /* owned */
} unet_pass;

/* Timesteps whose embeddings are computed at a time: one by one, each would read all of time_emb_proj. */
enum { TIMES_TOGETHER = 32 };

/* The plans of one shape. Tensors named here are external: bound to the session's buffers. */
typedef struct passes {
    int pictures, h, w; /* latent size */
    bool guided;        /* two UNet rows a picture */
    dtype precision, vae_precision;
    bool encoded; /* the conditions are in memory */
    plan *text, *prologue, *time, *scheduler, *vae;
    unet_pass unet[2]; /* two where the halves of guidance run side by side: see passes.c */
    int unet_count;
    int unet_turns;              /* evaluations of unet[0] for all rows of a batch, one after another */
    tensor embeddings, context;  /* text: (2,1,T,D) F32 -> the same */
    tensor conditions;           /* prologue: (rows,1,T,D) F32 */
    tensor timesteps;            /* time: (TIMES_TOGETHER,1,1,1) F32, one of each evaluation -> */
    tensor time_rows;            /* (TIMES_TOGETHER,1,1,unet_time_width) F32 */
    tensor *prologue_kv;         /* owned; the UNet's kv are the same memory */
    int kv_count, channels;      /* of the latent */
    tensor slots, pred, program; /* scheduler */
    tensor vae_latent, vae_scale, rgb, unit;
    int vae_strip; /* rows of the latent that the decoder's upper levels take at a time; 0: all */
    cl_mem memory; /* all of the above that outlives a plan, one buffer */
    uint64_t memory_bytes;
    uint64_t at_embeddings, at_context, at_conditions, at_kv, at_time, at_slots, at_eps, at_rgb, at_unit,
        at_scalars; /* bytes within memory */
} passes;

typedef enum phase { PHASE_NONE, PHASE_TEXT, PHASE_UNET, PHASE_VAE, PHASES } phase;

typedef enum residency_mode {
    HOLD_ALL,    /* all weights, and one arena for all phases: other jobs, or batches, may follow */
    HOLD_NEEDED, /* a job of one batch, and none after it: all weights are read first, and a phase's go with its last run; the arena is the phase's */
    HOLD_PHASE /* all of it does not fit: weights are read when their phase begins, once a batch; the arena is the phase's */
} residency_mode;

/* What is on the device when: see residency.h. */
typedef struct residency {
    uint64_t budget;      /* bytes */
    bool asked;           /* the budget is the user's */
    residency_mode mode;  /* of the batch at hand */
    phase now;            /* whose arena is there */
    bool all;             /* HOLD_ALL: everything is there */
    arena shared, beside; /* beside: of a second UNet plan that runs at the same time */
    double seconds;       /* spent loading, so far */
} residency;

struct sdcl {
    sdcl_params params;             /* callbacks; its strings are not kept */
    char *model_path;               /* owned */
    char *vae_path;                 /* owned; NULL: the model's own VAE */
    dtype precision, vae_precision; /* of products; the decoder's */
    const char *precision_name;     /* of precision: "f32", "f16", "bf16" */
    ocl_device device;
    config *values;
    ocl *o;
    dtype activation;
    model *m;
    tokenizer *words;
    weights *text_weights, *unet_weights, *vae_weights;
    clip text;
    unet net;
    vae_decoder decoder;
    passes shape;
    residency memory;
    char hash[11], vae_hash[11];
    double busy_seconds; /* in text encoding, sampling and decoding, see sdcl_profile */
    /* Benchmark: where denoise puts when each step began, and when the last one ended: it waits for each; or NULL. */
    double *evaluation_ends;
};

/* The model at path with the vae, ema and model_config of p. */
int session_open_files(model **m, const char *path, const sdcl_params *p);
/* The tokenizer of a model; SDCL_EMODEL also where it has more tokens than the text encoder. To be closed after a failure too. */
int session_open_words(tokenizer **words, const model *m, const char *path);

/* Pixels per latent pixel, along a side. */
int session_factor(const sdcl *s);

void session_log(const sdcl *s, sdcl_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));
void session_progress(const sdcl *s, const char *stage, int step, int steps, double seconds, int image, int images);
/* The device that --device means. */
int session_choose_device(const char *want, ocl_device *device);
/* The kernels of the shape at hand that this device has not been seen to compute rightly, *unproven NULL where there is none; and their comparison with the
 * references, once, in memory of its own: SDCL_ERESULT. */
int session_unproven(sdcl *s, proof **unproven);
int session_prove(sdcl *s, proof *unproven);
/* From the next passes_prepare on, text encoder and UNet multiply in one precision, the VAE's decoder in the other. */
void session_compute_in(sdcl *s, dtype precision, dtype vae_precision);
/* SDCL_EINTERRUPTED if the caller wants to stop. */
int session_cancelled(const sdcl *s);

/* Builds, lowers and places the plans for a shape, unless they are there already. Allocates nothing on the device. */
int passes_prepare(sdcl *s, int pictures, bool guided, int h, int w);
/* The next runs of unet[k] take conditions, and leave predictions, from this row of the batch on. */
void passes_bind_rows(passes *x, int k, int row);
/* Inputs and outputs of the passes; then binds. Weights and activations: residency.h. */
int passes_allocate(sdcl *s);
void passes_free(sdcl *s);

#endif
