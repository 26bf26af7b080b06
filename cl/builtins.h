/* SPDX-License-Identifier: MIT */
/* The built-in functions that kernels use, as OpenCL C 1.2 has them, for a driver whose own header is left out because it takes long to read
 * (host/ocl/source.h). A kernel that uses others is built with the driver's. Functions are
 * those of float: half_math.h asks for the driver's header. */
#define BUILTINS_OF_FLOAT
#define BUILTIN __attribute__((overloadable))
#define OF_VALUES BUILTIN __attribute__((const))
#define OF_MEMORY BUILTIN __attribute__((pure))
#define FOR_ALL __attribute__((convergent))

OF_VALUES size_t get_global_id(uint);
OF_VALUES size_t get_local_id(uint);
OF_VALUES size_t get_group_id(uint);
OF_VALUES size_t get_num_groups(uint);
BUILTIN FOR_ALL void barrier(cl_mem_fence_flags);

#define DECLARE_FLOATS(V, I, U)                                                                                        \
    OF_VALUES V fma(V, V, V);                                                                                          \
    OF_VALUES V fmin(V, V);                                                                                            \
    OF_VALUES V fmax(V, V);                                                                                            \
    OF_VALUES V min(V, V);                                                                                             \
    OF_VALUES V max(V, V);                                                                                             \
    OF_VALUES V clamp(V, V, V);                                                                                        \
    OF_VALUES V fabs(V);                                                                                               \
    OF_VALUES V ceil(V);                                                                                               \
    OF_VALUES V sqrt(V);                                                                                               \
    OF_VALUES V exp(V);                                                                                                \
    OF_VALUES V sin(V);                                                                                                \
    OF_VALUES V cos(V);                                                                                                \
    OF_VALUES V native_recip(V);                                                                                       \
    OF_VALUES V native_exp2(V);                                                                                        \
    OF_VALUES V select(V, V, I);                                                                                       \
    OF_VALUES V select(V, V, U);                                                                                       \
    OF_VALUES I isless(V, V);                                                                                          \
    OF_VALUES I isgreater(V, V);                                                                                       \
    OF_VALUES I isfinite(V);                                                                                           \
    OF_VALUES I isnan(V);                                                                                              \
    OF_VALUES I min(I, I);                                                                                             \
    OF_VALUES I max(I, I);                                                                                             \
    OF_VALUES I clamp(I, I, I);                                                                                        \
    OF_VALUES I select(I, I, I);                                                                                       \
    OF_VALUES U select(U, U, I);                                                                                       \
    OF_VALUES U select(U, U, U);                                                                                       \
    OF_VALUES U min(U, U);                                                                                             \
    OF_VALUES U max(U, U);                                                                                             \
    OF_VALUES int all(I);
DECLARE_FLOATS(float, int, uint)
DECLARE_FLOATS(float2, int2, uint2)
DECLARE_FLOATS(float4, int4, uint4)
DECLARE_FLOATS(float8, int8, uint8)
DECLARE_FLOATS(float16, int16, uint16)
OF_VALUES ulong min(ulong, ulong);
OF_VALUES ulong max(ulong, ulong);

#define DECLARE_CONVERSIONS(N)                                                                                         \
    OF_VALUES int##N convert_int##N##_rte(float##N);                                                                   \
    OF_VALUES float##N convert_float##N(int##N);                                                                       \
    OF_VALUES float##N convert_float##N(uint##N);                                                                      \
    OF_VALUES float##N convert_float##N(ushort##N);                                                                    \
    OF_VALUES uchar##N convert_uchar##N(int##N);                                                                       \
    OF_VALUES ushort##N convert_ushort##N(uint##N);                                                                    \
    OF_VALUES uint##N convert_uint##N(ushort##N);
DECLARE_CONVERSIONS(8)
DECLARE_CONVERSIONS(16)

#define DECLARE_VECTORS_OF(T, N, SPACE)                                                                                \
    OF_MEMORY T##N vload##N(size_t, const SPACE T *);                                                                  \
    BUILTIN void vstore##N(T##N, size_t, SPACE T *);
#define DECLARE_VECTORS(N, SPACE)                                                                                      \
    DECLARE_VECTORS_OF(float, N, SPACE)                                                                                \
    DECLARE_VECTORS_OF(uchar, N, SPACE)                                                                                \
    DECLARE_VECTORS_OF(short, N, SPACE)                                                                                \
    DECLARE_VECTORS_OF(ushort, N, SPACE)                                                                               \
    DECLARE_VECTORS_OF(uint, N, SPACE)                                                                                 \
    OF_MEMORY float##N vload_half##N(size_t, const SPACE half *);                                                      \
    BUILTIN void vstore_half##N##_rte(float##N, size_t, SPACE half *);                                                 \
    OF_MEMORY float##N vloada_half##N(size_t, const SPACE half *);                                                     \
    BUILTIN void vstorea_half##N##_rte(float##N, size_t, SPACE half *);
#define DECLARE_MEMORY(SPACE)                                                                                          \
    DECLARE_VECTORS(2, SPACE)                                                                                          \
    DECLARE_VECTORS(4, SPACE)                                                                                          \
    DECLARE_VECTORS(8, SPACE)                                                                                          \
    DECLARE_VECTORS(16, SPACE)                                                                                         \
    OF_MEMORY float vload_half(size_t, const SPACE half *);                                                            \
    BUILTIN void vstore_half_rte(float, size_t, SPACE half *);
DECLARE_MEMORY(__global)
DECLARE_MEMORY(__local)
DECLARE_MEMORY(__private)
