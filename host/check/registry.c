/* SPDX-License-Identifier: MIT */
#include "check/check.h"

extern const check_op check_gemm, check_conv3x3, check_attention, check_groupnorm, check_layernorm, check_timestep,
    check_scale_repeat, check_image, check_scheduler;

const check_op *const check_ops[] = {
    &check_gemm,     &check_conv3x3,      &check_attention, &check_groupnorm, &check_layernorm,
    &check_timestep, &check_scale_repeat, &check_image,     &check_scheduler, NULL,
};

const check_variant check_variants[] = {
    {"conv3x3", "winograd", "winograd_cpu.TILE=2"},           {"conv3x3", "matrix", "conv3x3_matrix_cpu.RB=64"},
    {"conv3x3", "matrix", "conv3x3_matrix_cpu.KC=64"},        {"conv3x3", "winograd_gpu", "winograd_input_gpu.TILE=2"},
    {"conv3x3", "winograd_gpu", "winograd_input_gpu.TILE=6"}, {NULL, NULL, NULL},
};

extern const check_keyed keyed_gemm, keyed_conv3x3, keyed_attention, keyed_groupnorm, keyed_layernorm;

const check_keyed *const check_keyed_ops[] = {
    &keyed_gemm, &keyed_conv3x3, &keyed_attention, &keyed_groupnorm, &keyed_layernorm, NULL,
};
