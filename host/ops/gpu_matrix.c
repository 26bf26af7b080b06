/* SPDX-License-Identifier: MIT */
#include "ops/gpu_matrix.h"

#include "base/half.h"
#include "ocl/probe.h"
#include "ops/matmul.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* cl_nv_device_attribute_query, cl_amd_device_attribute_query, cl_intel_required_subgroup_size */
enum {
    DEVICE_COMPUTE_CAPABILITY_MAJOR_NV = 0x4000,
    DEVICE_COMPUTE_CAPABILITY_MINOR_NV = 0x4001,
    DEVICE_WARP_SIZE_NV = 0x4003,
    DEVICE_WAVEFRONT_WIDTH_AMD = 0x4043,
    DEVICE_SUB_GROUP_SIZES_INTEL = 0x4108,
    SIZES_MAX = 8
};

_Static_assert((int)GPU_ENGINES <= (int)PROBE_SUBJECTS, "an answer for every engine");

gpu_fragment gpu_engine_fragment(gpu_engine e)
{
    static const gpu_fragment all[GPU_ENGINES] = {
        [GPU_MMA] = {16, 8, 16, 32},       [GPU_MMA_K8] = {16, 8, 16, 32},       [GPU_WMMA] = {16, 16, 16, 32},
        [GPU_MFMA] = {16, 16, 16, 64},     [GPU_DPAS8] = {8, 8, 16, 8},          [GPU_DPAS16] = {8, 16, 16, 16},
        [GPU_PLAIN_MMA] = {16, 8, 16, 32}, [GPU_PLAIN_WMMA] = {16, 16, 16, 32},  [GPU_PLAIN_MFMA] = {16, 16, 16, 64},
        [GPU_PLAIN_DPAS8] = {8, 8, 16, 8}, [GPU_PLAIN_DPAS16] = {8, 16, 16, 16},
    };
    return all[e];
}

const char *gpu_engine_name(gpu_engine e)
{
    static const char *const all[GPU_ENGINES] = {"auto",       "mma",        "mma_k8",      "wmma",
                                                 "mfma",       "dpas8",      "dpas16",      "plain_mma",
                                                 "plain_wmma", "plain_mfma", "plain_dpas8", "plain_dpas16"};
    return all[e];
}

static cl_uint number(const ocl_device *d, cl_device_info what)
{
    cl_uint value = 0;
    return clGetDeviceInfo(d->id, what, sizeof value, &value, NULL) == CL_SUCCESS ? value : 0;
}

static bool has_width(const ocl_device *d, size_t width)
{
    size_t sizes[SIZES_MAX] = {0}, bytes = 0;
    if (clGetDeviceInfo(d->id, DEVICE_SUB_GROUP_SIZES_INTEL, sizeof sizes, sizes, &bytes) != CL_SUCCESS) return false;
    for (size_t i = 0; i < bytes / sizeof *sizes && i < SIZES_MAX; i++)
        if (sizes[i] == width) return true;
    return false;
}

gpu_engine gpu_engine_offered(const ocl_device *d)
{
    if (d->cpu) return GPU_NONE;
    if (ocl_device_lists(d, "cl_nv_device_attribute_query")) {
        cl_uint version = 10 * number(d, DEVICE_COMPUTE_CAPABILITY_MAJOR_NV) +
                          number(d, DEVICE_COMPUTE_CAPABILITY_MINOR_NV);
        if (number(d, DEVICE_WARP_SIZE_NV) != 32) return GPU_NONE;
        return version >= 80 ? GPU_MMA : version >= 75 ? GPU_MMA_K8 : GPU_NONE;
    }
    if (ocl_device_lists(d, "cl_amd_device_attribute_query") && ocl_device_lists(d, "cl_khr_fp16")) {
        cl_uint width = number(d, DEVICE_WAVEFRONT_WIDTH_AMD);
        return width == 32 ? GPU_WMMA : width == 64 ? GPU_MFMA : GPU_NONE;
    }
    if (ocl_device_lists(d, "cl_intel_subgroup_matrix_multiply_accumulate") && ocl_device_lists(d, "cl_khr_fp16") &&
        ocl_device_lists(d, "cl_intel_required_subgroup_size"))
        return has_width(d, 8) ? GPU_DPAS8 : has_width(d, 16) ? GPU_DPAS16 : GPU_NONE;
    return GPU_NONE;
}

/* --- a product, in a context of its own: a kernel that does not compile, or a device that stops, is no matter of the session's --- */

typedef struct trial {
    ocl *o;
    plan *p; /* carries the configuration; has no steps */
    ocl_shape shape;
    uint16_t *x, *w; /* w: [n][k] */
    float *y;
    cl_mem x_mem, w_mem, y_mem;
} trial;

static void close_trial(trial *t)
{
    plan_free(&t->p);
    if (t->o) {
        ocl_buffer_free(t->o, &t->x_mem);
        ocl_buffer_free(t->o, &t->w_mem);
        ocl_buffer_free(t->o, &t->y_mem);
    }
    ocl_close(&t->o);
    free(t->x);
    free(t->w);
    free(t->y);
}

static int open_trial(trial *t, const ocl *o, const config *values, ocl_shape shape)
{
    int err = 0;
    uint32_t random = 1;
    size_t xs = (size_t)(shape.m * shape.k), ws = (size_t)(shape.n * shape.k), ys = (size_t)(shape.m * shape.n);
    *t = (trial){.shape = shape};
    TRY(ocl_open(&t->o, ocl_device_of(o), values, false));
    TRY(plan_new(&t->p, t->o, "probe"));
    plan_set_precision(t->p, F16);
    t->x = malloc(xs * sizeof *t->x);
    t->w = malloc(ws * sizeof *t->w);
    t->y = malloc(ys * sizeof *t->y);
    if (!t->x || !t->w || !t->y) {
        err = FAIL(SDCL_ENOMEM, "out of memory");
        goto out;
    }
    for (size_t i = 0; i < xs + ws; i++) {
        random = random * 1664525u + 1013904223u;
        *(i < xs ? &t->x[i] : &t->w[i - xs]) = float_to_half((float)(random >> 8) * 0x1p-23f - 1);
    }
    TRY(ocl_buffer_new(t->o, &t->x_mem, xs * sizeof *t->x));
    TRY(ocl_buffer_new(t->o, &t->y_mem, ys * sizeof *t->y));
    for (size_t i = 0; i < ys; i++) t->y[i] = NAN; /* else memory may hold an earlier trial's sums */
    TRY(ocl_write(t->o, t->x_mem, 0, xs * sizeof *t->x, t->x));
    TRY(ocl_write(t->o, t->y_mem, 0, ys * sizeof *t->y, t->y));
out:
    return err;
}

/* The weights in an engine's panels. */
static int pack(trial *t, int panel)
{
    int err = 0, n = t->shape.n, k = t->shape.k;
    size_t count = ceil_div(n, panel) * (size_t)(panel * k);
    uint16_t *packed = calloc(count, sizeof *packed);
    if (!packed) return FAIL(SDCL_ENOMEM, "out of memory");
    for (int i = 0; i < n; i++)
        for (int j = 0; j < k; j++) packed[(i / panel * k + j) * panel + i % panel] = t->w[i * k + j];
    ocl_buffer_free(t->o, &t->w_mem);
    TRY(ocl_buffer_new(t->o, &t->w_mem, count * sizeof *packed));
    TRY(ocl_write(t->o, t->w_mem, 0, count * sizeof *packed, packed));
out:
    free(packed);
    return err;
}

static int product(trial *t, const gemm_engine *g)
{
    ocl_shape s = t->shape;
    gemm_call c = {.y = t->y_mem,
                   .x = t->x_mem,
                   .w = t->w_mem,
                   .m = s.m,
                   .n = s.n,
                   .k = s.k,
                   .ldx = s.k,
                   .ldy = s.n,
                   .image = s.m};
    c.bias = c.row = c.residual = c.norm = c.x;
    return g->run(t->p, g, "probe", &c);
}

/* Products of two f16 are exact in f32; how an engine rounds its sums is its own. A fragment in the wrong place is off by about 3. */
static bool right(const trial *t)
{
    ocl_shape s = t->shape;
    for (int m = 0; m < s.m; m++)
        for (int n = 0; n < s.n; n++) {
            double want = 0;
            for (int k = 0; k < s.k; k++)
                want += (double)half_to_float(t->x[m * s.k + k]) * half_to_float(t->w[n * s.k + k]);
            if (!(fabs(t->y[m * s.n + n] - want) <= 2e-3)) return false;
        }
    return true;
}

static const ocl_shape proved = {72, 136, 88}, timed = {1024, 640, 640};

static int sums_are_right(ocl *o, int e)
{
    int err = 0;
    trial t;
    gemm_engine g = {0};
    TRY(open_trial(&t, o, ocl_config_of(o), proved));
    TRY(gemm_matrix_gpu_engine(t.p, &g, t.shape, e, F32));
    TRY(pack(&t, g.panel));
    TRY(ocl_kernel_wait(t.o, g.kernel));
    TRY(product(&t, &g));
    TRY(ocl_read(t.o, t.y_mem, 0, (uint64_t)(t.shape.m * t.shape.n) * sizeof *t.y, t.y));
    if (!right(&t)) err = FAIL(SDCL_ERESULT, "wrong sums");
out:
    close_trial(&t);
    return !err;
}

typedef struct runner {
    trial *t;
    gemm_engine g;
} runner;

static int enqueue(void *user)
{
    runner *r = user;
    return product(r->t, &r->g);
}

/* By how many thousandths of gemm_gpu's products an engine's are more in the same time. */
static int measure(ocl *o, int e)
{
    int err = 0, permille = 0;
    config *values = NULL;
    trial t = {0};
    runner matrix = {&t, {0}}, gpu = {&t, {0}};
    TRY(shipped_values(o, &values));
    TRY(open_trial(&t, o, values, timed));
    TRY(gemm_matrix_gpu_engine(t.p, &matrix.g, t.shape, e, F16));
    TRY(gemm_gpu_engine(t.p, &gpu.g, t.shape, F16, F16, F16));
    /* For one of them in the wrong order, which takes as long. */
    TRY(pack(&t, matrix.g.panel > gpu.g.panel ? matrix.g.panel : gpu.g.panel));
    TRY(ocl_kernel_wait(t.o, matrix.g.kernel));
    TRY(ocl_kernel_wait(t.o, gpu.g.kernel));
    probe_racer racers[] = {{t.o, enqueue, &matrix, 0, 0}, {t.o, enqueue, &gpu, 0, 0}};
    TRY(ocl_probe_race(racers, 2));
    permille = (int)fmin(1e6, 1e3 * racers[1].seconds / racers[0].seconds);
out:
    close_trial(&t);
    config_close(&values);
    return permille;
}

static int sum_of_engine(ocl *o, int e, uint64_t *sum)
{
    (void)e;
    return section_sum(ocl_device_of(o), ocl_config_of(o), &gemm_matrix_gpu_kernel, F16, proved, sum);
}

bool gpu_engine_works(ocl *o, gpu_engine e)
{
    static const probe_question works = {PROBE_GPU_WORKS, PROBE_PROVED, sum_of_engine, sums_are_right, NULL};
    return e != GPU_NONE && ocl_probe_kept(o, &works, (int)e);
}

double gpu_engine_speed(ocl *o, gpu_engine e)
{
    return gpu_engine_works(o, e) ? ocl_probe_once(o, PROBE_GPU_SPEED, (int)e, measure) * 1e-3 : 0;
}

enum { NO = 1, YES };

/* It has to win clearly, so that the choice is the same every time where they are close. 0: it could not be measured. */
static int choose(ocl *o, int e)
{
    double speed = gpu_engine_speed(o, (gpu_engine)e);
    return speed <= 0 ? 0 : speed > 1.1 ? YES : NO;
}

static int sum_of_choice(ocl *o, int e, uint64_t *sum)
{
    int err = 0;
    uint64_t sums[2];
    config *values = NULL;
    (void)e;
    TRY(shipped_values(o, &values));
    TRY(section_sum(ocl_device_of(o), values, &gemm_matrix_gpu_kernel, F16, timed, &sums[0]));
    TRY(section_sum(ocl_device_of(o), values, &gemm_gpu_kernel, F16, timed, &sums[1]));
    *sum = XXH3_64bits(sums, sizeof sums);
out:
    config_close(&values);
    return err;
}

static bool can_be_chosen(ocl *o, int e, int answer)
{
    return answer == NO || (answer == YES && gpu_engine_works(o, (gpu_engine)e));
}

bool gpu_engine_pays(ocl *o, gpu_engine e)
{
    static const probe_question pays = {PROBE_GPU_CHOICE, PROBE_MEASURED, sum_of_choice, choose, can_be_chosen};
    return e < GPU_PLAIN_MMA && ocl_probe_kept(o, &pays, (int)e) == YES;
}
