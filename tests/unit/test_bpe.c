/* SPDX-License-Identifier: MIT */
/* Byte-pair merging against its definition, on random rules and words. */
#include "text/bpe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

/* The definition: while any pair has a rule, the leftmost of the strongest becomes one. */
static size_t merge_plainly(const int32_t (*rules)[3], int n_rules, int32_t *ids, size_t n)
{
    for (int rank = 0; rank < n_rules; rank++)
        for (size_t i = 0; i + 1 < n; i++)
            if (ids[i] == rules[rank][0] && ids[i + 1] == rules[rank][1]) {
                ids[i] = rules[rank][2];
                memmove(ids + i + 1, ids + i + 2, (n - i - 2) * sizeof *ids);
                n--;
                rank = -1;
                break;
            }
    return n;
}

static void merging_equals_its_definition(void **state)
{
    (void)state;
    enum { RULES = 20, SYMBOLS = 3, WORD = 40 };
    srand(1);
    for (int round = 0; round < 200; round++) {
        int32_t rules[RULES][3], fast[WORD], plain[WORD];
        bpe *b;
        int n_rules = 0;
        assert_int_equal(bpe_new(&b, RULES), 0);
        while (n_rules < RULES) { /* a rule may use the products of earlier and of later ones */
            int32_t left = rand() % (SYMBOLS + RULES / 2), right = rand() % (SYMBOLS + RULES / 2);
            bool known = false;
            for (int i = 0; i < n_rules; i++) known |= rules[i][0] == left && rules[i][1] == right;
            if (known) continue;
            rules[n_rules][0] = left;
            rules[n_rules][1] = right;
            rules[n_rules][2] = SYMBOLS + n_rules;
            bpe_add(b, left, right, SYMBOLS + n_rules++);
        }
        for (int i = 0; i < WORD; i++) fast[i] = plain[i] = rand() % SYMBOLS;
        size_t n = WORD;
        assert_int_equal(bpe_merge(b, fast, &n), 0);
        assert_int_equal(n, merge_plainly((const int32_t(*)[3])rules, RULES, plain, WORD));
        assert_memory_equal(fast, plain, n * sizeof *fast);
        bpe_free(&b);
        assert_null(b);
    }
}

static void nothing_to_merge(void **state)
{
    (void)state;
    bpe *b = NULL;
    bpe_free(&b);
    assert_int_equal(bpe_new(&b, 0), 0);
    int32_t ids[] = {1, 2, 3};
    for (size_t length = 0; length <= 3; length++) {
        size_t n = length;
        assert_int_equal(bpe_merge(b, ids, &n), 0);
        assert_int_equal(n, length);
    }
    assert_memory_equal(ids, ((int32_t[]){1, 2, 3}), sizeof ids);
    bpe_free(&b);
}

static void overlapping_pairs_merge_from_the_left(void **state)
{
    (void)state;
    bpe *b;
    assert_int_equal(bpe_new(&b, 1), 0);
    bpe_add(b, 0, 0, 1);
    int32_t ids[] = {0, 0, 0, 0, 0};
    size_t n = 5;
    assert_int_equal(bpe_merge(b, ids, &n), 0);
    assert_int_equal(n, 3);
    assert_memory_equal(ids, ((int32_t[]){1, 1, 0}), 3 * sizeof *ids);
    bpe_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merging_equals_its_definition),
        cmocka_unit_test(nothing_to_merge),
        cmocka_unit_test(overlapping_pairs_merge_from_the_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
