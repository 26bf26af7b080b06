/* SPDX-License-Identifier: MIT */
/* Rules: those of CLBlast's own tuners, and what its releases before 1.6.3 get wrong. */
#include "ops/clblast_tune.h"

#include "base/strbuf.h"
#include "ocl/clblast.h"

#include <clblast_c.h>
#include <stdio.h>
#include <string.h>

#define GROUP "4 8 16 32 64"
#define VECTOR "1 2 4 8"
#define YES_NO "auto 0 1"

/* The library has one set for all shapes. */
#define CLBLAST_SECTION(name, TUNE, fits)                                                                              \
    static bool fits(const struct ocl_device *d, ocl_shape shape, const void *tune);                                   \
    OCL_SECTION(name, TUNE, fits, OCL_PER_PRECISION)

#define XGEMM_TUNE(P)                                                                                                  \
    P(GEMMK, OCL_AUTO, YES_NO, "kernel: 0 tiles in local memory, 1 tiles in registers")                                \
    P(MWG, OCL_AUTO, "auto 8 16 32 64 128 256", "columns of y of a work-group's tile")                                 \
    P(NWG, OCL_AUTO, "auto 8 16 32 64 128 256", "rows of y of a work-group's tile")                                    \
    P(KWG, OCL_AUTO, "auto 1 2 4 8 16 32 64", "values of K of a tile")                                                 \
    P(MDIMC, OCL_AUTO, "auto 2 " GROUP, "work-items of a group over MWG")                                              \
    P(NDIMC, OCL_AUTO, "auto 2 " GROUP, "work-items of a group over NWG")                                              \
    P(MDIMA, OCL_AUTO, "auto 2 " GROUP, "the same while a tile of w is loaded")                                        \
    P(NDIMB, OCL_AUTO, "auto 2 " GROUP, "the same while a tile of x is loaded")                                        \
    P(KWI, OCL_AUTO, "auto 1 2 4 8 16 32", "values of K that are unrolled")                                            \
    P(VWM, OCL_AUTO, "auto " VECTOR, "vector width over MWG")                                                          \
    P(VWN, OCL_AUTO, "auto " VECTOR, "vector width over NWG")                                                          \
    P(STRM, OCL_AUTO, YES_NO, "work-items take every MDIMC-th vector")                                                 \
    P(STRN, OCL_AUTO, YES_NO, "work-items take every NDIMC-th vector")                                                 \
    P(SA, OCL_AUTO, YES_NO, "the tile of w goes through local memory")                                                 \
    P(SB, OCL_AUTO, YES_NO, "the tile of x goes through local memory")                                                 \
    P(KREG, OCL_AUTO, "auto 1 2 4 8 16", "values of K in registers (GEMMK 1)")
CLBLAST_SECTION(clblast_xgemm, XGEMM_TUNE, xgemm_fits)

#define DIRECT_TUNE(P)                                                                                                 \
    P(WGD, OCL_AUTO, "auto 8 16 32 64 128", "rows and columns of a work-group's tile")                                 \
    P(MDIMCD, OCL_AUTO, "auto " GROUP, "work-items of a group over the columns")                                       \
    P(NDIMCD, OCL_AUTO, "auto " GROUP, "work-items of a group over the rows")                                          \
    P(MDIMAD, OCL_AUTO, "auto " GROUP, "the same while a tile of w is loaded")                                         \
    P(NDIMBD, OCL_AUTO, "auto " GROUP, "the same while a tile of x is loaded")                                         \
    P(KWID, OCL_AUTO, "auto 1 2 4 8 16 32", "values of K that are unrolled")                                           \
    P(VWMD, OCL_AUTO, "auto " VECTOR, "vector width over the columns")                                                 \
    P(VWND, OCL_AUTO, "auto " VECTOR, "vector width over the rows")                                                    \
    P(PADA, OCL_AUTO, YES_NO, "the tile of w is padded in local memory")                                               \
    P(PADB, OCL_AUTO, YES_NO, "the tile of x is padded in local memory")
CLBLAST_SECTION(clblast_xgemm_direct, DIRECT_TUNE, direct_fits)

#define ROUTINE_TUNE(P)                                                                                                \
    P(XGEMM_MIN_INDIRECT_SIZE, OCL_AUTO,                                                                               \
      "auto 0 64 128 192 256 320 384 448 512 576 640 704 768 832 896 960 1024 1152 1280 1536 1792 2048 2560 3072 "     \
      "4096 6144 8192",                                                                                                \
      "Xgemm instead of XgemmDirect from M N K = this cubed on")
OCL_SECTION(clblast_gemm_routine, ROUTINE_TUNE, NULL, OCL_PER_PRECISION)

#define COPY_TUNE(P)                                                                                                   \
    P(COPY_DIMX, OCL_AUTO, "auto 4 8 16 32 64", "work-items of a group along rows")                                    \
    P(COPY_DIMY, OCL_AUTO, "auto 1 2 4 8 16 32", "work-items of a group across rows")                                  \
    P(COPY_VW, OCL_AUTO, "auto " VECTOR, "vector width")                                                               \
    P(COPY_WPT, OCL_AUTO, "auto " VECTOR, "rows of a work-item")
CLBLAST_SECTION(clblast_copy, COPY_TUNE, copy_fits)

#define PAD_TUNE(P)                                                                                                    \
    P(PAD_DIMX, OCL_AUTO, "auto 4 8 16 32 64", "work-items of a group along rows")                                     \
    P(PAD_DIMY, OCL_AUTO, "auto 1 2 4 8 16 32", "work-items of a group across rows")                                   \
    P(PAD_WPTX, OCL_AUTO, "auto 1 2 4", "columns of a work-item")                                                      \
    P(PAD_WPTY, OCL_AUTO, "auto 1 2 4", "rows of a work-item")
CLBLAST_SECTION(clblast_pad, PAD_TUNE, pad_fits)

#define TRANSPOSE_TUNE(P)                                                                                              \
    P(TRA_DIM, OCL_AUTO, "auto 4 8 16 32 64", "work-items of a group, squared")                                        \
    P(TRA_WPT, OCL_AUTO, "auto 1 2 4 8 16", "rows and columns of a work-item")                                         \
    P(TRA_PAD, OCL_AUTO, YES_NO, "the tile is padded in local memory")                                                 \
    P(TRA_SHUFFLE, OCL_AUTO, YES_NO, "groups in diagonal order")
CLBLAST_SECTION(clblast_transpose, TRANSPOSE_TUNE, transpose_fits)

#define PADTRANSPOSE_TUNE(P)                                                                                           \
    P(PADTRA_TILE, OCL_AUTO, "auto 4 8 16 32 64", "work-items of a group, squared")                                    \
    P(PADTRA_WPT, OCL_AUTO, "auto 1 2 4 8 16", "rows and columns of a work-item")                                      \
    P(PADTRA_PAD, OCL_AUTO, YES_NO, "the tile is padded in local memory")
CLBLAST_SECTION(clblast_padtranspose, PADTRANSPOSE_TUNE, padtranspose_fits)

/* One section being checked. */
typedef struct subject {
    const config *c; /* NULL: a breach is not recorded, only reported */
    const ocl_section *section;
    const char *precision;
    const int *values;
    const sdcl_device *device; /* or NULL */
    int size;                  /* bytes of a number */
} subject;

static int key_of(const subject *s, const char *name)
{
    int k = 0;
    while (strcmp(s->section->tunables[k].name, name) != 0) k++;
    return k;
}

/* blame: the key whose file and line the message begins with. */
static int broken(const subject *s, const char *blame, const char *rule)
{
    int k = key_of(s, blame);
    if (!s->c) return SDCL_EUSAGE;
    int err = config_refuse(s->c, s->section, s->precision, k, "%s = %d breaks a rule of CLBlast: %s", blame,
                            s->values[k], rule);
    error_hint("a section has to hold a complete set that its kernel can run; without the section CLBlast's own "
               "database holds");
    return err;
}

#define RULE(blame, condition)                                                                                         \
    do {                                                                                                               \
        if (!(condition)) return broken(s, blame, #condition);                                                         \
    } while (0)

static int limits(const subject *s, const char *blame, int64_t items, int64_t local_values)
{
    char rule[160];
    if (!s->device) return 0;
    if (items > (int64_t)s->device->max_work_group) {
        snprintf(rule, sizeof rule, "%lld work-items in a group; the device takes %zu", (long long)items,
                 s->device->max_work_group);
        return broken(s, blame, rule);
    }
    if (local_values * s->size > (int64_t)s->device->local_bytes) {
        snprintf(rule, sizeof rule, "%lld bytes of local memory; the device has %llu",
                 (long long)local_values * s->size, (unsigned long long)s->device->local_bytes);
        return broken(s, blame, rule);
    }
    return 0;
}

/* 1.6.3 repaired wrong results and stray writes of GEMMK 1. The version is that of the header. */
#define OLD_GEMMK1 (CLBLAST_VERSION_MAJOR * 10000 + CLBLAST_VERSION_MINOR * 100 + CLBLAST_VERSION_PATCH < 10603)

static int xgemm(const subject *s)
{
    struct clblast_xgemm_tune t;
    memcpy(&t, s->values, sizeof t);
    const int MWG = t.MWG, NWG = t.NWG, KWG = t.KWG, MDIMC = t.MDIMC, NDIMC = t.NDIMC, MDIMA = t.MDIMA, NDIMB = t.NDIMB;
    const int VWM = t.VWM, VWN = t.VWN, KWI = t.KWI, KREG = t.KREG;
    RULE("KWG", KWG % KWI == 0);
    RULE("MWG", MWG % (MDIMC * VWM) == 0);
    RULE("NWG", NWG % (NDIMC * VWN) == 0);
    RULE("MWG", MWG % (MDIMA * VWM) == 0);
    RULE("NWG", NWG % (NDIMB * VWN) == 0);
    if (t.GEMMK == 0) {
        RULE("MDIMA", MDIMC * NDIMC % MDIMA == 0);
        RULE("NDIMB", MDIMC * NDIMC % NDIMB == 0);
        RULE("KWG", KWG % (MDIMC * NDIMC / MDIMA) == 0);
        RULE("KWG", KWG % (MDIMC * NDIMC / NDIMB) == 0);
        if (KREG != 1) return broken(s, "KREG", "KREG is 1 with GEMMK 0");
    } else {
        RULE("KREG", KREG % VWN == 0);
        RULE("MDIMA", MDIMA == MDIMC);
        RULE("NDIMB", NDIMB == NDIMC);
        if (KWG != 1) return broken(s, "KWG", "KWG and KWI are 1 with GEMMK 1");
        if (t.SA) return broken(s, "SA", "GEMMK 1 uses no local memory");
        if (t.SB) return broken(s, "SB", "GEMMK 1 uses no local memory");
        if (t.STRM) return broken(s, "STRM", "GEMMK 1 has no strided order");
        if (t.STRN) return broken(s, "STRN", "GEMMK 1 has no strided order");
        if (OLD_GEMMK1 && MWG != NWG) return broken(s, "NWG", "MWG == NWG with GEMMK 1 before CLBlast 1.6.3");
    }
    return limits(s, "MDIMC", (int64_t)MDIMC * NDIMC, (int64_t)t.SA * KWG * MWG + (int64_t)t.SB * KWG * NWG);
}

static int xgemm_direct(const subject *s)
{
    struct clblast_xgemm_direct_tune t;
    memcpy(&t, s->values, sizeof t);
    const int WGD = t.WGD, KWID = t.KWID, MDIMCD = t.MDIMCD, NDIMCD = t.NDIMCD, MDIMAD = t.MDIMAD, NDIMBD = t.NDIMBD;
    const int VWMD = t.VWMD, VWND = t.VWND;
    RULE("WGD", WGD % KWID == 0);
    RULE("WGD", WGD % (MDIMCD * VWMD) == 0);
    RULE("WGD", WGD % (NDIMCD * VWND) == 0);
    RULE("WGD", WGD % (MDIMAD * VWMD) == 0);
    RULE("WGD", WGD % (NDIMBD * VWND) == 0);
    RULE("MDIMAD", MDIMCD * NDIMCD % MDIMAD == 0);
    RULE("NDIMBD", MDIMCD * NDIMCD % NDIMBD == 0);
    RULE("WGD", WGD % (MDIMCD * NDIMCD / MDIMAD) == 0);
    RULE("WGD", WGD % (MDIMCD * NDIMCD / NDIMBD) == 0);
    return limits(s, "WGD", (int64_t)MDIMCD * NDIMCD, (int64_t)WGD * (2 * WGD + t.PADA + t.PADB));
}

static int routine(const subject *s)
{
    (void)s;
    return 0;
}

static int copy(const subject *s) { return limits(s, "COPY_DIMX", (int64_t)s->values[0] * s->values[1], 0); }
static int pad(const subject *s) { return limits(s, "PAD_DIMX", (int64_t)s->values[0] * s->values[1], 0); }

static int transpose(const subject *s)
{
    int64_t dim = s->values[0], wpt = s->values[1];
    return limits(s, "TRA_DIM", dim * dim, wpt * wpt * dim * (dim + s->values[2]));
}

static int padtranspose(const subject *s)
{
    int64_t tile = s->values[0], wpt = s->values[1];
    return limits(s, "PADTRA_TILE", tile * tile, wpt * tile * (wpt * tile + s->values[2]));
}

enum { SECTIONS = 7, PARAMETERS_MAX = 16 };
static const struct {
    const ocl_section *section;
    const char *kernel; /* the library's name */
    int (*check)(const subject *s);
} sections[SECTIONS] = {{&clblast_xgemm_kernel, "Xgemm", xgemm},
                        {&clblast_xgemm_direct_kernel, "XgemmDirect", xgemm_direct},
                        {&clblast_gemm_routine_kernel, "GemmRoutine", routine},
                        {&clblast_copy_kernel, "Copy", copy},
                        {&clblast_pad_kernel, "Pad", pad},
                        {&clblast_transpose_kernel, "Transpose", transpose},
                        {&clblast_padtranspose_kernel, "Padtranspose", padtranspose}};

static bool fits(const ocl_device *d, const ocl_section *section, const void *values, int (*check)(const subject *s))
{
    subject s = {NULL, section, NULL, values, &d->info, 4};
    int set = 0;
    for (int k = 0; k < section->count; k++) set += s.values[k] != OCL_AUTO;
    return !set || (set == section->count && !check(&s));
}

#define DEFINE_FITS(name, section, check)                                                                              \
    static bool name(const ocl_device *d, ocl_shape shape, const void *values)                                         \
    {                                                                                                                  \
        (void)shape;                                                                                                   \
        return fits(d, &section##_kernel, values, check);                                                              \
    }
DEFINE_FITS(xgemm_fits, clblast_xgemm, xgemm)
DEFINE_FITS(direct_fits, clblast_xgemm_direct, xgemm_direct)
DEFINE_FITS(copy_fits, clblast_copy, copy)
DEFINE_FITS(pad_fits, clblast_pad, pad)
DEFINE_FITS(transpose_fits, clblast_transpose, transpose)
DEFINE_FITS(padtranspose_fits, clblast_padtranspose, padtranspose)

/* All values or none. *any: there are some. */
static int complete(const subject *s, bool *any)
{
    strbuf missing = {0};
    int set = -1, err = 0;
    for (int k = 0; k < s->section->count; k++) {
        if (s->values[k] == OCL_AUTO) strbuf_printf(&missing, " %s", s->section->tunables[k].name);
        else if (set < 0) set = k;
    }
    *any = set >= 0;
    if (*any && missing.n) {
        err = config_refuse(s->c, s->section, s->precision, set, "sets %s, but not%s", s->section->tunables[set].name,
                            strbuf_text(&missing));
        error_hint("CLBlast takes complete sets of parameters only; without the section its own database holds");
    }
    strbuf_free(&missing);
    return err;
}

static int check_section(const config *c, const sdcl_device *device, int i, bool half, int *values)
{
    bool any = false;
    const char *precision = half ? "f16" : "f32";
    subject s = {c, sections[i].section, precision, values, device, half ? 2 : 4};
    config_values(c, s.section, precision, OCL_ALL_SHAPES, values);
    int err = complete(&s, &any);
    return err || !any ? err : sections[i].check(&s);
}

int clblast_check(const config *c, const sdcl_device *device)
{
    int err = 0, values[PARAMETERS_MAX];
    for (int half = 0; half < 2; half++)
        for (int i = 0; i < SECTIONS; i++) TRY(check_section(c, device, i, half, values));
out:
    return err;
}

int clblast_override(plan *p, bool half)
{
    int err = 0, values[PARAMETERS_MAX];
    ocl *o = plan_ocl(p);
    for (int i = 0; i < SECTIONS; i++) {
        TRY(check_section(ocl_config_of(o), &ocl_device_of(o)->info, i, half, values));
        plan_use_section(p, sections[i].section, half ? F16 : F32, false);
        TRY(clblast_parameters(o, sections[i].kernel, half, sections[i].section, values));
    }
out:
    return err;
}
