/* SPDX-License-Identifier: MIT */
#include "io/model_parts.h"

#include "base/error.h"
#include "io/compvis_names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const char *const model_part_name[PART_COUNT] = {"text_encoder", "unet", "vae"};

enum { NAME_BYTES = 256 };

char *path_join(const char *dir, const char *a, const char *b)
{
    char *path = NULL;
    return asprintf(&path, b ? "%s/%s/%s" : "%s/%s", dir, a, b) < 0 ? NULL : path;
}

int model_add_file(model *m, const tensor_file **f, const char *path)
{
    int err = 0;
    tensor_file **grown = realloc(m->file, (size_t)(m->file_count + 1) * sizeof *grown);
    if (!grown) TRY(FAIL(SDCL_ENOMEM, "out of memory"));
    m->file = grown;
    m->file[m->file_count] = NULL;
    TRY(tensor_file_open(&m->file[m->file_count], path));
    *f = m->file[m->file_count++];
out:
    return err;
}

/* False: the name is too long for a tensor of a model. */
static bool canonical_name(model_part part, const char *name, char *out, size_t size)
{
    if (part == PART_VAE) return vae_attention_name(name, out, size);
    if (part == PART_TEXT && !strncmp(name, "text_model.", 11)) name += 11;
    return (size_t)snprintf(out, size, "%s", name) < size;
}

int model_add_tensor(model *m, model_part part, const char *name, const file_tensor *t, const tensor_file *f)
{
    model_table *table = &m->part[part];
    char canonical[NAME_BYTES];
    if (!canonical_name(part, name, canonical, sizeof canonical))
        return FAIL(SDCL_EMODEL, "%s: %.60s...: not a tensor of Stable Diffusion v1", tensor_file_path(f), name);
    if (part == PART_TEXT && !strcmp(canonical, "embeddings.position_ids")) return 0;
    if (!table->first) table->first = f;
    if (table->count == table->capacity) {
        int capacity = table->capacity ? 2 * table->capacity : 256;
        model_entry *grown = realloc(table->entry, (size_t)capacity * sizeof *grown);
        if (!grown) return FAIL(SDCL_ENOMEM, "out of memory");
        table->entry = grown;
        table->capacity = capacity;
    }
    model_entry *e = &table->entry[table->count];
    *e = (model_entry){.name = strdup(canonical), .tensor = t, .file = f};
    if (!e->name) return FAIL(SDCL_ENOMEM, "out of memory");
    table->count++;
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const model_entry *)a)->name, ((const model_entry *)b)->name);
}

static int sort_table(const model *m, model_part part)
{
    const model_table *t = &m->part[part];
    if (!t->count) return FAIL(SDCL_EMODEL, "%s: no tensors of the %s", m->path, model_part_name[part]);
    qsort(t->entry, (size_t)t->count, sizeof *t->entry, by_name);
    for (int i = 1; i < t->count; i++) {
        const model_entry *e = &t->entry[i];
        if (!strcmp(e->name, e[-1].name))
            return FAIL(SDCL_EMODEL, "%s: tensor %s/%s is there twice, as %s and, in %s, as %s",
                        tensor_file_path(e[-1].file), model_part_name[part], e->name, e[-1].tensor->name,
                        tensor_file_path(e->file), e->tensor->name);
    }
    return 0;
}

model_entry *model_find_entry(const model_table *t, const char *canonical)
{
    model_entry key = {.name = (char *)canonical};
    return bsearch(&key, t->entry, (size_t)t->count, sizeof key, by_name);
}

int model_complete(model *m)
{
    int err = 0;
    for (int p = 0; p < PART_COUNT; p++) TRY(sort_table(m, (model_part)p));
    TRY(model_check(m));
out:
    return err;
}

int model_open(model **out_model, const model_source *source)
{
    int err = 0;
    struct stat st;
    *out_model = NULL;
    model *m = calloc(1, sizeof *m);
    if (!m || !(m->path = strdup(source->path))) TRY(FAIL(SDCL_ENOMEM, "out of memory"));
    m->source = *source;
    if (stat(m->path, &st)) {
        err = FAIL(SDCL_EMODEL, "model '%s': %s", m->path, strerror(errno));
        error_hint("a model is a folder in diffusers layout, or a .safetensors or .ckpt file");
        goto out;
    }
    if (!S_ISDIR(st.st_mode)) TRY(model_load_single_file(m));
    else if (source->config_dir)
        TRY(FAIL(SDCL_EUSAGE, "%s: a model folder has configs of its own; a model config is for single files",
                 m->path));
    else TRY(model_load_folder(m));
    if (source->vae) TRY(model_load_vae(m));
    err = model_complete(m);
    if (err && !source->config_dir && !S_ISDIR(st.st_mode))
        error_hint("a single file whose sizes are not Stable Diffusion v1's needs --model-config DIR");
    if (err) goto out;
    m->source = (model_source){0};
    *out_model = m;
    m = NULL;
out:
    model_close(&m);
    return err;
}

int model_verify(const model *m)
{
    int err = 0;
    for (int p = 0; p < PART_COUNT; p++)
        for (int i = 0; i < m->part[p].count; i++) {
            const model_entry *e = &m->part[p].entry[i];
            if (e->used) TRY(tensor_file_verify(e->file, e->tensor));
        }
out:
    return err;
}

void model_close(model **m)
{
    if (!*m) return;
    for (int p = 0; p < PART_COUNT; p++) {
        for (int i = 0; i < (*m)->part[p].count; i++) free((*m)->part[p].entry[i].name);
        free((*m)->part[p].entry);
    }
    for (int i = 0; i < (*m)->file_count; i++) tensor_file_close(&(*m)->file[i]);
    free((*m)->file);
    free((*m)->scheduler.trained_betas);
    free((*m)->tokenizer_dir);
    free((*m)->path);
    free(*m);
    *m = NULL;
}

const char *model_path(const model *m) { return m->path; }
const clip_config *model_clip(const model *m) { return &m->clip; }
const unet_config *model_unet(const model *m) { return &m->unet; }
const vae_config *model_vae(const model *m) { return &m->vae; }
const scheduler_config *model_scheduler(const model *m) { return &m->scheduler; }
const char *model_tokenizer_dir(const model *m) { return m->tokenizer_dir; }

const file_tensor *model_find(const model *m, model_part part, const char *name, const tensor_file **file)
{
    char canonical[NAME_BYTES];
    const model_entry *e = NULL;
    if (canonical_name(part, name, canonical, sizeof canonical)) e = model_find_entry(&m->part[part], canonical);
    if (file) *file = e ? e->file : NULL;
    return e ? e->tensor : NULL;
}

const char *model_part_path(const model *m, model_part part) { return tensor_file_path(m->part[part].first); }

static void describe_part(const model *m, model_part part, sdcl_model_part *out)
{
    const model_table *t = &m->part[part];
    *out = (sdcl_model_part){.parameters = t->elements, .bytes = t->bytes, .tensors = t->used};
    snprintf(out->name, sizeof out->name, "%s", model_part_name[part]);
    const model_entry *one = NULL;
    for (int i = 0; i < t->count; i++) {
        const model_entry *e = &t->entry[i];
        if (!e->used) continue;
        bool mixed = one && e->tensor->dtype != one->tensor->dtype;
        snprintf(out->dtype, sizeof out->dtype, "%s", mixed ? "mixed" : file_dtype_name(e->tensor->dtype));
        if (mixed) return;
        one = e;
    }
}

void model_describe(const model *m, sdcl_model_info *info)
{
    *info = (sdcl_model_info){.part_count = PART_COUNT, .size = m->unet.sample_size << (m->vae.levels - 1)};
    bool inpainting = m->unet.in_channels != m->vae.latent_channels;
    snprintf(info->type, sizeof info->type, "Stable Diffusion v1%s", inpainting ? " inpainting" : "");
    snprintf(info->format, sizeof info->format, "%s", m->format);
    snprintf(info->prediction, sizeof info->prediction, "%s", m->scheduler.prediction_type);
    snprintf(info->scheduler, sizeof info->scheduler, "%s", m->scheduler.class_name);
    snprintf(info->ema, sizeof info->ema, "%s", m->uses_ema ? "used" : m->has_ema ? "unused" : "none");
    for (int p = 0; p < PART_COUNT; p++) describe_part(m, (model_part)p, &info->parts[p]);
}
