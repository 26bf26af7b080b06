/* SPDX-License-Identifier: MIT */
/* The autoencoder against diffusers: every block of the decoder, and the encoder's moments. */
#include "compare.h"
#include "nn/vae.h"
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct example {
    const char *model, *path; /* path: decoder: folder of stages; encoder: file of moments */
    const char *picture;
    dtype activation;
    double limit; /* NMSE */
} example;

enum { DECODER_STAGES = 10 };

static const example decoder_a = {"tests/golden/tiny-a", "tests/golden/dump/stages-a", NULL, F32, 1e-9};
static const example decoder_b = {"tests/golden/tiny-b", "tests/golden/dump/stages-b", NULL, F32, 1e-9};
static const example decoder_b_f16 = {"tests/golden/tiny-b", "tests/golden/dump/stages-b", NULL, F16, 2e-5};
static const example encoder_a = {"tests/golden/tiny-a", "tests/golden/vae-encoder/tiny-a-64x64.npy",
                                  "tests/golden/input/in_64x64.png", F32, 1e-9};
static const example encoder_a_wide = {"tests/golden/tiny-a", "tests/golden/vae-encoder/tiny-a-72x56.npy",
                                       "tests/golden/input/in_72x56.png", F32, 1e-9};
static const example encoder_b = {"tests/golden/tiny-b", "tests/golden/vae-encoder/tiny-b-64x64.npy",
                                  "tests/golden/input/in_64x64.png", F32, 1e-9};
static const example encoder_b_wide_f16 = {"tests/golden/tiny-b", "tests/golden/vae-encoder/tiny-b-72x56.npy",
                                           "tests/golden/input/in_72x56.png", F16, 2e-5};

/* Limit: of a value between 0 and 1. */
static const example strips_pocket = {"models/pocket", NULL, NULL, F32, 1e-5};
static const example strips_pocket_f16 = {"models/pocket", NULL, NULL, F16, 1e-3};
static const example strips_a = {"tests/golden/tiny-a", NULL, NULL, F32, 1e-5};

static float *floats(size_t n)
{
    float *p = malloc(n * sizeof *p);
    assert_non_null(p);
    return p;
}

static void decoder_agrees(void **state)
{
    const example *e = *state;
    rig r;
    vae_decoder d;
    npy latent;
    char path[256];
    snprintf(path, sizeof path, "%s/stage_vae_input.npy", e->path);
    assert_true(npy_read(&latent, path));
    int n = latent.shape[0], c = latent.shape[1], h = latent.shape[2], w = latent.shape[3];
    float *input = floats(latent.count);
    npy_to_nhwc(&latent, input);

    rig_open(&r, e->model, PART_VAE, "vae", e->activation);
    assert_int_equal(vae_decoder_load(&d, &r.params, model_vae(r.m)), 0);
    tensor z = rig_tensor(&r, e->activation, n, h, w, c), rgb = rig_tensor(&r, F32, n, 8 * h, 8 * w, 3);
    assert_int_equal(vae_decode_forward(r.p, &d, z, rgb, 0), 0);
    rig_prepare(&r);
    rig_write(&r, z, input);
    assert_int_equal(rig_run_compared(&r, e->path, "stage_vae_", "input", e->limit), DECODER_STAGES);

    size_t values = (size_t)rows_of(rgb) * 3;
    float *first = floats(values), *again = floats(values);
    rig_read(&r, rgb, first);
    rig_run(&r);
    rig_read(&r, rgb, again);
    assert_memory_equal(first, again, values * sizeof *first);

    free(first);
    free(again);
    free(input);
    npy_free(&latent);
    vae_decoder_free(&d);
    rig_close(&r);
}

/* A residual block that leaves its output where its input was gives the bits of one that does not: with few channels less than before, where nearly all
 * strips of the shortcut overlap, with half of them, and with as many. */
static void blocks_take_the_place_of_their_input(void **state)
{
    static const struct {
        const char *model;
        int level, n, h, w;
    } cases[] = {{"tests/golden/tiny-a", 2, 2, 10, 7}, {"models/pocket", 3, 1, 48, 5}, {"models/pocket", 1, 1, 16, 3}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rig r;
        vae_decoder d;
        rig_open(&r, cases[i].model, PART_VAE, "vae", F32);
        assert_int_equal(vae_decoder_load(&d, &r.params, model_vae(r.m)), 0);
        const resblock *b = &d.up[cases[i].level].resnets[0];
        int n = cases[i].n, h = cases[i].h, w = cases[i].w, c1 = b->conv1.w->columns, c2 = resblock_channels(b);
        tensor x = rig_tensor(&r, F32, n, h, w, c1), y = rig_tensor(&r, F32, n, h, w, c2),
               lost = rig_tensor(&r, F32, n, h, w, c1), in_place;
        size_t pixels = (size_t)(n * h * w), values = pixels * (size_t)c2;
        float *input = floats(pixels * (size_t)c1), *want = floats(values), *got = floats(values);
        for (size_t k = 0; k < pixels * (size_t)c1; k++) input[k] = (float)sin(0.37 * (double)k);
        assert_int_equal(resblock_forward(r.p, y, x, NO_TENSOR, b, model_vae(r.m)->groups, vae_norm_eps), 0);
        assert_int_equal(resblock_replace(r.p, &in_place, lost, b, model_vae(r.m)->groups, vae_norm_eps), 0);
        assert_int_equal(in_place.buf, lost.buf);
        rig_prepare(&r);
        rig_write(&r, x, input);
        rig_write(&r, lost, input);
        rig_run(&r);
        rig_read(&r, y, want);
        rig_read(&r, in_place, got);
        assert_memory_equal(want, got, values * sizeof *got);
        free(input);
        free(want);
        free(got);
        vae_decoder_free(&d);
        rig_close(&r);
    }
}

/* A latent that changes slowly from place to place, and in every channel otherwise: seams would show. */
static void smooth(float *latent, int h, int w, int c)
{
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            for (int k = 0; k < c; k++)
                latent[(y * w + x) * c + k] = (float)(2 * sin(0.11 * (k + 1) * y + k) * cos(0.07 * (k + 2) * x) +
                                                      0.3 * k - 0.4);
}

/* Plans the decoder anew, runs it, and gives the picture and the bytes of its activations. */
static uint64_t decode(rig *r, const vae_decoder *d, const float *latent, int h, int w, int strip, float *picture)
{
    rig_next_plan(r, "vae");
    weights_forget_layouts(r->set);
    tensor z = rig_tensor(r, plan_activation(r->p), 1, h, w, 4), rgb = rig_tensor(r, F32, 1, 8 * h, 8 * w, 3);
    assert_int_equal(vae_decode_forward(r->p, d, z, rgb, strip), 0);
    rig_prepare(r);
    rig_write(r, z, latent);
    rig_run(r);
    rig_read(r, rgb, picture);
    return plan_arena_bytes(r->p);
}

/* Strips of any height, also where the last one is lower or the window as high as the picture: no seams, less memory. */
static void strips_are_invisible(void **state)
{
    static const struct {
        int h, w, strip;
    } shapes[] = {{40, 24, 8}, {40, 24, 4}, {21, 13, 1}, {21, 13, 5}, {21, 13, 18}, {21, 13, 20},
                  {9, 7, 5},   {6, 9, 3},   {4, 1, 1},   {2, 1, 1},   {9, 7, 9}};
    const example *e = *state;
    rig r;
    vae_decoder d;
    rig_open(&r, e->model, PART_VAE, "vae", e->activation);
    assert_int_equal(vae_decoder_load(&d, &r.params, model_vae(r.m)), 0);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        int h = shapes[i].h, w = shapes[i].w, strip = shapes[i].strip;
        size_t n = (size_t)(64 * h * w) * 3;
        float *latent = floats((size_t)(h * w) * 4), *whole = floats(n), *strips = floats(n);
        smooth(latent, h, w, 4);
        uint64_t bytes = decode(&r, &d, latent, h, w, 0, whole), less = decode(&r, &d, latent, h, w, strip, strips);
        double worst = 0;
        for (size_t k = 0; k < n; k++) {
            double off = fabs((double)whole[k] - strips[k]) / 2;
            if (!(off <= worst)) worst = off;
        }
        if (getenv("SDCL_TEST_VERBOSE"))
            print_message("%dx%d in strips of %d: off by %.1e, %.0f%% of the memory\n", w, h, strip, worst,
                          100.0 * (double)less / (double)bytes);
        if (!(worst <= e->limit)) fail_msg("%dx%d in strips of %d: off by %.2e", w, h, strip, worst);
        if (strip * 5 <= h && h >= 20) assert_true((double)less < 0.9 * (double)bytes);
        if (strip * 9 >= h * 8) assert_int_equal(less, bytes); /* not in strips */
        free(latent);
        free(whole);
        free(strips);
    }
    vae_decoder_free(&d);
    rig_close(&r);
}

/* A picture as the encoder sees it: (h,w,3) in -1..1. */
static float *read_picture(const char *path, int *h, int *w)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    assert_true(png_image_begin_read_from_file(&image, path));
    image.format = PNG_FORMAT_RGB;
    size_t n = PNG_IMAGE_SIZE(image);
    unsigned char *bytes = malloc(n);
    float *values = floats(n);
    assert_true(bytes && png_image_finish_read(&image, NULL, bytes, 0, NULL));
    for (size_t i = 0; i < n; i++) values[i] = (float)bytes[i] / 127.5f - 1.0f;
    *h = (int)image.height;
    *w = (int)image.width;
    free(bytes);
    return values;
}

static void encoder_agrees(void **state)
{
    const example *e = *state;
    rig r;
    vae_encoder v;
    npy want;
    int h, w;
    float *picture = read_picture(e->picture, &h, &w);
    assert_true(npy_read(&want, e->path));

    rig_open(&r, e->model, PART_VAE, "vae", e->activation);
    assert_int_equal(vae_encoder_load(&v, &r.params, model_vae(r.m)), 0);
    tensor x = rig_tensor(&r, e->activation, 1, h, w, 3), moments = rig_tensor(&r, F32, 1, h / 8, w / 8, 8);
    assert_int_equal(vae_encode_forward(r.p, &v, x, moments), 0);
    rig_prepare(&r);
    rig_write(&r, x, picture);
    rig_run(&r);

    assert_int_equal(want.count, (size_t)rows_of(moments) * 8);
    float *got = floats(want.count), *reference = floats(want.count);
    rig_read(&r, moments, got);
    npy_to_nhwc(&want, reference);
    double error = compare_nmse(got, reference, want.count);
    if (getenv("SDCL_TEST_VERBOSE")) print_message("%-36s %.2e\n", e->path, error);
    assert_true(error <= e->limit);

    free(got);
    free(reference);
    free(picture);
    npy_free(&want);
    vae_encoder_free(&v);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"decoder, tiny-a: every block", decoder_agrees, NULL, NULL, (void *)&decoder_a},
        {"decoder, tiny-b: every block", decoder_agrees, NULL, NULL, (void *)&decoder_b},
        {"decoder, tiny-b: every block, f16 activations", decoder_agrees, NULL, NULL, (void *)&decoder_b_f16},
        cmocka_unit_test(blocks_take_the_place_of_their_input),
        {"decoder in strips, pocket", strips_are_invisible, NULL, NULL, (void *)&strips_pocket},
        {"decoder in strips, pocket, f16 activations", strips_are_invisible, NULL, NULL, (void *)&strips_pocket_f16},
        {"decoder in strips, tiny-a", strips_are_invisible, NULL, NULL, (void *)&strips_a},
        {"encoder, tiny-a", encoder_agrees, NULL, NULL, (void *)&encoder_a},
        {"encoder, tiny-a, 72x56", encoder_agrees, NULL, NULL, (void *)&encoder_a_wide},
        {"encoder, tiny-b", encoder_agrees, NULL, NULL, (void *)&encoder_b},
        {"encoder, tiny-b, 72x56, f16 activations", encoder_agrees, NULL, NULL, (void *)&encoder_b_wide_f16},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
