/* SPDX-License-Identifier: MIT */
#include "check/check.h"

extern const check_op check_gemm, check_conv3x3, check_attention, check_groupnorm, check_layernorm, check_embed,
    check_timestep, check_scale_repeat, check_image, check_scheduler;

const check_op *const check_ops[] = {
    &check_gemm,  &check_conv3x3,  &check_attention,    &check_groupnorm, &check_layernorm,
    &check_embed, &check_timestep, &check_scale_repeat, &check_image,     &check_scheduler,
    NULL,
};
