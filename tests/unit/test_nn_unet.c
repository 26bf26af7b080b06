/* SPDX-License-Identifier: MIT */
/* The noise predictor against diffusers: every block at one evaluation, and whole guided evaluations at other sizes. */
#include "compare.h"
#include "nn/clip.h"
#include "nn/unet.h"
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct example {
    const char *model, *folder;
    float guidance;
    dtype activation;
    double limit; /* NMSE */
    int stages;   /* files to be compared */
} example;

static const example stages_a = {"tests/golden/tiny-a", "tests/golden/dump/stages-a", 7.5f, F32, 1e-9, 56};
static const example stages_b = {"tests/golden/tiny-b", "tests/golden/dump/stages-b", 7.5f, F32, 1e-9, 42};
static const example stages_b_f16 = {"tests/golden/tiny-b", "tests/golden/dump/stages-b", 7.5f, F16, 1e-4, 42};
static const example odd_a = {"tests/golden/tiny-a", "tests/golden/dump/size-a/72x56", 6, F32, 1e-9, 0};
static const example odd_b = {"tests/golden/tiny-b", "tests/golden/dump/size-b/72x56", 6, F32, 1e-9, 0};
static const example smallest = {"tests/golden/tiny-a", "tests/golden/dump/size-a/8x8", 6, F32, 1e-9, 0};
static const example batch = {"tests/golden/tiny-a", "tests/golden/dump/size-a/batch3-40x24", 4, F32, 1e-9, 0};
static const example pocket = {"models/pocket", "tests/golden/pocket/apple", 5, F32, 1e-9, 0};

static npy load(const char *folder, const char *name)
{
    npy a;
    char path[256];
    snprintf(path, sizeof path, "%s/%s.npy", folder, name);
    assert_true(npy_read(&a, path));
    return a;
}

static float *floats(size_t n)
{
    float *p = malloc(n * sizeof *p);
    assert_non_null(p);
    return p;
}

/* (2,77,D): negative prompt, prompt. */
static float *encode_prompts(const example *e)
{
    rig r;
    clip m;
    npy ids = load(e->folder, "tokens");
    rig_open(&r, e->model, PART_TEXT, "text", F32);
    assert_int_equal(clip_load(&m, &r.params, model_clip(r.m)), 0);
    tensor embeddings = rig_tensor(&r, F32, 2, 1, 77, model_clip(r.m)->hidden),
           context = rig_tensor(&r, F32, 2, 1, 77, model_clip(r.m)->hidden);
    assert_int_equal(clip_forward(r.p, &m, embeddings, context), 0);
    rig_prepare(&r);
    float *values = floats((size_t)rows_of(context) * (size_t)context.c);
    assert_int_equal(clip_embed(&m, ids.i32, 2, 77, values), 0);
    rig_write(&r, embeddings, values);
    rig_run(&r);
    rig_read(&r, context, values);
    npy_free(&ids);
    clip_free(&m);
    rig_close(&r);
    return values;
}

/* Keys and values of 2 * pictures rows, all of the negative prompt's first; kv[] become external tensors of a new plan
 * "unet". */
static void run_prologue(rig *r, const unet *u, const float *context, int pictures, tensor *kv)
{
    int n = unet_cross_layers(u), width = model_unet(r->m)->context;
    size_t one = 77 * (size_t)width;
    tensor rows = rig_tensor(r, F32, 2 * pictures, 1, 77, width);
    cl_mem mem[RIG_BUFFERS];
    float *repeated = floats(2 * (size_t)pictures * one);
    for (int i = 0; i < 2 * pictures; i++)
        memcpy(repeated + (size_t)i * one, context + (i >= pictures ? one : 0), one * sizeof *context);
    for (int i = 0; i < n; i++) {
        kv[i] = rig_tensor(r, plan_activation(r->p), 2 * pictures, 1, 77, unet_cross_width(u, i));
        mem[i] = rig_mem(r, kv[i]);
    }
    assert_int_equal(unet_prologue_forward(r->p, u, rows, kv), 0);
    rig_prepare(r);
    rig_write(r, rows, repeated);
    rig_run(r);
    free(repeated);
    rig_next_plan(r, "unet");
    for (int i = 0; i < n; i++) kv[i] = rig_again(r, kv[i], mem[i]);
}

/* NCHW of the pictures -> NHWC, once for the negative and once for the positive prompt. */
static float *doubled_nhwc(const npy *latents)
{
    float *values = floats(2 * latents->count);
    npy_to_nhwc(latents, values);
    memcpy(values + latents->count, values, latents->count * sizeof *values);
    return values;
}

static void evaluation_agrees(void **state)
{
    const example *e = *state;
    rig r;
    unet u;
    tensor kv[RIG_BUFFERS];
    npy latents = load(e->folder, "latent_init"), timesteps = load(e->folder, "timesteps"),
        want = load(e->folder, "eps_000");
    int pictures = latents.shape[0], c = latents.shape[1], h = latents.shape[2], w = latents.shape[3];
    float *context = encode_prompts(e), *input = doubled_nhwc(&latents);

    rig_open(&r, e->model, PART_UNET, "prologue", e->activation);
    assert_int_equal(unet_load(&u, &r.params, model_unet(r.m)), 0);
    run_prologue(&r, &u, context, pictures, kv);
    int times = e->stages ? 2 * pictures : 1; /* a row for every image, as in the stages, or one for all */
    tensor x = rig_tensor(&r, e->activation, 2 * pictures, h, w, c), t = rig_tensor(&r, F32, times, 1, 1, 1);
    tensor eps = rig_tensor(&r, F32, 2 * pictures, h, w, c);
    tensor time = plan_tensor(r.p, F32, times, 1, 1, unet_time_width(&u));
    assert_int_equal(unet_time_forward(r.p, &u, t, time), 0);
    assert_int_equal(unet_forward(r.p, &u, x, time, kv, eps), 0);
    rig_prepare(&r);
    if (strstr(e->folder, "batch3")) {
        /* euler_a: the input is scaled by 1 / sqrt(sigma^2 + 1), and latent_init is sigma times the noise */
        npy noise = load(e->folder, "noise");
        float sigma = latents.f32[0] / noise.f32[0], scale = 1.0f / sqrtf(sigma * sigma + 1.0f);
        for (size_t i = 0; i < 2 * latents.count; i++) input[i] *= scale;
        npy_free(&noise);
    }
    rig_write(&r, x, input);
    float *now = floats((size_t)times);
    for (int i = 0; i < times; i++) now[i] = timesteps.f32[0];
    rig_write(&r, t, now);
    if (e->stages) assert_int_equal(rig_run_compared(&r, e->folder, "stage_unet_", "input t", e->limit), e->stages);
    else rig_run(&r);

    size_t n = want.count;
    float *both = floats(2 * n), *again = floats(2 * n), *guided = floats(n), *reference = floats(n);
    rig_read(&r, eps, both);
    for (size_t i = 0; i < n; i++) guided[i] = both[i] + e->guidance * (both[n + i] - both[i]);
    npy_to_nhwc(&want, reference);
    double error = compare_nmse(guided, reference, n);
    if (getenv("SDCL_TEST_VERBOSE")) print_message("%-36s %.2e\n", e->folder, error);
    assert_true(error <= e->limit);
    rig_run(&r);
    rig_read(&r, eps, again);
    assert_memory_equal(both, again, 2 * n * sizeof *both);

    free(both);
    free(again);
    free(guided);
    free(reference);
    free(now);
    free(context);
    free(input);
    npy_free(&latents);
    npy_free(&timesteps);
    npy_free(&want);
    unet_free(&u);
    rig_close(&r);
}

/* The error of a layer names its module. */
static void misshapen_input_names_the_module(void **state)
{
    (void)state;
    rig r;
    unet u;
    tensor kv[RIG_BUFFERS];
    rig_open(&r, "tests/golden/tiny-a", PART_UNET, "unet", F32);
    assert_int_equal(unet_load(&u, &r.params, model_unet(r.m)), 0);
    for (int i = 0; i < unet_cross_layers(&u); i++) kv[i] = plan_external(r.p, F32, 2, 1, 77, unet_cross_width(&u, i));
    kv[3] = plan_external(r.p, F32, 1, 1, 77, unet_cross_width(&u, 3)); /* of one row instead of two */
    tensor x = plan_external(r.p, F32, 2, 8, 8, 4), time = plan_external(r.p, F32, 1, 1, 1, unet_time_width(&u));
    assert_int_equal(unet_forward(r.p, &u, x, time, kv, plan_external(r.p, F32, 2, 8, 8, 4)), SDCL_EMODEL);
    assert_non_null(strstr(sdcl_last_error(), "unet.down_blocks.1.attentions.1.transformer_blocks.0.attn2"));
    unet_free(&u);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"tiny-a: every block", evaluation_agrees, NULL, NULL, (void *)&stages_a},
        {"tiny-b: every block", evaluation_agrees, NULL, NULL, (void *)&stages_b},
        {"tiny-b: every block, f16 activations", evaluation_agrees, NULL, NULL, (void *)&stages_b_f16},
        {"tiny-a: latent 9x7", evaluation_agrees, NULL, NULL, (void *)&odd_a},
        {"tiny-b: latent 9x7", evaluation_agrees, NULL, NULL, (void *)&odd_b},
        {"tiny-a: latent 1x1", evaluation_agrees, NULL, NULL, (void *)&smallest},
        {"tiny-a: three pictures", evaluation_agrees, NULL, NULL, (void *)&batch},
        {"pocket", evaluation_agrees, NULL, NULL, (void *)&pocket},
        cmocka_unit_test(misshapen_input_names_the_module),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
