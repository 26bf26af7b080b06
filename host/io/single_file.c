/* SPDX-License-Identifier: MIT */
/* A checkpoint of the original release's layout: one file, its parts told apart by prefixes. */
#include "io/model_parts.h"

#include "base/error.h"
#include "io/compvis_names.h"
#include "io/config_json.h"

#include <string.h>

enum { NAME_BYTES = 256 };

static const char unet_prefix[] = "model.diffusion_model.", vae_prefix[] = "first_stage_model.",
                  text_prefix[] = "cond_stage_model.transformer.";

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
        {NULL, "encoder.", "a VAE alone, not a model"},
        {NULL, "decoder.", "a VAE alone, not a model"},
        {NULL, "first_stage_model.", "a VAE without a UNet, not a model"},
        {NULL, "model_ema.", "a checkpoint with EMA weights only"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (kinds[i].prefix ? has_prefix(f, kinds[i].prefix) : has_part(f, kinds[i].anywhere)) return kinds[i].what;
    return "not a Stable Diffusion checkpoint: no tensor begins with model.diffusion_model.";
}

static uint64_t dimension(const file_tensor *t, int i) { return t && t->rank > i ? t->shape[i] : 0; }

/* Refuses relatives of Stable Diffusion v1 by name. */
static int recognise(const tensor_file *f)
{
    const char *path = tensor_file_path(f);
    const file_tensor *conv_in = tensor_file_find(f, "model.diffusion_model.input_blocks.0.0.weight");
    if (has_prefix(f, "conditioner.embedders.") || has_prefix(f, "model.diffusion_model.label_emb."))
        return FAIL(SDCL_EMODEL, "%s: a Stable Diffusion XL model, not v1", path);
    if (has_prefix(f, "cond_stage_model.model."))
        return FAIL(SDCL_EMODEL, "%s: a Stable Diffusion 2 model (OpenCLIP text encoder), not v1", path);
    if (has_prefix(f, "model.diffusion_model.joint_blocks."))
        return FAIL(SDCL_EMODEL, "%s: a Stable Diffusion 3 model, not v1", path);
    if (has_prefix(f, "model.diffusion_model.double_blocks."))
        return FAIL(SDCL_EMODEL, "%s: a Flux model, not Stable Diffusion v1", path);
    if (!has_prefix(f, unet_prefix)) return FAIL(SDCL_EMODEL, "%s: %s", path, what_else(f));
    if (dimension(conv_in, 1) == 8)
        return FAIL(SDCL_EMODEL, "%s: an InstructPix2Pix model (8 input channels): not supported", path);
    if (!has_prefix(f, text_prefix))
        return FAIL(SDCL_EMODEL, "%s: no text encoder: no tensor begins with %s", path, text_prefix);
    if (!has_prefix(f, vae_prefix)) return FAIL(SDCL_EMODEL, "%s: no VAE: no tensor begins with %s", path, vae_prefix);
    return 0;
}

/* Everything outside the three prefixes (EMA copies, schedule buffers, optimizer state) is not the model. */
static int add_tensors(model *m, const tensor_file *f)
{
    int err = 0;
    for (int i = 0; i < tensor_file_count(f); i++) {
        const file_tensor *t = tensor_file_at(f, i);
        char name[NAME_BYTES];
        const char *rest;
        if ((rest = behind(t->name, text_prefix))) TRY(model_add_tensor(m, PART_TEXT, rest, t, f));
        else if ((rest = behind(t->name, unet_prefix)))
            TRY(model_add_tensor(m, PART_UNET, compvis_unet_name(&m->unet, rest, name, sizeof name) ? name : rest, t,
                                 f));
        else if ((rest = behind(t->name, vae_prefix)))
            TRY(model_add_tensor(m, PART_VAE, compvis_vae_name(&m->vae, rest, name, sizeof name) ? name : rest, t, f));
    }
out:
    return err;
}

int model_load_single_file(model *m, const char *config_dir)
{
    int err = 0, found = 0;
    const tensor_file *f = NULL;
    m->format = "single file";
    TRY(model_add_file(m, &f, m->path));
    TRY(recognise(f));
    m->clip = sd_v1_clip;
    m->unet = sd_v1_unet;
    m->vae = sd_v1_vae;
    m->scheduler = sd_v1_scheduler;
    if (dimension(tensor_file_find(f, "model.diffusion_model.input_blocks.0.0.weight"), 1) == 9)
        m->unet.in_channels = 9;
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
