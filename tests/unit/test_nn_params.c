/* SPDX-License-Identifier: MIT */
/* Binding of tensors to weights: names, stacks, refusals. */
#include "base/error.h"
#include "nn/layer.h"
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

static rig tiny;

static int setup(void **state)
{
    (void)state;
    rig_open(&tiny, "tests/golden/tiny-a", PART_UNET, "unet", F32);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_close(&tiny);
    return 0;
}

/* The tensors of name as one weight. */
static int bind(const params *p, weight **w, const char *name)
{
    stack s = {0};
    int err = stack_add(&s, p, name);
    return err ? err : stack_bind(&s, p, w);
}

static params part(model_part which) { return (params){tiny.m, which, tiny.set}; }

static void shapes_come_from_the_file(void **state)
{
    (void)state;
    params p = part(PART_UNET);
    weight *w;
    assert_int_equal(bind(&p, &w, "conv_in.weight"), 0);
    assert_int_equal(w->rows, 8);
    assert_int_equal(w->columns, 4);
    assert_int_equal(w->taps, 9);
    assert_int_equal(bind(&p, &w, "time_embedding.linear_1.weight"), 0);
    assert_int_equal(w->rows, 32);
    assert_int_equal(w->columns, 8);
    assert_int_equal(w->taps, 1);
    assert_int_equal(bind(&p, &w, "conv_in.bias"), 0);
    assert_int_equal(w->rows, 8);
    assert_int_equal(w->columns * w->taps, 1);
}

static void braces_stack_in_order(void **state)
{
    (void)state;
    params p = part(PART_UNET);
    weight *w;
    assert_int_equal(bind(&p, &w, "mid_block.attentions.0.transformer_blocks.0.attn1.to_{q,k,v}.weight"), 0);
    assert_int_equal(w->part_count, 3);
    assert_int_equal(w->rows, 60);
    assert_int_equal(w->columns, 20);
    assert_non_null(strstr(w->parts[0].name, "to_q"));
    assert_non_null(strstr(w->parts[1].name, "to_k"));
    assert_non_null(strstr(w->parts[2].name, "to_v"));
}

static void a_layer_has_a_bias_where_the_file_has_one(void **state)
{
    (void)state;
    params p = part(PART_UNET), text = part(PART_TEXT);
    layer l;
    assert_int_equal(layer_load(&l, &p, "mid_block.attentions.0.transformer_blocks.0", "attn1.to_{q,k,v}"), 0);
    assert_null(l.b);
    assert_string_equal(l.name, "attn1.to_{q,k,v}");
    assert_int_equal(layer_load(&l, &text, "text_model.encoder.layers.0", "self_attn.{q,k,v}_proj"), 0);
    assert_int_equal(l.w->rows, 96);
    assert_int_equal(l.b->rows, 96);
    assert_int_equal(layer_load(&l, &p, "", "conv_out"), 0);
    assert_int_equal(l.w->taps, 9);
    assert_true(layer_exists(&p, "down_blocks.1.resnets.0", "conv_shortcut"));
    assert_false(layer_exists(&p, "down_blocks.0.resnets.0", "conv_shortcut"));
}

static void missing_and_unequal_tensors_are_refused(void **state)
{
    (void)state;
    params p = part(PART_UNET);
    weight *w;
    stack s = {0};
    assert_int_equal(bind(&p, &w, "conv_sideways.weight"), SDCL_EMODEL);
    assert_non_null(strstr(sdcl_last_error(), "conv_sideways.weight"));
    assert_int_equal(bind(&p, &w, "mid_block.attentions.0.transformer_blocks.0.attn1.to_{q,z}.weight"), SDCL_EMODEL);
    assert_non_null(strstr(sdcl_last_error(), "attn1.to_z.weight"));
    assert_int_equal(stack_add(&s, &p, "time_embedding.linear_1.weight"), 0);
    assert_int_equal(stack_add(&s, &p, "time_embedding.linear_2.weight"), SDCL_EMODEL);
    assert_int_equal(s.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_come_from_the_file),
        cmocka_unit_test(braces_stack_in_order),
        cmocka_unit_test(a_layer_has_a_bias_where_the_file_has_one),
        cmocka_unit_test(missing_and_unequal_tensors_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
