/* SPDX-License-Identifier: MIT */
/* Every form in which a model is passed around opens as the same model: every tensor of the random model that was written is found under its diffusers name
 * with its values, in f16 and f32. */
#include "base/half.h"
#include "io/model_parts.h"
#include "model_writer.h"
#include "scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static scratch folder;
static model *original;

static int make(void **state)
{
    (void)state;
    original = small_model();
    return scratch_open(&folder) ? 0 : -1;
}

static int clean(void **state)
{
    (void)state;
    model_close(&original);
    scratch_close(&folder);
    return 0;
}

static const char *place(const char *name)
{
    static char path[2][512];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder.folder, name);
    return path[turn];
}

static void assert_same_values(const model_entry *want, const tensor_file *f, const file_tensor *t, bool f32)
{
    uint16_t *halves = malloc(want->tensor->bytes);
    unsigned char *got = malloc(t->bytes);
    assert_true(halves && got && t->elements == want->tensor->elements);
    assert_int_equal(t->dtype, f32 ? FILE_F32 : FILE_F16);
    assert_int_equal(tensor_file_read(want->file, want->tensor, 0, want->tensor->bytes, halves), 0);
    assert_int_equal(tensor_file_read(f, t, 0, t->bytes, got), 0);
    if (!f32) assert_memory_equal(halves, got, t->bytes);
    for (uint64_t i = 0; f32 && i < t->elements; i++) {
        float v;
        memcpy(&v, got + 4 * i, 4);
        if (v != half_to_float(halves[i])) fail_msg("%s: value %llu", want->name, (unsigned long long)i);
    }
    free(halves);
    free(got);
}

static void assert_is_the_original(const char *path, const char *config, bool f32)
{
    model *m = NULL;
    if (model_open(&m, &(model_source){.path = path, .config_dir = config}))
        fail_msg("%s: %s", path, sdcl_last_error());
    for (int p = 0; p < PART_COUNT; p++) {
        const model_table *table = &original->part[p];
        assert_int_equal(m->part[p].count, table->count);
        for (int i = 0; i < table->count; i++) {
            const tensor_file *f = NULL;
            const file_tensor *t = model_find(m, (model_part)p, table->entry[i].name, &f);
            if (!t) fail_msg("%s: no %s", path, table->entry[i].name);
            assert_same_values(&table->entry[i], f, t, f32);
        }
    }
    assert_int_equal(model_unet(m)->heads[0], 8);
    assert_int_equal(model_clip(m)->hidden, 32);
    model_close(&m);
}

static void test_folders(void **state)
{
    (void)state;
    model_write(original, place("f16"), FORM_FOLDER, false);
    assert_is_the_original(place("f16"), NULL, false);
    model_write(original, place("f32"), FORM_FOLDER, true);
    assert_is_the_original(place("f32"), NULL, true);
}

static void test_early_folder(void **state)
{
    (void)state;
    model_write(original, place("early"), FORM_EARLY_FOLDER, false);
    assert_is_the_original(place("early"), NULL, false);
}

/* Its sizes are not SD v1's: they come from a folder. */
static void test_compvis(void **state)
{
    (void)state;
    model_write(original, place("configs"), FORM_FOLDER, false);
    model_write(original, place("f16.safetensors"), FORM_COMPVIS, false);
    assert_is_the_original(place("f16.safetensors"), place("configs"), false);
    model_write(original, place("f32.safetensors"), FORM_COMPVIS, true);
    assert_is_the_original(place("f32.safetensors"), place("configs"), true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folders),
        cmocka_unit_test(test_early_folder),
        cmocka_unit_test(test_compvis),
    };
    return cmocka_run_group_tests_name("model forms", tests, make, clean);
}
