/* SPDX-License-Identifier: MIT */
/* Arithmetic in half, for kernels that the host compiles only where host/ops/half_probe.h has seen it work. NVIDIA's compiler has it without listing the
 * extension, and asks for the name. */
#if defined(__NV_CL_C_VERSION) && !defined(cl_khr_fp16)
#define cl_khr_fp16 1
#endif
#ifdef BUILTINS_OF_FLOAT
#error the functions of half are in the driver's header
#endif
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
