/* SPDX-License-Identifier: MIT */
/* A case of the goldens drawn in a session, against diffusers. Failures end the test. */
#ifndef SDCL_TESTS_GOLDEN_DRAW_H
#define SDCL_TESTS_GOLDEN_DRAW_H

#include "golden.h"

#include <stddef.h>

/* measure(got, want, values) of one file of the dump, such as "image.npy". precision: that the picture must be drawn in. */
double golden_draw(sdcl *s, const golden_case *c, const char *precision, const char *file,
                   double (*measure)(const float *, const float *, size_t));

#endif
