/* SPDX-License-Identifier: MIT */
/* data/clip_merges.gz, embedded by the build: merges.txt of OpenAI's CLIP (MIT licence), a "#version" line and 48894
 * merges. SHA-256 of the text: 9fd691f7c8039210e0fced15865466c65820d09b63988b0174bfe25de299051a. */
#ifndef SDCL_TEXT_CLIP_MERGES_H
#define SDCL_TEXT_CLIP_MERGES_H

#include <stddef.h>

extern const unsigned char embedded_clip_merges[];
extern const size_t embedded_clip_merges_size;

#endif
