/* SPDX-License-Identifier: MIT */
/* The moving average of a UNet's weights in a CompVis file: buffers of a module of its own, called by the weights' names with
 * all dots left out. What a number in such a name means can only be told from the names that there can be. */
#include "io/model_parts.h"

#include "base/error.h"
#include "io/compvis_names.h"
#include "io/model_shapes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 256, BLOCKS_MAX = 64, SLOTS = 3 };

static const char prefix[] = "model_ema.diffusion_model";

/* A CompVis module and its diffusers name, both with a dot at the end. */
typedef struct module_names {
    char compvis[64], diffusers[64];
} module_names;

typedef struct ema {
    model *m;
    const tensor_file *f;
    module_names *list; /* owned */
    int count;
    bool *taken; /* owned; of the file's tensors */
} ema;

static int add_module(ema *e, const char *compvis)
{
    char diffusers[NAME_BYTES];
    if (!compvis_unet_name(&e->m->unet, compvis, diffusers, sizeof diffusers)) return 0;
    module_names *grown = realloc(e->list, (size_t)(e->count + 1) * sizeof *grown);
    if (!grown) return FAIL(SDCL_ENOMEM, "out of memory");
    e->list = grown;
    module_names *n = &grown[e->count++];
    snprintf(n->compvis, sizeof n->compvis, "%s", compvis);
    snprintf(n->diffusers, sizeof n->diffusers, "%.63s", diffusers);
    return 0;
}

/* Every module of the configuration: the names that the translation knows. */
static int list_modules(ema *e)
{
    static const char *const outer[] = {"time_embed.0.", "time_embed.2.", "out.0.", "out.2.", "middle_block.1."};
    static const char *const members[] = {"in_layers.0.",  "in_layers.2.",  "emb_layers.1.",
                                          "out_layers.0.", "out_layers.3.", "skip_connection.",
                                          "op.",           "conv.",         ""};
    char name[NAME_BYTES];
    int err = 0;
    for (size_t i = 0; i < sizeof outer / sizeof outer[0]; i++) TRY(add_module(e, outer[i]));
    for (size_t j = 0; j < sizeof members / sizeof members[0]; j++) {
        for (int slot = 0; slot < SLOTS; slot += 2) {
            snprintf(name, sizeof name, "middle_block.%d.%s", slot, members[j]);
            TRY(add_module(e, name));
        }
        for (int n = 0; n < BLOCKS_MAX; n++)
            for (int slot = 0; slot < SLOTS; slot++) {
                snprintf(name, sizeof name, "input_blocks.%d.%d.%s", n, slot, members[j]);
                TRY(add_module(e, name));
                snprintf(name, sizeof name, "output_blocks.%d.%d.%s", n, slot, members[j]);
                TRY(add_module(e, name));
            }
    }
out:
    return err;
}

/* The buffer's name for a tensor of the UNet. */
static void buffer_name(const module_names *n, const char *rest, char out[2 * NAME_BYTES])
{
    char whole[2 * NAME_BYTES];
    size_t at = sizeof prefix - 1;
    snprintf(whole, sizeof whole, "%s%.200s", n->compvis, rest);
    memcpy(out, prefix, at);
    for (const char *c = whole; *c; c++)
        if (*c != '.') out[at++] = *c;
    out[at] = 0;
}

static int add_tensor(void *user, const char *name, int rank, const uint64_t *shape)
{
    ema *e = user;
    char buffer[2 * NAME_BYTES];
    (void)rank;
    (void)shape;
    for (int i = 0; i < e->count; i++) {
        const size_t n = strlen(e->list[i].diffusers);
        if (strncmp(name, e->list[i].diffusers, n) != 0) continue;
        buffer_name(&e->list[i], name + n, buffer);
        const file_tensor *t = tensor_file_find(e->f, buffer);
        if (!t) continue;
        e->taken[t - tensor_file_at(e->f, 0)] = true;
        return model_add_tensor(e->m, PART_UNET, name, t, e->f);
    }
    return 0; /* found missing by model_check, under the name that it has elsewhere */
}

int model_add_ema(model *m, const tensor_file *f)
{
    ema e = {.m = m, .f = f, .taken = calloc((size_t)tensor_file_count(f) + 1, sizeof(bool))};
    int err = 0;
    if (!e.taken) return FAIL(SDCL_ENOMEM, "out of memory");
    TRY(list_modules(&e));
    TRY(shapes_unet(&m->unet, add_tensor, &e));
    for (int i = 0; i < tensor_file_count(f); i++) {
        const file_tensor *t = tensor_file_at(f, i);
        if (!e.taken[i] && !strncmp(t->name, prefix, sizeof prefix - 1))
            TRY(model_add_tensor(m, PART_UNET, t->name, t, f));
    }
out:
    free(e.list);
    free(e.taken);
    return err;
}
