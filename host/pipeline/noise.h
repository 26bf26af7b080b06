/* SPDX-License-Identifier: MIT */
/* Start and step noise of a batch. Each picture has a generator of its own, so that it does not depend on its company; under --compat diffusers the batch is
 * one stream of one seed. */
#ifndef SDCL_PIPELINE_NOISE_H
#define SDCL_PIPELINE_NOISE_H

#include "sampler/rng.h"

#include <stdint.h>

typedef struct noise {
    rng *streams; /* owned */
    int stream_count, pictures, hw, c;
    float *nchw, *nhwc; /* owned; the last draw, (pictures, c, h, w) and (pictures, h, w, c) */
} noise;

/* seeds: one per picture, or the first alone if one_stream. */
int noise_open(noise *n, const uint64_t *seeds, int pictures, int one_stream, int hw, int c);
void noise_close(noise *n);
void noise_draw(noise *n);

#endif
