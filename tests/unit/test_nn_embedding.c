/* SPDX-License-Identifier: MIT */
/* Rows of an embedding that stays in the model's file. */
#include "base/half.h"
#include "ckpt_writer.h"
#include "model_writer.h"
#include "nn/embedding.h"
#include "scratch.h"
#include "st_edit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char tokens[] = "text_model.embeddings.token_embedding.weight";

static scratch folder;
static char single[512], checkpoint[512];

/* The same model as safetensors and as a zip archive with checksums. */
static int make(void **state)
{
    (void)state;
    st_list l;
    model *m = small_model();
    if (!scratch_open(&folder)) return -1;
    snprintf(single, sizeof single, "%s/model.safetensors", folder.folder);
    snprintf(checkpoint, sizeof checkpoint, "%s/model.ckpt", folder.folder);
    model_write(m, single, FORM_COMPVIS, false);
    list_read(&l, single);
    ckpt_from_list(&l, checkpoint, false);
    list_free(&l);
    model_close(&m);
    return 0;
}

static int clean(void **state)
{
    (void)state;
    scratch_close(&folder);
    return 0;
}

static model *open_small(const char *path)
{
    model *m = NULL, *sizes = small_model();
    char config[512];
    snprintf(config, sizeof config, "%s/config", folder.folder);
    if (access(config, F_OK)) model_write(sizes, config, FORM_FOLDER, false);
    model_close(&sizes);
    if (model_open(&m, &(model_source){.path = path, .config_dir = config})) fail_msg("%s", sdcl_last_error());
    return m;
}

static void rows_come_in_the_order_asked_for(void **state)
{
    (void)state;
    enum { COLUMNS = 32, COUNT = 6 };
    const int32_t numbers[COUNT] = {49407, 0, 320, 49407, 1, 320};
    const char *paths[] = {single, checkpoint};
    for (int k = 0; k < 2; k++) {
        model *m = open_small(paths[k]);
        const tensor_file *f;
        const file_tensor *t = model_find(m, PART_TEXT, tokens, &f);
        embedding rows;
        float got[COUNT * COLUMNS];
        uint16_t want[COLUMNS];
        assert_int_equal(embedding_load(&rows, &(params){m, PART_TEXT, NULL}, tokens), 0);
        assert_int_equal(rows.columns, COLUMNS);
        assert_int_equal(embedding_rows(&rows, numbers, COUNT, got), 0);
        for (int i = 0; i < COUNT; i++) {
            assert_int_equal(tensor_file_read(f, t, (uint64_t)numbers[i] * sizeof want, sizeof want, want), 0);
            for (int c = 0; c < COLUMNS; c++)
                if (got[i * COLUMNS + c] != half_to_float(want[c])) fail_msg("row %d, column %d", i, c);
        }
        model_close(&m);
    }
}

static void other_rows_and_tensors_are_refused(void **state)
{
    (void)state;
    model *m = open_small(single);
    params p = {m, PART_TEXT, NULL};
    embedding t;
    float row[32];
    assert_int_equal(embedding_load(&t, &p, "text_model.embeddings.tokens"), SDCL_EMODEL);
    assert_int_equal(embedding_load(&t, &p, tokens), 0);
    assert_int_equal(embedding_rows(&t, (const int32_t[]){49408}, 1, row), SDCL_EINTERNAL);
    assert_int_equal(embedding_rows(&t, (const int32_t[]){-1}, 1, row), SDCL_EINTERNAL);
    assert_int_equal(embedding_rows(&t, (const int32_t[]){49407}, 1, row), 0);
    model_close(&m);
}

/* A row that nobody asks for is damaged: found all the same, as it would be by reading everything. */
static void a_wrong_checksum_is_found(void **state)
{
    (void)state;
    model *m = open_small(checkpoint);
    const tensor_file *f;
    const file_tensor *t = model_find(m, PART_TEXT, tokens, &f);
    embedding rows;
    float row[32];
    unsigned char byte;
    int fd = open(checkpoint, O_RDWR);
    off_t at = (off_t)(t->offset + 1000);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
    assert_int_equal(embedding_load(&rows, &(params){m, PART_TEXT, NULL}, tokens), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(embedding_rows(&rows, (const int32_t[]){7}, 1, row), SDCL_EMODEL);
        assert_non_null(strstr(sdcl_last_error(), "checksum"));
    }
    model_close(&m);
}

static void a_file_that_became_shorter_is_an_error(void **state)
{
    (void)state;
    model *m = open_small(single);
    embedding rows;
    float row[32];
    assert_int_equal(embedding_load(&rows, &(params){m, PART_TEXT, NULL}, tokens), 0);
    assert_int_equal(truncate(single, 4096), 0);
    assert_int_equal(embedding_rows(&rows, (const int32_t[]){49407}, 1, row), SDCL_EMODEL);
    model_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_in_the_order_asked_for), cmocka_unit_test(other_rows_and_tensors_are_refused),
        cmocka_unit_test(a_wrong_checksum_is_found),
        cmocka_unit_test(a_file_that_became_shorter_is_an_error), /* last: it breaks the file */
    };
    return cmocka_run_group_tests(tests, make, clean);
}
