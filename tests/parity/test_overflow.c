/* SPDX-License-Identifier: MIT */
/* Models whose numbers halves cannot hold: the stage that is not finite is computed again in f32, and each picture stays the one that it is alone. */
#include "draw.h"
#include "pipeline/session.h"
#include "scratch.h"
#include "st_edit.h"

#include <stdio.h>
#include <string.h>

static const char MODEL[] = "tests/golden/tiny-a";
static const uint64_t seeds[] = {1, 2, 3, 4, 5};

enum { PICTURES = 5, BYTES = 64 * 64 * 3 };

typedef struct result {
    int count, retries[PICTURES];
    char precision[PICTURES][8];
    unsigned char rgb[PICTURES][BYTES];
} result;

static int keep(void *user, const sdcl_image *image)
{
    result *r = user;
    int i = r->count++;
    assert_int_equal(image->index, i);
    assert_int_equal(image->width * image->height * 3, BYTES);
    r->retries[i] = image->nan_retries;
    snprintf(r->precision[i], sizeof r->precision[i], "%s", image->precision);
    memcpy(r->rgb[i], image->rgb, BYTES);
    return 0;
}

static int no_picture(void *user, const sdcl_image *image)
{
    (void)user;
    (void)image;
    fail();
    return 0;
}

static void draw_with(sdcl *s, const uint64_t *which, int count, sdcl_compat compat, result *r)
{
    sdcl_job j = small_job(which, count);
    j.compat = compat;
    *r = (result){0};
    assert_done(sdcl_generate(s, &j, keep, r));
    assert_int_equal(r->count, count);
}

/* memory_mib: 0, or the budget; the decoder is never tiled to fit into it. */
static sdcl *session_in(const char *model, const char *precision, int memory_mib)
{
    sdcl *s = NULL;
    sdcl_params p;
    sdcl_params_init(&p);
    p.model = model;
    p.precision = precision;
    p.memory_mib = memory_mib;
    p.vae_tile = -1;
    assert_done(sdcl_open(&s, &p));
    return s;
}

/* A copy of the model with the values of an F32 tensor multiplied. */
static void copy_scaled(const char *copy, const char *file, const char *tensor, float factor)
{
    char path[400];
    st_list l;
    shell("cp -r %s '%s'", MODEL, copy);
    snprintf(path, sizeof path, "%s/%s", copy, file);
    list_read(&l, path);
    int i = list_index(&l, tensor);
    assert_true(i >= 0);
    assert_string_equal(l.tensor[i].dtype, "F32");
    for (size_t k = 0; k < l.tensor[i].bytes; k += 4) {
        float v;
        memcpy(&v, l.tensor[i].data + k, 4);
        v *= factor;
        memcpy(l.tensor[i].data + k, &v, 4);
    }
    list_write(&l, path);
    list_free(&l);
}

/* Batches of four and one, then each alone in the same session: the same pictures, and the session samples in f16 as before. */
static void decoder(void **state)
{
    (void)state;
    scratch tmp;
    char copy[300];
    static result all, alone;
    assert_true(scratch_open(&tmp));
    snprintf(copy, sizeof copy, "%s/vae", tmp.folder);
    copy_scaled(copy, "vae/diffusion_pytorch_model.safetensors", "decoder.conv_in.weight", 1e6f);
    sdcl *s = session_in(copy, "f16", 0);
    draw_with(s, seeds, PICTURES, SDCL_COMPAT_NONE, &all);
    for (int i = 0; i < PICTURES; i++) {
        assert_int_equal(all.retries[i], 1);
        assert_string_equal(all.precision[i], "f16");
        draw_with(s, seeds + i, 1, SDCL_COMPAT_NONE, &alone);
        assert_memory_equal(alone.rgb[0], all.rgb[i], BYTES);
    }
    assert_memory_not_equal(all.rgb[0], all.rgb[1], BYTES);
    sdcl_close(&s);
    scratch_close(&tmp);
}

/* Of pictures that halves hold and pictures that they do not, in turn. */
static const uint64_t mixed[] = {4, 1, 4, 2};
enum { MIXED = 4, MIXED_SIDE = 256, MIXED_BYTES = MIXED_SIDE * MIXED_SIDE * 3 };
static const float MIXED_FACTOR = 1.27e4f;
static const double MIB = 1048576;

typedef struct large {
    int count, index[MIXED], retries[MIXED];
    unsigned char rgb[MIXED][MIXED_BYTES];
} large;

static int keep_large(void *user, const sdcl_image *image)
{
    large *r = user;
    int i = r->count++;
    assert_true(!i || image->index > r->index[i - 1]);
    assert_int_equal(image->width * image->height * 3, MIXED_BYTES);
    r->index[i] = image->index;
    r->retries[i] = image->nan_retries;
    memcpy(r->rgb[i], image->rgb, MIXED_BYTES);
    return 0;
}

static sdcl_job mixed_job(const uint64_t *which, int count)
{
    sdcl_job j = small_job(which, count);
    j.width = j.height = MIXED_SIDE;
    return j;
}

/* In order, each with the bits that it has alone; where the decoder in f32 does not fit, those that halves hold are drawn all the same. */
static void some(void **state)
{
    (void)state;
    scratch tmp;
    char copy[300];
    static large all, other;
    sdcl_memory m;
    assert_true(scratch_open(&tmp));
    snprintf(copy, sizeof copy, "%s/vae", tmp.folder);
    copy_scaled(copy, "vae/diffusion_pytorch_model.safetensors", "decoder.conv_in.weight", MIXED_FACTOR);
    sdcl *s = session_in(copy, "f16", 0);
    sdcl_job j = mixed_job(mixed, MIXED);
    for (int last = 0; last < 2; last++) {
        j.last = last;
        all = (large){0};
        assert_done(sdcl_generate(s, &j, keep_large, &all));
        assert_int_equal(all.count, MIXED);
        assert_true(ocl_bytes_now(s->o) < s->shape.memory_bytes + 4096); /* the decoder in f32 is gone */
        for (int i = 0; i < MIXED; i++) {
            sdcl_job alone = mixed_job(mixed + i, 1);
            other = (large){0};
            assert_int_equal(all.retries[i], i % 2 == 0);
            assert_done(sdcl_generate(s, &alone, keep_large, &other));
            assert_int_equal(other.retries[0], i % 2 == 0);
            assert_memory_equal(other.rgb[0], all.rgb[i], MIXED_BYTES);
        }
    }
    assert_done(sdcl_dry_run(s, &j, &m));
    sdcl_close(&s);
    int budget = (int)((double)(m.io + m.vae_weights + m.vae_arena) / MIB) + 1;
    assert_true((double)(m.io + m.vae_weights + 2 * m.vae_arena) > budget * MIB); /* twice the arena: what f32 takes */
    s = session_in(copy, "f16", budget);
    other = (large){0};
    assert_refused(sdcl_generate(s, &j, keep_large, &other), SDCL_EPARTIAL,
                   "2 of 4 pictures failed: the VAE alone needs");
    assert_int_equal(other.count, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(other.index[i], 2 * i + 1);
        assert_memory_equal(other.rgb[i], all.rgb[2 * i + 1], MIXED_BYTES);
    }
    sdcl_close(&s);
    scratch_close(&tmp);
}

/* All of it in f32 then: the picture of a session in f32, bit for bit; also where a batch is one stream. */
static void network(void **state)
{
    (void)state;
    scratch tmp;
    char copy[300];
    static result half, full;
    assert_true(scratch_open(&tmp));
    snprintf(copy, sizeof copy, "%s/unet", tmp.folder);
    copy_scaled(copy, "unet/diffusion_pytorch_model.safetensors", "conv_in.weight", 1e7f);
    for (int stream = 0; stream < 2; stream++) {
        sdcl *s = session_in(copy, "f16", 0), *reference = session_in(copy, "f32", 0);
        draw_with(s, seeds, 2, stream ? SDCL_COMPAT_DIFFUSERS : SDCL_COMPAT_NONE, &half);
        draw_with(reference, seeds, 2, stream ? SDCL_COMPAT_DIFFUSERS : SDCL_COMPAT_NONE, &full);
        for (int i = 0; i < 2; i++) {
            assert_int_equal(half.retries[i], 1);
            assert_int_equal(full.retries[i], 0);
            assert_string_equal(half.precision[i], "f32");
            assert_memory_equal(half.rgb[i], full.rgb[i], BYTES);
        }
        sdcl_close(&s);
        sdcl_close(&reference);
    }
    scratch_close(&tmp);
}

/* Neither precision holds them: no picture, and the cause is said. */
static void everything(void **state)
{
    (void)state;
    scratch tmp;
    char copy[300];
    sdcl_job j = small_job(seeds, 2);
    assert_true(scratch_open(&tmp));
    snprintf(copy, sizeof copy, "%s/vae", tmp.folder);
    copy_scaled(copy, "vae/diffusion_pytorch_model.safetensors", "decoder.conv_in.weight", 1e37f);
    sdcl *s = session_in(copy, "f16", 0);
    assert_refused(sdcl_generate(s, &j, no_picture, NULL), SDCL_ERESULT, "not finite after decoding");
    sdcl_close(&s);
    scratch_close(&tmp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoder),
        cmocka_unit_test(some),
        cmocka_unit_test(network),
        cmocka_unit_test(everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
