/* SPDX-License-Identifier: MIT */
#include "nn/params.h"

#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void params_name(char name[PARAMS_NAME], const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(name, PARAMS_NAME, format, ap);
    va_end(ap);
}

/* Alternative i of the braces in name; false: there are fewer. A name without braces has one alternative. */
static bool alternative(const char *name, int i, char out[PARAMS_NAME])
{
    const char *open = strchr(name, '{'), *close = open ? strchr(open, '}') : NULL;
    if (!close) {
        params_name(out, "%s", name);
        return i == 0;
    }
    const char *word = open + 1;
    for (; i > 0; i--) {
        const char *comma = memchr(word, ',', (size_t)(close - word));
        if (!comma) return false;
        word = comma + 1;
    }
    params_name(out, "%.*s%.*s%s", (int)(open - name), name, (int)strcspn(word, ",}"), word, close + 1);
    return true;
}

bool params_has(const params *p, const char *name)
{
    char first[PARAMS_NAME];
    const tensor_file *file;
    alternative(name, 0, first);
    return model_find(p->m, p->part, first, &file) != NULL;
}

static int read_part(const void *file, const void *entry, uint64_t first, uint64_t bytes, void *dst)
{
    return tensor_file_read(file, entry, first, bytes, dst);
}

static bool element_type(file_dtype from, weight_dtype *to)
{
    switch (from) {
    case FILE_F64: *to = WEIGHT_F64; return true;
    case FILE_F32: *to = WEIGHT_F32; return true;
    case FILE_F16: *to = WEIGHT_F16; return true;
    case FILE_BF16: *to = WEIGHT_BF16; return true;
    default: return false;
    }
}

static int add_tensor(stack *s, const params *p, const char *name)
{
    const tensor_file *file = NULL;
    const file_tensor *t = model_find(p->m, p->part, name, &file);
    if (!t) return FAIL(SDCL_EMODEL, "%s: tensor '%s' is missing", model_part_path(p->m, p->part), name);
    uint64_t columns = t->rank > 1 ? t->shape[1] : 1;
    uint64_t row = t->rank && t->shape[0] ? t->elements / t->shape[0] : 0;
    weight_part part = {.name = t->name, .file = file, .entry = t, .read = read_part};
    if (!row || !columns || row > INT32_MAX || t->shape[0] > (uint64_t)(INT32_MAX - s->rows))
        return FAIL(SDCL_EMODEL, "%s: tensor '%s' is empty or too large", tensor_file_path(file), name);
    if (!element_type(t->dtype, &part.dt))
        return FAIL(SDCL_EMODEL, "%s: tensor '%s' has type %s", tensor_file_path(file), name,
                    file_dtype_name(t->dtype));
    if (s->count == WEIGHT_PARTS_MAX)
        return FAIL(SDCL_EMODEL, "%s: more than %d tensors are stacked with '%s'", tensor_file_path(file),
                    WEIGHT_PARTS_MAX, name);
    if (!s->count) {
        s->columns = (int)columns;
        s->taps = (int)(row / columns);
    } else if ((uint64_t)s->columns != columns || (uint64_t)s->columns * (uint64_t)s->taps != row) {
        return FAIL(SDCL_EMODEL, "%s: tensor '%s' has rows of %llu values, '%s' of %d", tensor_file_path(file), name,
                    (unsigned long long)row, s->part[0].name, s->columns * s->taps);
    }
    part.rows = (int)t->shape[0];
    s->part[s->count++] = part;
    s->rows += part.rows;
    return 0;
}

int stack_add(stack *s, const params *p, const char *name)
{
    int err = 0;
    char one[PARAMS_NAME];
    for (int i = 0; alternative(name, i, one); i++) TRY(add_tensor(s, p, one));
out:
    return err;
}

int stack_bind(const stack *s, const params *p, weight **w)
{
    return weights_add(p->set, w, s->part, s->count, s->columns, s->taps);
}
