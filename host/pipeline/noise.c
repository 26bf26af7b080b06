/* SPDX-License-Identifier: MIT */
#include "pipeline/noise.h"

#include "base/error.h"
#include "pipeline/layout.h"

#include <stdlib.h>

int noise_open(noise *n, const uint64_t *seeds, int pictures, int one_stream, int hw, int c)
{
    size_t len = (size_t)pictures * (size_t)hw * (size_t)c;
    *n = (noise){.stream_count = one_stream ? 1 : pictures, .pictures = pictures, .hw = hw, .c = c};
    n->streams = calloc((size_t)n->stream_count, sizeof *n->streams);
    n->nchw = malloc(len * sizeof(float));
    n->nhwc = malloc(len * sizeof(float));
    if (!n->streams || !n->nchw || !n->nhwc) {
        noise_close(n);
        return FAIL(SDCL_ENOMEM, "out of memory");
    }
    for (int i = 0; i < n->stream_count; i++) rng_seed(&n->streams[i], seeds[i]);
    return 0;
}

void noise_close(noise *n)
{
    free(n->streams);
    free(n->nchw);
    free(n->nhwc);
    *n = (noise){0};
}

void noise_draw(noise *n)
{
    size_t each = (size_t)(n->pictures / n->stream_count) * (size_t)n->hw * (size_t)n->c;
    for (int i = 0; i < n->stream_count; i++) rng_randn(&n->streams[i], n->nchw + (size_t)i * each, each);
    nchw_to_nhwc(n->nhwc, n->nchw, n->pictures, n->hw, n->c);
}
