/* SPDX-License-Identifier: MIT */
/* The memory planner: what is alive at the same time lies apart, within the arena; what is not shares it. */
#include "default_device.h"
#include "ops/ops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

/* A chain of copies of growing and shrinking sizes, every third value used again much later. */
static plan *chain(ocl *device, uint64_t *all)
{
    enum { LENGTH = 40 };
    plan *p = NULL;
    tensor kept[LENGTH], last = NO_TENSOR;
    assert_int_equal(plan_new(&p, device, "chain"), 0);
    *all = 0;
    for (int i = 0; i < LENGTH; i++) {
        tensor t = plan_tensor(p, F32, 1, 1, 1 + i * 37 % 11, 64);
        kept[i] = plan_tensor(p, F32, 1, 1, t.w, 64);
        if (has(last)) {
            tensor from = last;
            from.w = t.w < last.w ? t.w : last.w;
            tensor to = t;
            to.w = from.w;
            assert_int_equal(op_copy(p, to, from), 0);
        }
        assert_int_equal(op_copy(p, kept[i], t), 0);
        if (i >= 9 && i % 3 == 0) {
            tensor old = kept[i - 9], target = plan_tensor(p, F32, 1, 1, old.w, 64);
            assert_int_equal(op_copy(p, target, old), 0);
            *all += (uint64_t)target.w * 256;
        }
        *all += 2 * (uint64_t)t.w * 256;
        last = t;
    }
    assert_int_equal(plan_lower(p), 0);
    assert_int_equal(plan_place(p), 0);
    return p;
}

static void test_live_values_do_not_overlap(void **state)
{
    ocl *device = default_device_of(state);
    uint64_t all;
    plan *p = chain(device, &all);
    int pairs = 0;
    for (int a = 0; a < plan_buffers(p); a++)
        for (int b = 0; b < a; b++) {
            int first[2], last[2], chunk[2];
            uint64_t begin[2], end[2];
            if (!plan_buffer_range(p, a, &first[0], &last[0], &chunk[0], &begin[0], &end[0])) continue;
            if (!plan_buffer_range(p, b, &first[1], &last[1], &chunk[1], &begin[1], &end[1])) continue;
            if (chunk[0] != chunk[1] || first[0] > last[1] || first[1] > last[0]) continue;
            assert_true(end[0] <= begin[1] || end[1] <= begin[0]);
            pairs++;
        }
    assert_true(pairs > 50);
    plan_free(&p);
}

/* Values that must lead a memory object, of falling size so that each could have gone behind the one before; some alive at the same time. */
static void test_leading_values(void **state)
{
    ocl *device = default_device_of(state);
    enum { COUNT = 8 };
    plan *p = NULL;
    tensor t[COUNT];
    assert_int_equal(plan_new(&p, device, "leading"), 0);
    tensor last = plan_tensor(p, F32, 1, 1, 1, 64), result = plan_tensor(p, F32, 1, 1, 1, 64);
    for (int i = 0; i < COUNT; i++) t[i] = plan_scratch_first(p, F32, 1, 1, 20 - i, 64);
    for (int i = 0; i < COUNT; i++) {
        tensor row = t[i];
        row.w = 1;
        assert_int_equal(op_copy(p, row, last), 0);
        last = row;
    }
    assert_int_equal(op_copy(p, result, last), 0);
    assert_int_equal(plan_lower(p), 0);
    assert_int_equal(plan_place(p), 0);
    for (int a = 0; a < COUNT; a++) {
        int first[2], last_use[2], chunk[2];
        uint64_t begin[2], end[2];
        assert_true(plan_buffer_range(p, t[a].buf, &first[0], &last_use[0], &chunk[0], &begin[0], &end[0]));
        assert_int_equal(begin[0], 0);
        if (!a) continue;
        assert_true(plan_buffer_range(p, t[a - 1].buf, &first[1], &last_use[1], &chunk[1], &begin[1], &end[1]));
        assert_int_not_equal(chunk[0], chunk[1]);
    }
    assert_true(plan_arena_bytes(p) < 3 * 20 * 256);
    plan_free(&p);
}

static void test_arena_is_shared(void **state)
{
    ocl *device = default_device_of(state);
    uint64_t all, end_of_all = 0;
    plan *p = chain(device, &all);
    for (int i = 0; i < plan_buffers(p); i++) {
        int first, last, chunk;
        uint64_t begin, end;
        if (plan_buffer_range(p, i, &first, &last, &chunk, &begin, &end) && end > end_of_all) end_of_all = end;
    }
    assert_true(end_of_all <= plan_arena_bytes(p));
    assert_true(plan_arena_bytes(p) < all / 2);
    plan_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_live_values_do_not_overlap),
        cmocka_unit_test(test_leading_values),
        cmocka_unit_test(test_arena_is_shared),
    };
    return cmocka_run_group_tests(tests, default_device_setup, default_device_teardown);
}
