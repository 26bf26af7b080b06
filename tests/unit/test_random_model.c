/* SPDX-License-Identifier: MIT */
/* io/random_model.c: a model without a file is complete, the same every time and however it is read, and of sensible scale. */
#include "base/half.h"
#include "io/model.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static model *made(void)
{
    model *like = NULL, *m = NULL;
    if (model_open(&like, &(model_source){.path = "tests/golden/tiny-a"})) fail_msg("%s", sdcl_last_error());
    if (model_open_random(&m, model_clip(like), model_unet(like), model_vae(like))) fail_msg("%s", sdcl_last_error());
    model_close(&like);
    return m;
}

static uint16_t *read_all(const model *m, model_part part, const char *name, uint64_t *count)
{
    const tensor_file *f = NULL;
    const file_tensor *t = model_find(m, part, name, &f);
    if (!t) fail_msg("no tensor %s", name);
    assert_int_equal(t->dtype, FILE_F16);
    uint16_t *values = malloc(t->bytes);
    assert_non_null(values);
    assert_int_equal(tensor_file_read(f, t, 0, t->bytes, values), 0);
    *count = t->elements;
    return values;
}

static void spread(const model *m, model_part part, const char *name, double *mean, double *deviation)
{
    uint64_t n;
    double sum = 0, squares = 0;
    uint16_t *values = read_all(m, part, name, &n);
    for (uint64_t i = 0; i < n; i++) {
        double v = half_to_float(values[i]);
        sum += v;
        squares += v * v;
    }
    free(values);
    *mean = sum / (double)n;
    *deviation = sqrt(squares / (double)n - *mean * *mean);
}

static void test_scales(void **state)
{
    (void)state;
    model *m = made();
    double mean, deviation;
    const file_tensor *t = model_find(m, PART_UNET, "down_blocks.0.resnets.0.conv1.weight", NULL);
    double inputs = (double)(t->elements / t->shape[0]);
    spread(m, PART_UNET, "down_blocks.0.resnets.0.conv1.weight", &mean, &deviation);
    assert_true(fabs(deviation * sqrt(inputs) - 1) < 0.05 && fabs(mean) < 0.1 * deviation);
    spread(m, PART_UNET, "down_blocks.0.resnets.0.norm1.weight", &mean, &deviation);
    assert_true(fabs(mean - 1) < 0.05 && deviation > 0 && deviation < 0.05);
    spread(m, PART_VAE, "decoder.conv_in.bias", &mean, &deviation);
    assert_true(fabs(mean) < 0.05 && deviation > 0 && deviation < 0.05);
    model_close(&m);
}

static void test_same_however_it_is_read(void **state)
{
    (void)state;
    model *m = made(), *again = made();
    const char *name = "mid_block.resnets.0.conv2.weight";
    const tensor_file *f = NULL;
    const file_tensor *t = model_find(again, PART_UNET, name, &f);
    uint64_t n;
    uint16_t *whole = read_all(m, PART_UNET, name, &n), *pieces = malloc(t->bytes);
    assert_non_null(pieces);
    for (uint64_t at = 0, step = 1; at < t->bytes; at += step, step = step * 3 + 2) {
        if (step > t->bytes - at) step = t->bytes - at;
        assert_int_equal(tensor_file_read(f, t, at, step, (char *)pieces + at), 0);
    }
    assert_memory_equal(whole, pieces, t->bytes);
    assert_int_equal(tensor_file_read(f, t, t->bytes, 1, pieces), SDCL_EINTERNAL);
    free(whole);
    free(pieces);
    model_close(&m);
    model_close(&again);
}

static void test_tensors_differ(void **state)
{
    (void)state;
    model *m = made();
    uint64_t n, same = 0;
    uint16_t *a = read_all(m, PART_UNET, "mid_block.resnets.0.conv2.weight", &n);
    uint16_t *b = read_all(m, PART_UNET, "mid_block.resnets.1.conv2.weight", &n);
    for (uint64_t i = 0; i < n; i++) same += a[i] == b[i];
    assert_true(same < n / 64);
    free(a);
    free(b);
    model_close(&m);
}

/* The published sizes: parameters of CLIP ViT-L/14's text encoder, and of Stable Diffusion v1's UNet and VAE. */
static void test_default_is_sd_v1(void **state)
{
    (void)state;
    model *m = NULL;
    sdcl_model_info info;
    assert_int_equal(model_open_random(&m, NULL, NULL, NULL), 0);
    model_describe(m, &info);
    assert_string_equal(info.type, "Stable Diffusion v1");
    assert_int_equal(info.parts[0].parameters, 123060480);
    assert_int_equal(info.parts[1].parameters, 859520964);
    assert_int_equal(info.parts[2].parameters, 83653863);
    assert_int_equal(info.size, 512);
    model_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scales),
        cmocka_unit_test(test_same_however_it_is_read),
        cmocka_unit_test(test_tensors_differ),
        cmocka_unit_test(test_default_is_sd_v1),
    };
    return cmocka_run_group_tests_name("random model", tests, NULL, NULL);
}
