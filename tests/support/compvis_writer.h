/* SPDX-License-Identifier: MIT */
#ifndef SDCL_TESTS_COMPVIS_WRITER_H
#define SDCL_TESTS_COMPVIS_WRITER_H

#include "io/model.h"

#include <stddef.h>

/* The name that the original release of Stable Diffusion v1 gives to a tensor of diffusers' name, with the prefix of its part. */
void compvis_name(model_part part, const char *diffusers, char *out, size_t size);

#endif
