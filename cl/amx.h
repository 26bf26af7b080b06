/* SPDX-License-Identifier: MIT */
/* The operations of Intel AMX that kernels use, on the eight tiles of `amx *t`: with ENGINE_AMX the processor's (their numbers are constants), with
 * ENGINE_AMX_PLAIN the same in plain C, so that the layouts can be verified on any CPU. Semantics: Intel 64 and IA-32 Architectures Software Developer's
 * Manual, volume 2, LDTILECFG, TILELOADD, TILESTORED, TDPBF16PS, TILERELEASE.
 *   AMX_CONFIGURE(t, config)       64 bytes: palette 1, then at 16 bytes of a row (ushort) and at 48 rows (uchar) of each tile; all tiles become zero
 *   AMX_LOAD(t, n, p, stride)      tile n from private memory, rows `stride` bytes apart; AMX_LOAD_GLOBAL: from global memory
 *   AMX_ZERO(t, n)
 *   AMX_DOT(t, c, a, b)            c[m][n] += sum over k of a[m][2k] * b[k][2n] + a[m][2k + 1] * b[k][2n + 1], bf16 products summed in f32
 *   AMX_STORE(t, n, p, stride)     to private memory
 *   AMX_RELEASE(t)                 before a work-item ends */
#if ENGINE == ENGINE_AMX
typedef int amx;
#define AMX_POINTER(p) ((void *)(size_t)(p)) /* the builtins take private pointers; on a CPU all address spaces are one */
#define AMX_CONFIGURE(t, config) __builtin_ia32_tile_loadconfig(config)
#define AMX_LOAD(t, n, p, stride) __builtin_ia32_tileloadd64(n, AMX_POINTER(p), stride)
#define AMX_LOAD_GLOBAL(t, n, p, stride) __builtin_ia32_tileloadd64(n, AMX_POINTER(p), stride)
#define AMX_ZERO(t, n) __builtin_ia32_tilezero(n)
#define AMX_DOT(t, c, a, b) __builtin_ia32_tdpbf16ps(c, a, b)
#define AMX_STORE(t, n, p, stride) __builtin_ia32_tilestored64(n, AMX_POINTER(p), stride)
#define AMX_RELEASE(t) __builtin_ia32_tilerelease()
#else
typedef struct amx {
    int on;
    int rows[8], columns[8]; /* columns: of 4 bytes */
    uint16 row[8][16];
} amx;

INLINE uint16 amx_first(uint16 row, int columns) /* zero behind them */
{
    return select((uint16)(0), row, (uint16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15) < (uint16)((uint)columns));
}

/* Numbers too small to be normal count as zero, going in and coming out. */
INLINE float16 amx_flush(float16 x) { return select(x, (float16)(0.0f), isless(fabs(x), (float16)(0x1p-126f))); }

MATRIX void amx_configure(amx *t, const uchar *config)
{
    t->on = config[0] == 1;
    for (int n = 0; n < 8; n++) {
        t->columns[n] = (config[16 + 2 * n] | config[17 + 2 * n] << 8) / 4;
        t->rows[n] = config[48 + n];
        t->on = t->on && t->columns[n] <= 16 && t->rows[n] <= 16;
        for (int i = 0; i < 16; i++) t->row[n][i] = 0;
    }
}

/* What would be an exception leaves NaN. */
MATRIX void amx_fault(amx *t, int n)
{
    for (int i = 0; i < 16; i++) t->row[n][i] = 0x7fc00000;
}

#define AMX_LOAD_ROWS(t, n, p, stride) \
    for (int i = 0; i < 16; i++) { \
        uint16 row = 0; \
        for (int j = 0; j < (i < t->rows[n] ? t->columns[n] : 0); j++) ((uint *)&row)[j] = p[(size_t)i * (stride / 4) + (size_t)j]; \
        t->row[n][i] = row; \
    } \
    if (!t->on) amx_fault(t, n)
MATRIX void amx_load(amx *t, int n, const uint *p, size_t stride) { AMX_LOAD_ROWS(t, n, p, stride); }
MATRIX void amx_load_global(amx *t, int n, __global const uint *p, size_t stride) { AMX_LOAD_ROWS(t, n, p, stride); }

MATRIX void amx_zero(amx *t, int n)
{
    for (int i = 0; i < 16; i++) t->row[n][i] = 0;
    if (!t->on) amx_fault(t, n);
}

MATRIX void amx_dot(amx *t, int c, int a, int b)
{
    if (!t->on || t->columns[c] != t->columns[b] || t->rows[c] != t->rows[a] || t->columns[a] != t->rows[b]) {
        amx_fault(t, c);
        return;
    }
    for (int m = 0; m < t->rows[c]; m++) {
        float16 even = 0.0f, odd = 0.0f;
        for (int k = 0; k < t->columns[a]; k++) {
            uint x = ((const uint *)&t->row[a][m])[k];
            uint16 w = t->row[b][k];
            even = amx_flush(fma(amx_flush((float16)(as_float(x << 16))), amx_flush(as_float16(w << 16)), even));
            odd = amx_flush(fma(amx_flush((float16)(as_float(x & 0xffff0000))), amx_flush(as_float16(w & 0xffff0000)), odd));
        }
        float16 sum = amx_flush(amx_flush(as_float16(t->row[c][m])) + amx_flush(even + odd));
        t->row[c][m] = amx_first(as_uint16(sum), t->columns[c]);
    }
}

MATRIX void amx_store(const amx *t, int n, uint *p, size_t stride)
{
    for (int i = 0; i < t->rows[n]; i++)
        for (int j = 0; j < t->columns[n]; j++) p[(size_t)i * (stride / 4) + (size_t)j] = ((const uint *)&t->row[n][i])[j];
}

#define AMX_CONFIGURE(t, config) amx_configure(t, config)
#define AMX_LOAD(t, n, p, stride) amx_load(t, n, (const uint *)(p), stride)
#define AMX_LOAD_GLOBAL(t, n, p, stride) amx_load_global(t, n, (__global const uint *)(p), stride)
#define AMX_ZERO(t, n) amx_zero(t, n)
#define AMX_DOT(t, c, a, b) amx_dot(t, c, a, b)
#define AMX_STORE(t, n, p, stride) amx_store(t, n, (uint *)(p), stride)
#define AMX_RELEASE(t) ((t)->on = 0)
#endif
