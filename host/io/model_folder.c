/* SPDX-License-Identifier: MIT */
/* A diffusers folder: model_index.json, and for each part config.json and one or several files of tensors. */
#include "io/model_parts.h"

#include "base/error.h"
#include "io/config_json.h"
#include "io/json_read.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MODEL_INDEX_MAX = 1 << 20, SHARD_INDEX_MAX = 1 << 24, SHARDS_MAX = 256 };

static bool exists(const char *path) { return !access(path, F_OK); }

static bool one_of(const char *s, const char *const *list)
{
    for (; *list; list++)
        if (!strcmp(s, *list)) return true;
    return false;
}

/* The class of a component, "" where it is absent or [null, null]. */
static const char *component_class(const json_reader *r, const char *component)
{
    const char *class = json_string_value(json_array_get(json_object_get(r->root, component), 1));
    return class ? class : "";
}

static int check_model_index(const char *path)
{
    static const char *const pipelines[] = {"StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline",
                                            "StableDiffusionInpaintPipeline", "StableDiffusionInpaintPipelineLegacy",
                                            NULL};
    static const struct {
        const char *name, *classes[3];
    } components[] = {
        {"text_encoder", {"CLIPTextModel", NULL}},
        {"tokenizer", {"CLIPTokenizer", "CLIPTokenizerFast", NULL}},
        {"unet", {"UNet2DConditionModel", NULL}},
        {"vae", {"AutoencoderKL", NULL}},
    };
    json_reader r;
    json_reader_open(&r, path, MODEL_INDEX_MAX);
    const char *pipeline = json_read_string(&r, "_class_name", "");
    if (!r.err && !one_of(pipeline, pipelines))
        r.err = FAIL(SDCL_EMODEL, "%s: a model for %.80s: not Stable Diffusion v1", path,
                     *pipeline ? pipeline : "no pipeline");
    for (size_t i = 0; i < sizeof components / sizeof components[0] && !r.err; i++) {
        const char *class = component_class(&r, components[i].name);
        if (!*class) r.err = FAIL(SDCL_EMODEL, "%s: the model has no %s", path, components[i].name);
        else if (!one_of(class, components[i].classes))
            r.err = FAIL(SDCL_EMODEL, "%s: the %s is of class %.80s: only %s is supported", path, components[i].name,
                         class, components[i].classes[0]);
    }
    return json_reader_close(&r);
}

typedef int config_fn(model *m, const char *path);
static int read_clip(model *m, const char *path) { return config_read_clip(&m->clip, path); }
static int read_unet(model *m, const char *path) { return config_read_unet(&m->unet, path); }
static int read_vae(model *m, const char *path) { return config_read_vae(&m->vae, path); }
static int read_scheduler(model *m, const char *path) { return config_read_scheduler(&m->scheduler, path); }

int model_read_configs(model *m, const char *dir, bool all, int *found)
{
    static const struct {
        const char *name;
        config_fn *read;
    } configs[] = {
        {"text_encoder/config.json", read_clip},
        {"unet/config.json", read_unet},
        {"vae/config.json", read_vae},
        {"scheduler/scheduler_config.json", read_scheduler},
    };
    int err = 0;
    char *path = NULL;
    *found = 0;
    for (size_t i = 0; i < sizeof configs / sizeof configs[0]; i++) {
        free(path);
        path = path_join(dir, configs[i].name, NULL);
        if (!path) TRY(FAIL(SDCL_ENOMEM, "out of memory"));
        if (exists(path)) {
            TRY(configs[i].read(m, path));
            ++*found;
        } else if (all) {
            TRY(FAIL(SDCL_EMODEL, "%s: not a whole model folder in diffusers layout: %s is missing", dir,
                     configs[i].name));
        }
    }
out:
    free(path);
    return err;
}

int model_find_tokenizer(model *m, const char *dir)
{
    int err = 0;
    char *tokenizer = path_join(dir, "tokenizer", NULL), *vocab = path_join(dir, "tokenizer", "vocab.json");
    if (!tokenizer || !vocab) TRY(FAIL(SDCL_ENOMEM, "out of memory"));
    if (exists(vocab)) {
        m->tokenizer_dir = tokenizer;
        tokenizer = NULL;
    } else if (m->clip.vocab_size != sd_v1_clip.vocab_size) {
        TRY(FAIL(SDCL_EMODEL, "%s: tokenizer/vocab.json is missing, and a vocabulary of %d is not CLIP's own", dir,
                 m->clip.vocab_size));
    }
out:
    free(tokenizer);
    free(vocab);
    return err;
}

static int add_all(model *m, model_part part, const tensor_file *f)
{
    int err = 0;
    for (int i = 0; i < tensor_file_count(f); i++) {
        const file_tensor *t = tensor_file_at(f, i);
        TRY(model_add_tensor(m, part, t->name, t, f));
    }
out:
    return err;
}

/* A shard is a plain file name, and the file it names lies in dir itself. */
static int open_shard(model *m, const tensor_file **f, const char *index, const char *dir, const char *name)
{
    int err = 0;
    char *path = path_join(dir, name, NULL), *real_dir = realpath(dir, NULL), *real = NULL;
    if (!path || !real_dir) TRY(FAIL(SDCL_ENOMEM, "out of memory"));
    if (!*name || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
        TRY(FAIL(SDCL_EMODEL, "%s: shard name %.80s is not a plain file name", index, name));
    if (!(real = realpath(path, NULL))) TRY(FAIL(SDCL_EMODEL, "%s: shard %.80s: %s", index, name, strerror(errno)));
    size_t n = strlen(real_dir);
    if (strncmp(real, real_dir, n) != 0 || real[n] != '/')
        TRY(FAIL(SDCL_EMODEL, "%s: shard %.80s is a link that leads out of the folder", index, name));
    TRY(model_add_file(m, f, path));
out:
    free(path);
    free(real_dir);
    free(real);
    return err;
}

static int load_shards(model *m, model_part part, const char *dir, const char *index)
{
    int err = 0, count = 0;
    struct {
        const char *name;
        const tensor_file *file;
    } shard[SHARDS_MAX];
    json_reader r;
    json_reader_open(&r, index, SHARD_INDEX_MAX);
    TRY(r.err);
    json_t *map = json_object_get(r.root, "weight_map"), *value;
    const char *tensor;
    if (!json_object_size(map)) TRY(FAIL(SDCL_EMODEL, "%s: weight_map is missing or empty", index));
    json_object_foreach(map, tensor, value)
    {
        const char *name = json_string_value(value);
        int i = 0;
        if (!name) TRY(FAIL(SDCL_EMODEL, "%s: the shard of %.80s is not a string", index, tensor));
        while (i < count && strcmp(shard[i].name, name) != 0) i++;
        if (i == SHARDS_MAX) TRY(FAIL(SDCL_EMODEL, "%s: more than %d shards", index, SHARDS_MAX));
        if (i == count) {
            TRY(open_shard(m, &shard[i].file, index, dir, name));
            shard[i].name = name;
            count++;
        }
        if (!tensor_file_find(shard[i].file, tensor))
            TRY(FAIL(SDCL_EMODEL, "%s: shard %.80s lacks tensor %.80s", index, name, tensor));
    }
    double bytes = 0;
    for (int i = 0; i < count; i++) {
        TRY(add_all(m, part, shard[i].file));
        for (int j = 0; j < tensor_file_count(shard[i].file); j++)
            bytes += (double)tensor_file_at(shard[i].file, j)->bytes;
    }
    json_t *total = json_object_get(json_object_get(r.root, "metadata"), "total_size");
    if (json_is_number(total) && json_number_value(total) != bytes)
        TRY(FAIL(SDCL_EMODEL, "%s: total_size is %.0f, the shards hold %.0f bytes", index, json_number_value(total),
                 bytes));
out:
    json_reader_close(&r);
    return err;
}

/* The names under which diffusers saves weights, in the order of preference: safetensors before pickles; plain, then in half
 * precision, then the weights that the plain ones are the moving average of. */
static const struct {
    const char *suffix;
    bool pickle, non_ema;
} weight_files[] = {
    {.suffix = ".safetensors"},
    {.suffix = ".safetensors.index.json"},
    {.suffix = ".fp16.safetensors"},
    {.suffix = ".safetensors.index.fp16.json"},
    {.suffix = ".safetensors.fp16.index.json"},
    {.suffix = ".non_ema.safetensors", .non_ema = true},
    {.suffix = ".safetensors.index.non_ema.json", .non_ema = true},
    {.suffix = ".safetensors.non_ema.index.json", .non_ema = true},
    {.suffix = ".bin", .pickle = true},
    {.suffix = ".bin.index.json", .pickle = true},
    {.suffix = ".fp16.bin", .pickle = true},
    {.suffix = ".bin.index.fp16.json", .pickle = true},
    {.suffix = ".non_ema.bin", .pickle = true, .non_ema = true},
    {.suffix = ".bin.index.non_ema.json", .pickle = true, .non_ema = true},
};
enum { WEIGHT_FILES = sizeof weight_files / sizeof weight_files[0] };

/* Loads the part from dir/STEM + suffix, where there is such a file. */
static int try_weights(model *m, model_part part, const char *dir, int i, bool *found)
{
    const bool pickle = weight_files[i].pickle;
    const char *stem = part != PART_TEXT ? "diffusion_pytorch_model" : pickle ? "pytorch_model" : "model";
    const tensor_file *f = NULL;
    char *path = NULL;
    int err = 0;
    if (asprintf(&path, "%s/%s%s", dir, stem, weight_files[i].suffix) < 0) path = NULL;
    if (!path) TRY(FAIL(SDCL_ENOMEM, "out of memory"));
    *found = exists(path);
    if (!*found) goto out;
    if (strstr(weight_files[i].suffix, ".json")) {
        TRY(load_shards(m, part, dir, path));
    } else {
        TRY(model_add_file(m, &f, path));
        TRY(add_all(m, part, f));
    }
out:
    free(path);
    return err;
}

int model_load_weights(model *m, model_part part, const char *dir)
{
    const model_ema ema = part == PART_UNET ? m->source.ema : EMA_AUTO;
    bool found = false;
    int err = 0;
    for (int i = 0; i < WEIGHT_FILES && ema == EMA_OFF && !found; i++)
        if (weight_files[i].non_ema) TRY(try_weights(m, part, dir, i, &found));
    for (int i = 0; i < WEIGHT_FILES && !found; i++)
        if (ema != EMA_ON || !weight_files[i].non_ema) TRY(try_weights(m, part, dir, i, &found));
    if (!found)
        TRY(FAIL(SDCL_EMODEL, "%s: %s.safetensors is missing", dir,
                 part == PART_TEXT ? "model" : "diffusion_pytorch_model"));
out:
    return err;
}

int model_load_folder(model *m)
{
    int err = 0, found;
    char *index = path_join(m->path, "model_index.json", NULL), *dir = NULL;
    if (!index) TRY(FAIL(SDCL_ENOMEM, "out of memory"));
    m->format = "diffusers folder";
    if (exists(index)) TRY(check_model_index(index));
    TRY(model_read_configs(m, m->path, true, &found));
    TRY(model_find_tokenizer(m, m->path));
    for (int p = 0; p < PART_COUNT; p++) {
        if (p == PART_VAE && m->source.vae) continue;
        free(dir);
        dir = path_join(m->path, model_part_name[p], NULL);
        if (!dir) TRY(FAIL(SDCL_ENOMEM, "out of memory"));
        TRY(model_load_weights(m, (model_part)p, dir));
    }
out:
    free(dir);
    free(index);
    return err;
}
