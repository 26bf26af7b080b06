/* SPDX-License-Identifier: MIT */
#include "model_writer.h"

#include "base/half.h"
#include "base/strbuf.h"
#include "compvis_writer.h"
#include "io/config_json.h"
#include "io/model_parts.h"
#include "need.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { CHUNK = 1 << 20 }; /* values */

model *small_model(void)
{
    clip_config clip = sd_v1_clip;
    clip.hidden = 32;
    clip.intermediate = 64;
    clip.layers = 2;
    clip.heads = 4;
    unet_config unet = sd_v1_unet;
    unet.sample_size = 8;
    memcpy(unet.channels, (const int[]){32, 64, 96, 96}, 4 * sizeof(int));
    unet.context = 32;
    vae_config vae = sd_v1_vae;
    memcpy(vae.channels, (const int[]){32, 32, 64, 64}, 4 * sizeof(int));
    vae.sample_size = 64;
    model *m = NULL;
    NEED(!model_open_random(&m, &clip, &unet, &vae));
    return m;
}

/* --- a safetensors file --- */

typedef struct writer {
    FILE *f;
    bool f32;
    strbuf header;
    uint64_t end; /* of the data so far */
} writer;

/* Layers that PyTorch keeps as 1x1 convolutions. early: the VAE's attention is of them. */
static bool is_convolution(model_part part, const char *name, bool compvis)
{
    static const char *const words[] = {"proj_in.weight", "proj_out.weight", "conv_shortcut.weight",
                                        "quant_conv.weight"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strstr(name, words[i])) return true;
    return compvis && part == PART_VAE && strstr(name, ".attentions.");
}

static void put_entry(writer *w, const char *name, const file_tensor *t, bool convolution)
{
    uint64_t bytes = t->elements * (w->f32 ? 4 : 2);
    strbuf_printf(&w->header, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[", w->header.n > 1 ? "," : "", name,
                  w->f32 ? "F32" : "F16");
    for (int i = 0; i < t->rank; i++) strbuf_printf(&w->header, i ? ",%llu" : "%llu", (unsigned long long)t->shape[i]);
    if (convolution && t->rank == 2) strbuf_puts(&w->header, ",1,1");
    strbuf_printf(&w->header, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)w->end,
                  (unsigned long long)(w->end + bytes));
    w->end += bytes;
}

static void put_data(writer *w, const model_entry *e)
{
    uint16_t *halves = malloc(CHUNK * sizeof *halves);
    float *floats = malloc(CHUNK * sizeof *floats);
    NEED(halves && floats);
    for (uint64_t at = 0; at < e->tensor->elements; at += CHUNK) {
        size_t n = e->tensor->elements - at < CHUNK ? (size_t)(e->tensor->elements - at) : CHUNK;
        NEED(!tensor_file_read(e->file, e->tensor, 2 * at, 2 * n, halves));
        for (size_t i = 0; w->f32 && i < n; i++) floats[i] = half_to_float(halves[i]);
        if (w->f32) NEED(fwrite(floats, sizeof *floats, n, w->f) == n);
        else NEED(fwrite(halves, sizeof *halves, n, w->f) == n);
    }
    free(halves);
    free(floats);
}

static void begin(writer *w, bool f32)
{
    *w = (writer){.f32 = f32};
    strbuf_puts(&w->header, "{");
}

/* Writes the header; the data follow in the order of the entries. */
static void open_file(writer *w, const char *path)
{
    strbuf_puts(&w->header, "}");
    while (w->header.n % 8) strbuf_puts(&w->header, " ");
    uint64_t n = w->header.n;
    w->f = fopen(path, "wb");
    NEED(w->f && !w->header.failed && fwrite(&n, sizeof n, 1, w->f) == 1 && fwrite(w->header.s, 1, n, w->f) == n);
}

static void finish(writer *w)
{
    NEED(!fclose(w->f));
    strbuf_free(&w->header);
}

/* --- forms --- */

static void write_compvis(const model *m, const char *path, bool f32)
{
    writer w;
    char name[256];
    begin(&w, f32);
    for (int p = 0; p < PART_COUNT; p++)
        for (int i = 0; i < m->part[p].count; i++) {
            const model_entry *e = &m->part[p].entry[i];
            compvis_name((model_part)p, e->name, name, sizeof name);
            put_entry(&w, name, e->tensor, is_convolution((model_part)p, e->name, true));
        }
    open_file(&w, path);
    for (int p = 0; p < PART_COUNT; p++)
        for (int i = 0; i < m->part[p].count; i++) put_data(&w, &m->part[p].entry[i]);
    finish(&w);
}

/* name with the first `from` in it replaced, where it is one of the VAE's attention. */
static void early_name(const char *name, char *out, size_t size)
{
    static const char *const words[][2] = {
        {"to_q.", "query."}, {"to_k.", "key."}, {"to_v.", "value."}, {"to_out.0.", "proj_attn."}};
    for (size_t i = 0; strstr(name, ".attentions.") && i < sizeof words / sizeof words[0]; i++) {
        const char *at = strstr(name, words[i][0]);
        if (!at) continue;
        snprintf(out, size, "%.*s%s%s", (int)(at - name), name, words[i][1], at + strlen(words[i][0]));
        return;
    }
    snprintf(out, size, "%s", name);
}

static void write_part(const model *m, model_part part, const char *folder, bool early, bool f32)
{
    writer w;
    char path[512], name[256];
    snprintf(path, sizeof path, "%s/%s", folder, model_part_name[part]);
    NEED(!mkdir(path, 0777));
    snprintf(path, sizeof path, "%s/%s/%s.safetensors", folder, model_part_name[part],
             part == PART_TEXT ? "model" : "diffusion_pytorch_model");
    begin(&w, f32);
    for (int i = 0; i < m->part[part].count; i++) {
        const model_entry *e = &m->part[part].entry[i];
        if (part == PART_VAE && early) early_name(e->name, name, sizeof name);
        else snprintf(name, sizeof name, "%s%s", part == PART_TEXT ? "text_model." : "", e->name);
        put_entry(&w, name, e->tensor, is_convolution(part, e->name, false));
    }
    open_file(&w, path);
    for (int i = 0; i < m->part[part].count; i++) put_data(&w, &m->part[part].entry[i]);
    finish(&w);
}

static FILE *config_file(const char *folder, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    NEED(f);
    return f;
}

static void put_channels(FILE *f, const int *channels, int n)
{
    fputs("\"block_out_channels\":[", f);
    for (int i = 0; i < n; i++) fprintf(f, i ? ",%d" : "%d", channels[i]);
    fputs("],", f);
}

static void put_types(FILE *f, const char *key, const char *first, const char *second, const bool *is_first, int n)
{
    fprintf(f, "\"%s\":[", key);
    for (int i = 0; i < n; i++) fprintf(f, "%s\"%s\"", i ? "," : "", is_first[i] ? first : second);
    fputs("],", f);
}

static void write_configs(const model *m, const char *folder)
{
    const clip_config *c = &m->clip;
    const unet_config *u = &m->unet;
    const vae_config *v = &m->vae;
    const bool all[MODEL_LEVELS_MAX] = {true, true, true, true, true, true, true, true};
    FILE *f = config_file(folder, "text_encoder/config.json");
    fprintf(f,
            "{\"vocab_size\":%d,\"hidden_size\":%d,\"intermediate_size\":%d,\"num_hidden_layers\":%d,"
            "\"num_attention_heads\":%d,\"max_position_embeddings\":%d,\"layer_norm_eps\":1e-05,\"hidden_act\":\"quick_"
            "gelu\"}",
            c->vocab_size, c->hidden, c->intermediate, c->layers, c->heads, c->positions);
    NEED(!fclose(f));
    f = config_file(folder, "unet/config.json");
    fprintf(f, "{\"_class_name\":\"UNet2DConditionModel\",\"in_channels\":%d,\"out_channels\":%d,\"sample_size\":%d,",
            u->in_channels, u->out_channels, u->sample_size);
    put_channels(f, u->channels, u->levels);
    put_types(f, "down_block_types", "CrossAttnDownBlock2D", "DownBlock2D", u->down_attention, u->levels);
    put_types(f, "up_block_types", "CrossAttnUpBlock2D", "UpBlock2D", u->up_attention, u->levels);
    fprintf(f,
            "\"layers_per_block\":%d,\"attention_head_dim\":%d,\"cross_attention_dim\":%d,\"norm_num_groups\":%d,"
            "\"norm_eps\":1e-05,\"flip_sin_to_cos\":true,\"freq_shift\":0}",
            u->layers_per_block[0], u->heads[0], u->context, u->groups);
    NEED(!fclose(f));
    f = config_file(folder, "vae/config.json");
    fprintf(f, "{\"_class_name\":\"AutoencoderKL\",\"in_channels\":%d,\"out_channels\":%d,\"latent_channels\":%d,",
            v->in_channels, v->out_channels, v->latent_channels);
    put_channels(f, v->channels, v->levels);
    put_types(f, "down_block_types", "DownEncoderBlock2D", "", all, v->levels);
    put_types(f, "up_block_types", "UpDecoderBlock2D", "", all, v->levels);
    fprintf(f, "\"layers_per_block\":%d,\"norm_num_groups\":%d,\"sample_size\":%d,\"scaling_factor\":0.18215}",
            v->layers_per_block, v->groups, v->sample_size);
    NEED(!fclose(f));
    f = config_file(folder, "scheduler/scheduler_config.json");
    fputs("{\"_class_name\":\"PNDMScheduler\",\"beta_start\":0.00085,\"beta_end\":0.012,\"beta_schedule\":\"scaled_"
          "linear\","
          "\"num_train_timesteps\":1000,\"set_alpha_to_one\":false,\"skip_prk_steps\":true,\"steps_offset\":1,"
          "\"clip_sample\":false}",
          f);
    NEED(!fclose(f));
    f = config_file(folder, "model_index.json");
    fputs("{\"_class_name\":\"StableDiffusionPipeline\",\"scheduler\":[\"diffusers\",\"PNDMScheduler\"],"
          "\"text_encoder\":[\"transformers\",\"CLIPTextModel\"],\"tokenizer\":[\"transformers\",\"CLIPTokenizer\"],"
          "\"unet\":[\"diffusers\",\"UNet2DConditionModel\"],\"vae\":[\"diffusers\",\"AutoencoderKL\"]}",
          f);
    NEED(!fclose(f));
}

void model_write(const model *m, const char *path, writer_form form, bool f32)
{
    char scheduler[512];
    if (form == FORM_COMPVIS) {
        write_compvis(m, path, f32);
        return;
    }
    snprintf(scheduler, sizeof scheduler, "%s/scheduler", path);
    NEED(!mkdir(path, 0777) && !mkdir(scheduler, 0777));
    for (int p = 0; p < PART_COUNT; p++) write_part(m, (model_part)p, path, form == FORM_EARLY_FOLDER, f32);
    write_configs(m, path);
}
