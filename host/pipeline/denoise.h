/* SPDX-License-Identifier: MIT */
/* The sampling loop of one batch. */
#ifndef SDCL_PIPELINE_DENOISE_H
#define SDCL_PIPELINE_DENOISE_H

#include "pipeline/noise.h"
#include "pipeline/session.h"

/* Draws the start noise, runs the sampler and leaves the final latents in slot 0 of the session's slots, finite or not. first: pictures already
 * finished, for progress. */
int denoise(sdcl *s, const sdcl_job *j, sampler *steps, noise *n, int first);

#endif
