/* SPDX-License-Identifier: MIT */
/* Everything that INI files can set: the device, ops that choose an implementation, then kernels. A new kernel adds its line here. */
#include "ops/clblast_tune.h"

extern const ocl_section device_section, gemm_section, conv3x3_section, attention_section, groupnorm_section;
extern const ocl_section gemm_matrix_cpu_kernel, gemm_cpu_kernel, gemm_gpu_kernel, gemm_matrix_gpu_kernel,
    conv3x3_cpu_kernel, conv3x3_matrix_cpu_kernel, conv3x3_gpu_kernel, winograd_input_cpu_kernel, winograd_cpu_kernel,
    winograd_input_gpu_kernel, winograd_weight_gpu_kernel, winograd_gpu_kernel, winograd_output_gpu_kernel,
    attention_cpu_kernel, attention_matrix_cpu_kernel, attention_gpu_kernel, softmax_rows_kernel,
    groupnorm_partial_kernel, groupnorm_finish_kernel, norm_apply_kernel, layernorm_kernel, scale_repeat_kernel,
    scheduler_kernel, gemm_clblast_kernel, gemm_epilogue_kernel, clblast_xgemm_kernel, clblast_xgemm_direct_kernel,
    clblast_gemm_routine_kernel, clblast_copy_kernel, clblast_pad_kernel, clblast_transpose_kernel,
    clblast_padtranspose_kernel;

const ocl_section *const ops_sections[] = {
    &device_section,
    &gemm_section,
    &conv3x3_section,
    &attention_section,
    &groupnorm_section,
    &gemm_cpu_kernel,
    &gemm_gpu_kernel,
    &gemm_matrix_cpu_kernel,
    &gemm_matrix_gpu_kernel,
    &conv3x3_cpu_kernel,
    &conv3x3_matrix_cpu_kernel,
    &conv3x3_gpu_kernel,
    &winograd_input_cpu_kernel,
    &winograd_cpu_kernel,
    &winograd_input_gpu_kernel,
    &winograd_weight_gpu_kernel,
    &winograd_gpu_kernel,
    &winograd_output_gpu_kernel,
    &attention_cpu_kernel,
    &attention_matrix_cpu_kernel,
    &attention_gpu_kernel,
    &softmax_rows_kernel,
    &groupnorm_partial_kernel,
    &groupnorm_finish_kernel,
    &norm_apply_kernel,
    &layernorm_kernel,
    &scale_repeat_kernel,
    &scheduler_kernel,
    &gemm_clblast_kernel,
    &gemm_epilogue_kernel,
    &clblast_xgemm_kernel,
    &clblast_xgemm_direct_kernel,
    &clblast_gemm_routine_kernel,
    &clblast_copy_kernel,
    &clblast_pad_kernel,
    &clblast_transpose_kernel,
    &clblast_padtranspose_kernel,
    NULL,
};

int ops_check_config(const config *c, const sdcl_device *device) { return clblast_check(c, device); }
