/* SPDX-License-Identifier: MIT */
#include "io/model_parts.h"

#include "base/error.h"
#include "base/strbuf.h"
#include "io/config_json.h"
#include "io/model_shapes.h"

#include <inttypes.h>
#include <string.h>

enum { LISTED = 3 };

/* Findings of one part: the first LISTED of each kind in words. */
typedef struct finding {
    model_table *table;
    const char *prefix; /* what a canonical name lacks to be a path within the model */
    strbuf missing, wrong;
    int missing_count, wrong_count;
} finding;

static void put_shape(strbuf *b, int rank, const uint64_t *shape)
{
    strbuf_puts(b, "[");
    for (int i = 0; i < rank; i++) strbuf_printf(b, i ? ",%" PRIu64 : "%" PRIu64, shape[i]);
    strbuf_puts(b, "]");
}

static bool is_weight_type(file_dtype d) { return d == FILE_F32 || d == FILE_F16 || d == FILE_BF16 || d == FILE_F64; }

static int check_tensor(void *user, const char *name, int rank, const uint64_t *shape)
{
    finding *f = user;
    model_entry *e = model_find_entry(f->table, name);
    if (!e) {
        if (f->missing_count++ < LISTED)
            strbuf_printf(&f->missing, "%s%s%s", f->missing.n ? ", " : "", f->prefix, name);
        return 0;
    }
    const file_tensor *t = e->tensor;
    /* A 1x1 convolution has the bytes of its matrix. */
    const uint64_t expected[4] = {shape[0], shape[1], rank == 2 ? 1 : shape[2], rank == 2 ? 1 : shape[3]};
    const int expected_rank = rank == 2 && t->rank == 4 ? 4 : rank;
    bool same = t->rank == expected_rank && !memcmp(t->shape, expected, (size_t)t->rank * sizeof *t->shape);
    if (same && is_weight_type(t->dtype)) {
        e->used = true;
        f->table->used++;
        f->table->elements += t->elements;
        f->table->bytes += t->bytes;
    } else if (f->wrong_count++ < LISTED) {
        strbuf_printf(&f->wrong, "%s%s%s: ", f->wrong.n ? "\n" : "", f->prefix, name);
        if (same) {
            strbuf_printf(&f->wrong, "type %s, weights are F32, F16, BF16 or F64", file_dtype_name(t->dtype));
        } else {
            strbuf_puts(&f->wrong, "shape ");
            put_shape(&f->wrong, t->rank, t->shape);
            strbuf_puts(&f->wrong, ", expected ");
            put_shape(&f->wrong, expected_rank, expected);
        }
        if (!strstr(t->name, name)) strbuf_printf(&f->wrong, " (%.120s in the file)", t->name);
    }
    return 0;
}

/* A tensor of a network that its configuration knows nothing of would be left out of the arithmetic: the model is
 * another one. The text encoder may have more layers than are used, and checkpoints carry training losses in the VAE's
 * name space. */
static bool must_be_used(model_part part, const char *name)
{
    return part == PART_UNET || (part == PART_VAE && (!strncmp(name, "encoder.", 8) || !strncmp(name, "decoder.", 8)));
}

static int check_unused(const model_table *t, model_part part, const char *path, const char *prefix)
{
    int err = 0, count = 0;
    strbuf names = {0};
    for (int i = 0; i < t->count; i++) {
        const model_entry *e = &t->entry[i];
        if (!e->used && must_be_used(part, e->name) && count++ < LISTED)
            strbuf_printf(&names, "%s%s%.80s", names.n ? ", " : "", prefix, e->name);
    }
    if (count)
        err = FAIL(SDCL_EMODEL, "%s: %d %s that the configuration does not ask for: %s%s", path, count,
                   count == 1 ? "tensor" : "tensors", strbuf_text(&names), count > LISTED ? ", ..." : "");
    strbuf_free(&names);
    return err;
}

static int check_part(model *m, model_part part)
{
    static const char *const prefix[PART_COUNT] = {"text_encoder/text_model.", "unet/", "vae/"};
    const char *path = part == PART_VAE && m->source.vae ? m->source.vae : m->path;
    finding f = {.table = &m->part[part], .prefix = prefix[part]};
    int err = part == PART_TEXT   ? shapes_clip(&m->clip, check_tensor, &f)
              : part == PART_UNET ? shapes_unet(&m->unet, check_tensor, &f)
                                  : shapes_vae(&m->vae, check_tensor, &f);
    if (!err && f.missing_count)
        err = FAIL(SDCL_EMODEL, "%s: %d %s missing: %s%s", path, f.missing_count,
                   f.missing_count == 1 ? "tensor is" : "tensors are", strbuf_text(&f.missing),
                   f.missing_count > LISTED ? ", ..." : "");
    else if (!err && f.wrong_count > LISTED)
        err = FAIL(SDCL_EMODEL, "%s: %d tensors do not fit the configuration:\n%s\n...", path, f.wrong_count,
                   strbuf_text(&f.wrong));
    else if (!err && f.wrong_count) err = FAIL(SDCL_EMODEL, "%s: %s", path, strbuf_text(&f.wrong));
    if (!err) err = check_unused(&m->part[part], part, path, prefix[part]);
    strbuf_free(&f.missing);
    strbuf_free(&f.wrong);
    return err;
}

int model_check(model *m)
{
    int err = 0;
    TRY(config_check_parts(m->path, &m->clip, &m->unet, &m->vae));
    for (int p = 0; p < PART_COUNT; p++) TRY(check_part(m, (model_part)p));
out:
    return err;
}
