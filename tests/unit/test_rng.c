/* SPDX-License-Identifier: MIT */
/* Random numbers against PyTorch's own, bit for bit (tests/golden/rng.json). */
#include "sampler/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static json_t *golden;

static int load(void **state)
{
    (void)state;
    golden = json_load_file("tests/golden/rng.json", 0, NULL);
    return golden ? 0 : -1;
}

static int unload(void **state)
{
    (void)state;
    json_decref(golden);
    return 0;
}

static uint64_t seed_of(const json_t *c) { return (uint64_t)json_integer_value(json_object_get(c, "seed")); }

/* Values are printed with nine digits, enough to name one float. */
static void assert_floats(const float *got, const json_t *want)
{
    assert_true(json_array_size(want) > 0);
    for (size_t i = 0; i < json_array_size(want); i++) {
        float w = (float)json_number_value(json_array_get(want, i));
        if (memcmp(got + i, &w, sizeof w) && !(w == 0 && got[i] == 0))
            fail_msg("value %zu: %.9g, expected %.9g", i, (double)got[i], (double)w);
    }
}

/* A case holds all values, or the first and last ones with sums in double. */
static void assert_case(const float *got, size_t n, const json_t *c)
{
    const json_t *values = json_object_get(c, "values");
    if (values) {
        assert_int_equal(json_array_size(values), n);
        assert_floats(got, values);
        return;
    }
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)got[i];
        squares += (double)got[i] * (double)got[i];
    }
    const json_t *last = json_object_get(c, "last");
    assert_floats(got, json_object_get(c, "first"));
    assert_floats(got + n - json_array_size(last), last);
    assert_true(fabs(sum - json_real_value(json_object_get(c, "sum"))) < 1e-9);
    assert_true(fabs(squares - json_real_value(json_object_get(c, "sumsq"))) < 1e-9 * squares);
}

typedef void fill_fn(rng *r, float *out, size_t n);

static void run(rng *r, fill_fn *fill, size_t n, const json_t *c)
{
    float *out = malloc(n * sizeof *out);
    assert_non_null(out);
    fill(r, out, n);
    assert_case(out, n, c);
    free(out);
}

/* All cases of a list whose n lies in low .. high. */
static void run_cases(const char *list, fill_fn *fill, size_t low, size_t high)
{
    size_t i, done = 0;
    json_t *c;
    json_array_foreach(json_object_get(golden, list), i, c)
    {
        size_t n = (size_t)json_integer_value(json_object_get(c, "n"));
        if (n < low || n > high) continue;
        rng r;
        rng_seed(&r, seed_of(c));
        run(&r, fill, n, c);
        done++;
    }
    assert_true(done > 0);
}

static void randn_below_16(void **state)
{
    (void)state;
    run_cases("randn_f32", rng_randn, 1, 15);
}
static void randn_one_block(void **state)
{
    (void)state;
    run_cases("randn_f32", rng_randn, 16, 16);
}
static void randn_ragged(void **state)
{
    (void)state;
    run_cases("randn_f32", rng_randn, 17, 63);
}
static void randn_long(void **state)
{
    (void)state;
    run_cases("randn_f32", rng_randn, 64, SIZE_MAX);
}
static void rand_all(void **state)
{
    (void)state;
    run_cases("rand_f32", rng_rand, 1, SIZE_MAX);
}

static void randn_latents(void **state)
{
    (void)state;
    size_t i, k;
    json_t *c, *d;
    json_array_foreach(json_object_get(golden, "randn_f32_shape"), i, c)
    {
        size_t n = 1;
        json_array_foreach(json_object_get(c, "shape"), k, d) n *= (size_t)json_integer_value(d);
        rng r;
        rng_seed(&r, seed_of(c));
        run(&r, rng_randn, n, c);
    }
    assert_true(i > 0);
}

/* The cached second value of the short path survives longer calls in between. */
static void randn_successive_calls(void **state)
{
    (void)state;
    size_t i, k;
    json_t *c, *call;
    json_array_foreach(json_object_get(golden, "randn_f32_calls"), i, c)
    {
        rng r;
        rng_seed(&r, seed_of(c));
        json_array_foreach(json_object_get(c, "calls"), k, call)
            run(&r, rng_randn, (size_t)json_integer_value(json_object_get(call, "n")), call);
    }
    assert_true(i > 0);
}

/* torch.randint: one 32-bit word for ranges below 2^28, two from there. */
static void assert_integers(rng *r, const json_t *c)
{
    uint64_t high = strtoull(json_string_value(json_object_get(c, "high")), NULL, 10);
    size_t i;
    json_t *v;
    json_array_foreach(json_object_get(c, "values"), i, v)
    {
        uint64_t word = high >> 28 ? rng_u64(r) : rng_u32(r);
        assert_int_equal(word % high, strtoull(json_string_value(v), NULL, 10));
    }
    assert_true(i > 0);
}

static void integers(void **state)
{
    (void)state;
    size_t i;
    json_t *c;
    json_array_foreach(json_object_get(golden, "randint"), i, c)
    {
        rng r;
        rng_seed(&r, seed_of(c));
        assert_integers(&r, c);
    }
    assert_true(i > 0);
}

static void mixed_calls(void **state)
{
    (void)state;
    size_t i, k;
    json_t *c, *call;
    json_array_foreach(json_object_get(golden, "mixed"), i, c)
    {
        rng r;
        rng_seed(&r, seed_of(c));
        json_array_foreach(json_object_get(c, "calls"), k, call)
        {
            const char *op = json_string_value(json_object_get(call, "op"));
            size_t n = json_array_size(json_object_get(call, "values"));
            if (!strcmp(op, "randint")) assert_integers(&r, call);
            else run(&r, strcmp(op, "rand") ? rng_randn : rng_rand, n, call);
        }
    }
    assert_true(i > 0);
}

static void twister_known_answer(void **state)
{
    (void)state;
    static const uint32_t want[] = {1608637542u, 3421126067u, 4083286876u, 787846414u};
    rng r;
    rng_seed(&r, 42);
    for (int i = 0; i < 4; i++) assert_int_equal(rng_u32(&r), want[i]);
    rng_seed(&r, 5489); /* the C++ standard's 10000th output of mt19937 */
    for (int i = 1; i < 10000; i++) rng_u32(&r);
    assert_int_equal(rng_u32(&r), 4123659995u);
}

static void seed_keeps_32_bits(void **state)
{
    (void)state;
    rng a, b, c;
    rng_seed(&a, 42);
    rng_seed(&b, (UINT64_C(7) << 32) + 42);
    rng_seed(&c, 43);
    assert_memory_equal(a.state, b.state, sizeof a.state);
    assert_memory_not_equal(a.state, c.state, sizeof a.state);
}

static void seed_forgets_cache(void **state)
{
    (void)state;
    rng r;
    float first[3], again[3];
    rng_seed(&r, 3);
    rng_randn(&r, first, 3);
    assert_true(r.has_cached);
    rng_seed(&r, 3);
    rng_randn(&r, again, 3);
    assert_memory_equal(first, again, sizeof first);
}

static void long_calls_count_words(void **state)
{
    (void)state;
    for (size_t n = 16; n < 40; n += 8) { /* n words, and sixteen more for a ragged end */
        rng a, b;
        float out[40];
        rng_seed(&a, 9);
        rng_seed(&b, 9);
        rng_randn(&a, out, n);
        for (size_t i = 0; i < n + (n % 16 ? 16 : 0); i++) rng_u32(&b);
        assert_int_equal(rng_u32(&a), rng_u32(&b));
    }
}

static void nothing_asked_nothing_drawn(void **state)
{
    (void)state;
    rng a, b;
    rng_seed(&a, 1);
    rng_seed(&b, 1);
    rng_randn(&a, NULL, 0);
    rng_rand(&a, NULL, 0);
    assert_int_equal(rng_u64(&a), rng_u64(&b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(randn_below_16),
        cmocka_unit_test(randn_one_block),
        cmocka_unit_test(randn_ragged),
        cmocka_unit_test(randn_long),
        cmocka_unit_test(randn_latents),
        cmocka_unit_test(randn_successive_calls),
        cmocka_unit_test(rand_all),
        cmocka_unit_test(integers),
        cmocka_unit_test(mixed_calls),
        cmocka_unit_test(twister_known_answer),
        cmocka_unit_test(seed_keeps_32_bits),
        cmocka_unit_test(seed_forgets_cache),
        cmocka_unit_test(long_calls_count_words),
        cmocka_unit_test(nothing_asked_nothing_drawn),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
