/* SPDX-License-Identifier: MIT */
#include "nn/embedding.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

int embedding_load(embedding *t, const params *p, const char *name)
{
    int err = 0;
    stack s = {0};
    *t = (embedding){0};
    TRY(stack_add(&s, p, name));
    if (s.count != 1 || s.taps != 1) TRY(FAIL(SDCL_EMODEL, "tensor '%s' is no matrix", name));
    t->part = s.part[0];
    t->columns = s.columns;
out:
    return err;
}

/* Row `number` goes to place `at` of the result. */
typedef struct wanted {
    int32_t number;
    int at;
} wanted;

static int by_number(const void *a_, const void *b_)
{
    const wanted *a = a_, *b = b_;
    return a->number != b->number ? (a->number < b->number ? -1 : 1) : a->at - b->at;
}

int embedding_rows(embedding *t, const int32_t *numbers, int n, float *rows)
{
    int err = 0;
    size_t columns = (size_t)t->columns, bytes = columns * (size_t)weight_dtype_size(t->part.dt);
    wanted *order = malloc((size_t)n * sizeof *order);
    void *raw = malloc(bytes);
    if (!order || !raw) TRY(FAIL(SDCL_ENOMEM, "out of memory"));
    if (!t->verified) TRY(tensor_file_verify(t->part.file, t->part.entry));
    t->verified = true;
    for (int i = 0; i < n; i++) {
        order[i] = (wanted){numbers[i], i};
        if (numbers[i] < 0 || numbers[i] >= t->part.rows)
            TRY(FAIL(SDCL_EINTERNAL, "%s: row %d of %d", t->part.name, (int)numbers[i], t->part.rows));
    }
    qsort(order, (size_t)n, sizeof *order, by_number);
    for (int i = 0; i < n; i++) {
        float *row = rows + (size_t)order[i].at * columns;
        if (i && order[i].number == order[i - 1].number) {
            memcpy(row, rows + (size_t)order[i - 1].at * columns, columns * sizeof *row);
            continue;
        }
        TRY(t->part.read(t->part.file, t->part.entry, (uint64_t)order[i].number * bytes, bytes, raw));
        weight_convert(row, F32, raw, t->part.dt, columns);
    }
out:
    free(order);
    free(raw);
    return err;
}
