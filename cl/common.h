/* SPDX-License-Identifier: MIT */
/* Shared by all kernels: storage types and elementary functions.
 *
 * A kernel names its storage types XT (input), WT (weight) and YT (output): -DXT=F16. F16 needs no extension: values are converted by vload_half
 * and vstore_half (round to nearest even), arithmetic is float. Every tensor is a pointer and a ulong offset in elements. */

/* A function of file scope. Always inlined: what a compiler decides must not depend on which kernels share a program. Static on PoCL, which drops the word
 * inline and would keep a copy of each; elsewhere not: Intel's compiler for GPUs spills registers then. */
#ifdef POCL_DEVICE_ADDRESS_BITS
#define INLINE static inline __attribute__((always_inline))
#else
#define INLINE inline __attribute__((always_inline))
#endif

#define F32 1
#define F16 2

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

/* Type name, and load / store of element i and of 8 or 16 consecutive elements from i on. */
#define TYPE_1 float
#define TYPE_2 half
#define LOAD_1(p, i) ((p)[i])
#define LOAD_2(p, i) vload_half(i, p)
#define LOAD8_1(p, i) vload8(0, (p) + (i))
#define LOAD8_2(p, i) vload_half8(0, (p) + (i))
#define LOAD16_1(p, i) vload16(0, (p) + (i))
#define LOAD16_2(p, i) vload_half16(0, (p) + (i))
#define STORE_1(v, p, i) ((p)[i] = (v))
#define STORE_2(v, p, i) vstore_half_rte(v, i, p)
#define STORE8_1(v, p, i) vstore8(v, 0, (p) + (i))
#define STORE8_2(v, p, i) vstore_half8_rte(v, 0, (p) + (i))
#define STORE16_1(v, p, i) vstore16(v, 0, (p) + (i))
#define STORE16_2(v, p, i) vstore_half16_rte(v, 0, (p) + (i))
#define KEEP16(v, p, i) vstore16(v, 0, (p) + (i)) /* 16 floats in private memory */

/* Sixteen at once where a register holds them: PoCL would convert halves eight at a time, and store floats in three pieces. */
#if defined(__AVX512F__) && defined(__has_builtin)
#if __has_builtin(__builtin_ia32_vcvtph2ps512_mask) && __has_builtin(__builtin_ia32_vcvtps2ph512_mask)
typedef __attribute__((__vector_size__(64), aligned(4))) float stored_floats;
typedef __attribute__((__vector_size__(32), aligned(2))) short stored_halves;
#undef LOAD16_2
#undef STORE16_1
#undef STORE16_2
#undef KEEP16
#define KEEP16(v, p, i) (*(stored_floats *)((p) + (i)) = (v))
#define LOAD16_2(p, i) \
    __builtin_ia32_vcvtph2ps512_mask(vload16(0, (const __global short *)((p) + (i))), (float16)(0.0f), 0xffff, 4)
#define STORE16_1(v, p, i) (*(__global stored_floats *)((p) + (i)) = (v))
#define STORE16_2(v, p, i) (*(__global stored_halves *)((p) + (i)) = __builtin_ia32_vcvtps2ph512_mask(v, 0, (short16)(0), 0xffff))
#endif
#endif

#define XTYPE JOIN(TYPE_, XT)
#define LOADX(p, i) JOIN(LOAD_, XT)(p, i)
#define LOADX8(p, i) JOIN(LOAD8_, XT)(p, i)
#define LOADX16(p, i) JOIN(LOAD16_, XT)(p, i)
#define WTYPE JOIN(TYPE_, WT)
#define LOADW(p, i) JOIN(LOAD_, WT)(p, i)
#define LOADW16(p, i) JOIN(LOAD16_, WT)(p, i)
#define YTYPE JOIN(TYPE_, YT)
#define LOADY(p, i) JOIN(LOAD_, YT)(p, i)
#define LOADY8(p, i) JOIN(LOAD8_, YT)(p, i)
#define LOADY16(p, i) JOIN(LOAD16_, YT)(p, i)
#define STOREY(v, p, i) JOIN(STORE_, YT)(v, p, i)
#define STOREY8(v, p, i) JOIN(STORE8_, YT)(v, p, i)
#define STOREY16(v, p, i) JOIN(STORE16_, YT)(v, p, i)

/* two_to: 2^(x a) for |x a| <= 126, with a relative error of 1e-7 (1 + |x a|). The device's own would do, but PoCL's exp(float16) costs as much as the matrix
 * products around it. The integer part of the power goes into the exponent; for the rest, in [-1/2, 1/2], the polynomial is the minimax one of relative error
 * (7.5e-8). A NaN stays one if the low nine bits of its payload are zero, as in all that arithmetic makes and all that f16 and bf16 can hold.
 * power: the same for any x, limited to normal numbers.
 * erf, to 4e-7: a rational function of x^2 fitted for relative error on |x| <= 3.92, where erf is 1 - 3e-8. */
/* The second operand where one is a NaN, as SSE's instructions do: so each is one of them. */
#define LARGER(a, b) ((a) > (b) ? (a) : (b))
#define SMALLER(a, b) ((a) < (b) ? (a) : (b))
#define LOG2_E 1.44269504088896341f
#define DEFINE_FUNCTIONS(V, IV, N)                                                                                     \
    INLINE V two_to_##N(V x, float a)                                                                                  \
    {                                                                                                                  \
        V t = fma(x, (V)(a), (V)(12582912.0f)), r = fma(x, (V)(a), 12582912.0f - t);                                   \
        V p = fma((V)(1.3276471993e-3f), r, (V)(9.6755413344e-3f));                                                    \
        p = fma(p, r, (V)(5.5507132735e-2f));                                                                          \
        p = fma(p, r, (V)(2.4022119724e-1f));                                                                          \
        p = fma(p, r, (V)(6.9314696706e-1f));                                                                          \
        p = fma(p, r, (V)(1.0f));                                                                                      \
        return as_##V(JOIN(as_, IV)(p) + (JOIN(as_, IV)(t) << 23));                                                    \
    }                                                                                                                  \
    INLINE V power_##N(V x, float a)                                                                                   \
    {                                                                                                                  \
        V limit = 125.5f / fabs(a);                                                                                    \
        x = LARGER(-limit, x);                                                                                         \
        return two_to_##N(SMALLER(limit, x), a);                                                                       \
    }                                                                                                                  \
    INLINE V exp_##N(V x) { return power_##N(x, LOG2_E); }                                                             \
    INLINE V silu_##N(V x) { return x / (1.0f + power_##N(x, -LOG2_E)); }                                              \
    INLINE V quick_gelu_##N(V x) { return x / (1.0f + power_##N(x, -1.702f * LOG2_E)); }                               \
    INLINE V erf_##N(V x)                                                                                              \
    {                                                                                                                  \
        x = clamp(x, (V)(-3.92f), (V)(3.92f));                                                                         \
        V t = x * x;                                                                                                   \
        V p = fma((V)(2.05008041e-6f), t, (V)(2.84883834e-4f));                                                        \
        p = fma(p, t, (V)(3.76566243e-3f));                                                                            \
        p = fma(p, t, (V)(5.27488664e-2f));                                                                            \
        p = fma(p, t, (V)(1.90407515e-1f));                                                                            \
        p = fma(p, t, (V)(1.12837911f));                                                                               \
        V q = fma((V)(3.80917008e-5f), t, (V)(1.16254669e-3f));                                                        \
        q = fma(q, t, (V)(1.49693089e-2f));                                                                            \
        q = fma(q, t, (V)(1.14109546e-1f));                                                                            \
        q = fma(q, t, (V)(5.02076983e-1f));                                                                            \
        q = fma(q, t, (V)(1.0f));                                                                                      \
        return x * p / q;                                                                                              \
    }                                                                                                                  \
    INLINE V gelu_##N(V x) { return 0.5f * x * (1.0f + erf_##N(x * 0.70710678118654752f)); }
DEFINE_FUNCTIONS(float, int, 1)
DEFINE_FUNCTIONS(float8, int8, 8)
DEFINE_FUNCTIONS(float16, int16, 16)

/* 1 / standard deviation. NaN where float cannot hold the variance: a picture that is not finite is refused, one made of the zeros that 1 / infinity
 * gives would be drawn. */
INLINE float rstd_of(float variance, float eps) { return isfinite(variance) ? 1.0f / sqrt(variance + eps) : NAN; }

/* The bits of v in bf16: ties to even, NaN stays NaN. */
INLINE ushort to_bf16(float v)
{
    uint u = as_uint(v);
    return (ushort)(isnan(v) ? u >> 16 | 0x40 : (u + 0x7fff + (u >> 16 & 1)) >> 16);
}

/* 2^x as fast as the device can, to about 2 ulp. libclc's for NVPTX does not link. */
#if defined(__NVPTX__) && !defined(__NV_CL_C_VERSION)
INLINE float fast_exp2(float x)
{
    float y;
    __asm__("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}
#else
INLINE float fast_exp2(float x) { return native_exp2(x); }
#endif

/* SiLU of a value that was stored as XT: halves do not show what the device's own functions lose. */
#define SILU_1(v) silu_1(v)
#define SILU_2(v) ((v) * native_recip(1.0f + fast_exp2(-1.44269504088896341f * (v))))
#define SILU(v) JOIN(SILU_, XT)(v)

/* What follows the sum of a GEMM or convolution, in this order: bias, row, activation or GEGLU, residual. host/ops/matmul.h has the same numbers;
 * from ACT_SHIFT on stands the activation: host/ops/ops.h, enum activation. */
#define HAS_BIAS 1
#define HAS_ROW 2
#define HAS_RESIDUAL 4
#define IS_GEGLU 8
#define ROWS_FIRST 128
#define ACT_SHIFT 4
#define ACT_MASK 3
#define ACT_SILU 1
#define ACT_GELU 2
#define ACT_QUICK_GELU 3
#define DEFINE_ACTIVATE(V, N)                                                                                          \
    INLINE V activate_##N(V x, int act)                                                                                \
    {                                                                                                                  \
        if (act == ACT_SILU) return silu_##N(x);                                                                       \
        if (act == ACT_GELU) return gelu_##N(x);                                                                       \
        if (act == ACT_QUICK_GELU) return quick_gelu_##N(x);                                                           \
        return x;                                                                                                      \
    }
DEFINE_ACTIVATE(float, 1)
DEFINE_ACTIVATE(float8, 8)
DEFINE_ACTIVATE(float16, 16)

/* The operands of that, for the row at hand. */
typedef struct epilogue {
    __global const float *bias, *row; /* row: that of the image at hand */
    int flags, columns;               /* columns of the output: N, or N / 2 with GEGLU */
} epilogue;
#define DEFINE_FINISH(V, N, LOAD)                                                                                      \
    INLINE V finish_##N(V v, const epilogue *e, int n)                                                                 \
    {                                                                                                                  \
        if (e->flags & HAS_BIAS) v += LOAD(e->bias + n);                                                               \
        if (e->flags & HAS_ROW) v += LOAD(e->row + n);                                                                 \
        return activate_##N(v, e->flags >> ACT_SHIFT & ACT_MASK);                                                      \
    }                                                                                                                  \
    /* v: values, g: gates */                                                                                          \
    INLINE V finish_geglu_##N(V v, V g, const epilogue *e, int n)                                                      \
    {                                                                                                                  \
        if (e->flags & HAS_BIAS) {                                                                                     \
            v += LOAD(e->bias + n);                                                                                    \
            g += LOAD(e->bias + e->columns + n);                                                                       \
        }                                                                                                              \
        return v * gelu_##N(g);                                                                                        \
    }
#define FINISH_LOAD1(p) (*(p))
#define FINISH_LOAD8(p) vload8(0, p)
#define FINISH_LOAD16(p) vload16(0, p)
DEFINE_FINISH(float, 1, FINISH_LOAD1)
DEFINE_FINISH(float8, 8, FINISH_LOAD8)
DEFINE_FINISH(float16, 16, FINISH_LOAD16)
