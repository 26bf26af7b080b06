/* SPDX-License-Identifier: MIT */
/* A checkpoint of the original release's layout: one file, its parts told apart by prefixes. */
#include "io/model_parts.h"

#include "base/error.h"
#include "io/compvis_names.h"
#include "io/config_json.h"

#include <string.h>

enum { NAME_BYTES = 256 };

static const char unet_prefix[] = "model.diffusion_model.", vae_prefix[] = "first_stage_model.",
                  text_prefix[] = "cond_stage_model.transformer.", ema_prefix[] = "model_ema.diffusion_model";

/* The rest of name behind prefix; NULL: it begins otherwise. */
static const char *behind(const char *name, const char *prefix)
{
    size_t n = strlen(prefix);
    return strncmp(name, prefix, n) ? NULL : name + n;
}

static bool has_prefix(const tensor_file *f, const char *prefix)
{
    for (int i = 0; i < tensor_file_count(f); i++)
        if (behind(tensor_file_at(f, i)->name, prefix)) return true;
    return false;
}

static bool has_part(const tensor_file *f, const char *part)
{
    for (int i = 0; i < tensor_file_count(f); i++)
        if (strstr(tensor_file_at(f, i)->name, part)) return true;
    return false;
}

/* What a file without a UNet of this layout is, in words; the order matters: a LoRA's names contain those of what it
 * changes. */
static const char *what_else(const tensor_file *f)
{
    static const struct {
        const char *anywhere, *prefix, *what;
    } kinds[] = {
        {"lora_", NULL, "a LoRA, not a model"},
        {"hada_w1_", NULL, "a LoRA (LyCORIS), not a model"},
        {NULL, "control_model.", "a ControlNet, not a model"},
        {NULL, "controlnet_", "a ControlNet, not a model"},
        {NULL, "emb_params", "a textual inversion embedding, not a model"},
        {NULL, "double_blocks.", "a Flux model, not Stable Diffusion v1"},
        {NULL, "down_blocks.", "a diffusers UNet alone; give the model folder that holds it"},
        {NULL, "conv_in.", "a diffusers UNet alone; give the model folder that holds it"},
        {NULL, "text_model.", "a text encoder alone, not a model"},
        {NULL, "encoder.", "a VAE alone, not a model; --vae takes it beside a model"},
        {NULL, "decoder.", "a VAE alone, not a model; --vae takes it beside a model"},
        {NULL, "first_stage_model.", "a VAE without a UNet, not a model; --vae takes it beside a model"},
        {NULL, "model_ema.", "a checkpoint with EMA weights only"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (kinds[i].prefix ? has_prefix(f, kinds[i].prefix) : has_part(f, kinds[i].anywhere)) return kinds[i].what;
    return "not a Stable Diffusion checkpoint: no tensor begins with model.diffusion_model.";
}

static uint64_t dimension(const file_tensor *t, int i) { return t && t->rank > i ? t->shape[i] : 0; }

static const file_tensor *find_conv_in(const tensor_file *f)
{
    const file_tensor *t = tensor_file_find(f, "model.diffusion_model.input_blocks.0.0.weight");
    return t ? t : tensor_file_find(f, "model_ema.diffusion_modelinput_blocks00weight");
}

/* The width of the context that the first cross-attention of the UNet reads, at the level that all relatives have it at. */
static uint64_t context_width(const tensor_file *f)
{
    const file_tensor *t = tensor_file_find(
        f, "model.diffusion_model.input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight");
    if (!t) t = tensor_file_find(f, "model_ema.diffusion_modelinput_blocks41transformer_blocks0attn2to_kweight");
    return dimension(t, 1);
}

/* Refuses relatives of Stable Diffusion v1 by names and shapes. */
static int recognise(const model *m, const tensor_file *f)
{
    const char *path = tensor_file_path(f);
    const bool own_sizes = m->source.config_dir;
    if (has_prefix(f, "conditioner.embedders.") || has_prefix(f, "model.diffusion_model.label_emb."))
        return FAIL(SDCL_EMODEL, "%s: a Stable Diffusion XL model, not v1", path);
    if (has_prefix(f, "cond_stage_model.model."))
        return FAIL(SDCL_EMODEL, "%s: a Stable Diffusion 2 model (OpenCLIP text encoder), not v1", path);
    if (has_prefix(f, "model.diffusion_model.joint_blocks."))
        return FAIL(SDCL_EMODEL, "%s: a Stable Diffusion 3 model, not v1", path);
    if (has_prefix(f, "model.diffusion_model.double_blocks."))
        return FAIL(SDCL_EMODEL, "%s: a Flux model, not Stable Diffusion v1", path);
    if (!has_prefix(f, unet_prefix) && !has_prefix(f, ema_prefix))
        return FAIL(SDCL_EMODEL, "%s: %s", path, what_else(f));
    if (!own_sizes && context_width(f) == 1024)
        return FAIL(SDCL_EMODEL, "%s: a Stable Diffusion 2 model (a context of 1024), not v1", path);
    if (!own_sizes && context_width(f) == 2048)
        return FAIL(SDCL_EMODEL, "%s: a Stable Diffusion XL model (a context of 2048), not v1", path);
    if (dimension(find_conv_in(f), 1) == 8)
        return FAIL(SDCL_EMODEL, "%s: an InstructPix2Pix model (8 input channels): not supported", path);
    if (!has_prefix(f, text_prefix))
        return FAIL(SDCL_EMODEL, "%s: no text encoder: no tensor begins with %s", path, text_prefix);
    if (!m->source.vae && !has_prefix(f, vae_prefix)) {
        int err = FAIL(SDCL_EMODEL, "%s: no VAE: no tensor begins with %s", path, vae_prefix);
        error_hint("--vae FILE|DIR brings one");
        return err;
    }
    return 0;
}

/* Decides between the UNet's plain weights and their average. */
static int choose_weights(model *m, const tensor_file *f)
{
    const bool plain = has_prefix(f, unet_prefix);
    int err = 0;
    m->has_ema = has_prefix(f, ema_prefix);
    m->uses_ema = m->source.ema == EMA_ON || (m->source.ema == EMA_AUTO && !plain);
    if (m->uses_ema && !m->has_ema) {
        err = FAIL(SDCL_EMODEL, "%s: --ema on, but no tensor begins with %s", tensor_file_path(f), ema_prefix);
        error_hint("a file with one set of weights is used as it is: leave --ema out");
    } else if (!m->uses_ema && !plain) {
        err = FAIL(SDCL_EMODEL, "%s: --ema off, but the file has EMA weights only", tensor_file_path(f));
        error_hint("leave --ema out");
    }
    return err;
}

/* Everything outside the prefixes (schedule buffers, optimizer state, the weights not chosen) is not the model. */
static int add_tensors(model *m, const tensor_file *f)
{
    int err = 0;
    for (int i = 0; i < tensor_file_count(f); i++) {
        const file_tensor *t = tensor_file_at(f, i);
        char name[NAME_BYTES];
        const char *rest;
        if ((rest = behind(t->name, text_prefix))) TRY(model_add_tensor(m, PART_TEXT, rest, t, f));
        else if (!m->uses_ema && (rest = behind(t->name, unet_prefix)))
            TRY(model_add_tensor(m, PART_UNET, compvis_unet_name(&m->unet, rest, name, sizeof name) ? name : rest, t,
                                 f));
        else if (!m->source.vae && (rest = behind(t->name, vae_prefix)))
            TRY(model_add_tensor(m, PART_VAE, compvis_vae_name(&m->vae, rest, name, sizeof name) ? name : rest, t, f));
    }
    if (m->uses_ema) TRY(model_add_ema(m, f));
out:
    return err;
}

int model_load_single_file(model *m)
{
    int err = 0, found = 0;
    const char *config_dir = m->source.config_dir;
    const tensor_file *f = NULL;
    m->format = "single file";
    TRY(model_add_file(m, &f, m->path));
    TRY(recognise(m, f));
    TRY(choose_weights(m, f));
    m->clip = sd_v1_clip;
    m->unet = sd_v1_unet;
    m->vae = sd_v1_vae;
    m->scheduler = sd_v1_scheduler;
    if (dimension(find_conv_in(f), 1) == 9) m->unet.in_channels = 9;
    if (config_dir) {
        TRY(model_read_configs(m, config_dir, false, &found));
        if (!found)
            TRY(FAIL(SDCL_EMODEL, "%s: no configuration in diffusers layout (unet/config.json ...)", config_dir));
        TRY(model_find_tokenizer(m, config_dir));
    }
    TRY(add_tensors(m, f));
out:
    return err;
}
