/* SPDX-License-Identifier: MIT */
/* The stages of a job, one batch at a time. */
#ifndef SDCL_PIPELINE_PIPELINE_H
#define SDCL_PIPELINE_PIPELINE_H

#include "pipeline/session.h"

enum { BATCH_MAX = 4 }; /* pictures that go through the UNet together; more gain nothing and cost memory */

/* Pictures that go through the UNet together with picture `first`: all of them where they are one stream of noise or one set of dumps. */
int pipeline_batch(const sdcl_job *j, int first);

/* Seconds, but for begin: a time of seconds_now. */
typedef struct timing {
    double load, text, unet, begin;
} timing;

/* Plans, kernels (compiling in the background meanwhile), weights, memory for a batch of a resolved job. */
int pipeline_load(sdcl *s, const sdcl_job *j, int pictures, timing *t);
/* The same for its decoding alone: only the VAE's weights are read. */
int pipeline_load_decoder(sdcl *s, const sdcl_job *j, int pictures, timing *t);
/* Row 0 the negative prompt, row 1 the prompt; then keys and values of the rows that the UNet sees. first: pictures already finished; a job's later batch
 * of another size encodes again, but does not warn again. */
int pipeline_encode(sdcl *s, const sdcl_job *j, int first, timing *t);
/* Decodes picture i of the batch into rgb and unit, both (h, w, 3). SDCL_ERESULT: a value is not finite; that is never a picture. */
int pipeline_decode(sdcl *s, int i, unsigned char *rgb, float *unit);

/* What a benchmark takes over from a job, resolved: size, number of pictures, steps. seeds: where the job's are put. */
int bench_job(sdcl *s, const sdcl_job *given, sdcl_job *j, uint64_t seeds[BATCH_MAX]);

#endif
