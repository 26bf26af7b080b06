/* SPDX-License-Identifier: MIT */
/* A model without a file: for benchmarks, and for writers of test files. Its three parts lie one after the other in one stream of random halves. */
#include "io/model_parts.h"

#include "base/error.h"
#include "base/half.h"
#include "base/strbuf.h"
#include "io/config_json.h"
#include "io/container.h"
#include "io/model_shapes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS = 256, BLOCK_BYTES = 16 }; /* of a value; of one number of the generator: a level for each byte */

static const double vector_range = 0.05;

/* Uniform levels: weights of variance 1 / inputs, gammas about 1, biases about 0. */
static void fill_levels(const file_tensor *t, uint16_t level[LEVELS])
{
    const char *leaf = strrchr(t->name, '.');
    double inputs = (double)t->elements / (double)t->shape[0], range = t->rank > 1 ? sqrt(3 / inputs) : vector_range;
    double middle = t->rank == 1 && leaf && !strcmp(leaf, ".weight") ? 1 : 0;
    for (int i = 0; i < LEVELS; i++)
        level[i] = float_to_half((float)(middle + range * ((2 * i + 1) / (double)LEVELS - 1)));
}

/* Number i of splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014). */
static uint64_t random_at(uint64_t i)
{
    uint64_t z = (i + 1) * 0x9E3779B97F4A7C15ull;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return z ^ z >> 31;
}

static void make_block(const uint16_t level[LEVELS], uint64_t block, void *out)
{
    uint64_t r = random_at(block);
    uint16_t half[BLOCK_BYTES / 2];
    for (int i = 0; i < BLOCK_BYTES / 2; i++, r >>= 8) half[i] = level[r & (LEVELS - 1)];
    memcpy(out, half, sizeof half);
}

static int make_bytes(const file_tensor *t, uint64_t first, uint64_t n, void *dst)
{
    uint16_t level[LEVELS];
    char block[BLOCK_BYTES], *to = dst;
    uint64_t at = t->offset + first, end = at + n;
    fill_levels(t, level);
    while (at < end) {
        uint64_t skip = at % BLOCK_BYTES, left = BLOCK_BYTES - skip, take = left < end - at ? left : end - at;
        if (take == BLOCK_BYTES) {
            make_block(level, at / BLOCK_BYTES, to);
        } else {
            make_block(level, at / BLOCK_BYTES, block);
            memcpy(to, block + skip, take);
        }
        to += take;
        at += take;
    }
    return 0;
}

/* One walk over the shapes counts, the next one fills. */
typedef struct layout {
    tensor_file *f;
    strbuf names; /* "unet/conv_in.weight", each with its end */
    model_part part;
    int count;
    uint64_t end; /* bytes so far */
} layout;

static int count_tensor(void *user, const char *name, int rank, const uint64_t *shape)
{
    layout *l = user;
    (void)rank;
    (void)shape;
    strbuf_printf(&l->names, "%s/%s", model_part_name[l->part], name);
    strbuf_add(&l->names, "", 1);
    l->count++;
    return 0;
}

static int fill_tensor(void *user, const char *name, int rank, const uint64_t *shape)
{
    layout *l = user;
    file_tensor *t = &l->f->tensors[l->f->count];
    (void)name;
    *t = (file_tensor){.dtype = FILE_F16, .rank = rank, .elements = 1, .offset = l->end};
    t->name = l->f->count ? t[-1].name + strlen(t[-1].name) + 1 : l->f->names;
    for (int i = 0; i < rank; i++) t->elements *= t->shape[i] = shape[i];
    t->bytes = t->elements * 2;
    l->end += (t->bytes + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
    l->f->count++;
    return 0;
}

static int walk(const model *m, layout *l, shape_fn *each)
{
    int err = 0;
    l->part = PART_TEXT;
    TRY(shapes_clip(&m->clip, each, l));
    l->part = PART_UNET;
    TRY(shapes_unet(&m->unet, each, l));
    l->part = PART_VAE;
    TRY(shapes_vae(&m->vae, each, l));
out:
    return err;
}

static int lay_out(model *m, tensor_file **out_file)
{
    int err = 0;
    layout l = {0};
    m->file = calloc(1, sizeof *m->file);
    l.f = calloc(1, sizeof *l.f);
    if (!m->file || !l.f) {
        free(l.f);
        return FAIL(SDCL_ENOMEM, "out of memory");
    }
    l.f->fd = -1;
    l.f->make = make_bytes;
    m->file[m->file_count++] = *out_file = l.f;
    TRY(walk(m, &l, count_tensor));
    l.f->path = strdup(m->path);
    l.f->tensors = calloc((size_t)l.count, sizeof *l.f->tensors);
    if (!l.f->path || !l.f->tensors || l.names.failed) TRY(FAIL(SDCL_ENOMEM, "out of memory"));
    l.f->names = l.names.s;
    l.names = (strbuf){0};
    TRY(walk(m, &l, fill_tensor));
    l.f->size = l.end;
    TRY(container_index(l.f));
out:
    strbuf_free(&l.names);
    return err;
}

int model_open_random(model **out_model, const clip_config *clip, const unet_config *unet, const vae_config *vae)
{
    int err = 0, part = 0;
    tensor_file *f = NULL;
    model *m = calloc(1, sizeof *m);
    *out_model = NULL;
    if (!m || !(m->path = strdup("random weights"))) TRY(FAIL(SDCL_ENOMEM, "out of memory"));
    m->format = "random weights";
    m->clip = clip ? *clip : sd_v1_clip;
    m->unet = unet ? *unet : sd_v1_unet;
    m->vae = vae ? *vae : sd_v1_vae;
    m->scheduler = sd_v1_scheduler;
    TRY(lay_out(m, &f));
    for (int i = 0; i < f->count; i++) {
        const char *name = f->tensors[i].name, *slash = strchr(name, '/');
        while (strncmp(name, model_part_name[part], (size_t)(slash - name))) part++;
        TRY(model_add_tensor(m, (model_part)part, slash + 1, &f->tensors[i], f));
    }
    TRY(model_complete(m));
    *out_model = m;
    m = NULL;
out:
    model_close(&m);
    return err;
}
