/* SPDX-License-Identifier: MIT */
/* The text encoder against transformers: every layer and the context. */
#include "compare.h"
#include "nn/clip.h"
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct example {
    const char *model, *folder;
    int stages; /* files to be compared */
    dtype activation;
    double limit; /* NMSE */
} example;

static const example tiny_a = {"tests/golden/tiny-a", "tests/golden/dump/stages-a", 4, F32, 1e-9};
static const example tiny_b = {"tests/golden/tiny-b", "tests/golden/dump/stages-b", 3, F32, 1e-9};
static const example tiny_b_f16 = {"tests/golden/tiny-b", "tests/golden/dump/stages-b", 3, F16, 1e-5};
static const example pocket = {"models/pocket", "tests/golden/pocket/owl", 0, F32, 1e-9};

static void context_agrees(void **state)
{
    const example *e = *state;
    rig r;
    clip m;
    char path[256];
    npy ids, want;
    snprintf(path, sizeof path, "%s/tokens.npy", e->folder);
    assert_true(npy_read(&ids, path));
    snprintf(path, sizeof path, "%s/context.npy", e->folder);
    assert_true(npy_read(&want, path));

    rig_open(&r, e->model, PART_TEXT, "text", e->activation);
    assert_int_equal(clip_load(&m, &r.params, model_clip(r.m)), 0);
    tensor embeddings = rig_tensor(&r, F32, 2, 1, 77, model_clip(r.m)->hidden),
           context = rig_tensor(&r, F32, 2, 1, 77, model_clip(r.m)->hidden);
    assert_int_equal(clip_forward(r.p, &m, embeddings, context), 0);
    rig_prepare(&r);
    float *rows = malloc(want.count * sizeof *rows);
    assert_non_null(rows);
    assert_int_equal(clip_embed(&m, ids.i32, 2, 77, rows), 0);
    rig_write(&r, embeddings, rows);
    assert_int_equal(rig_run_compared(&r, e->folder, "stage_text_", "", e->limit), e->stages);

    float *first = malloc(want.count * sizeof *first), *again = malloc(want.count * sizeof *again);
    assert_true(first && again);
    rig_read(&r, context, first);
    assert_true(compare_nmse(first, want.f32, want.count) <= e->limit);
    rig_run(&r);
    rig_read(&r, context, again);
    assert_memory_equal(first, again, want.count * sizeof *first);

    free(rows);
    free(first);
    free(again);
    npy_free(&ids);
    npy_free(&want);
    clip_free(&m);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"tiny-a", context_agrees, NULL, NULL, (void *)&tiny_a},
        {"tiny-b", context_agrees, NULL, NULL, (void *)&tiny_b},
        {"tiny-b, f16 activations", context_agrees, NULL, NULL, (void *)&tiny_b_f16},
        {"pocket", context_agrees, NULL, NULL, (void *)&pocket},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
