/* SPDX-License-Identifier: MIT */
/* IEEE binary16 and bfloat16 on the host. Conversions to them round to nearest even; NaN stays NaN. */
#ifndef SDCL_BASE_HALF_H
#define SDCL_BASE_HALF_H

#include <stdint.h>

float half_to_float(uint16_t h);
uint16_t float_to_half(float f);
float bf16_to_float(uint16_t b);
uint16_t float_to_bf16(float f);

#endif
