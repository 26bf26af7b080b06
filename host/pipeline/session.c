/* SPDX-License-Identifier: MIT */
/* Opening and closing a session. */
#include "pipeline/residency.h"

#include "base/strbuf.h"
#include "io/hash_cache.h"
#include "nn/params.h"
#include "ocl/device_class.h"
#include "pipeline/models.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int session_factor(const sdcl *s) { return 1 << (model_vae(s->m)->levels - 1); }

void session_log(const sdcl *s, sdcl_level level, const char *format, ...)
{
    char message[1024];
    va_list ap;
    if (!s->params.log) return;
    va_start(ap, format);
    vsnprintf(message, sizeof message, format, ap);
    va_end(ap);
    s->params.log(s->params.user, level, message);
}

void session_progress(const sdcl *s, const char *stage, int step, int steps, double seconds, int image, int images)
{
    sdcl_progress p = {stage, step, steps, seconds, image, images};
    if (s->params.progress) s->params.progress(s->params.user, &p);
}

int session_cancelled(const sdcl *s)
{
    if (!s->params.cancelled || !s->params.cancelled(s->params.user)) return 0;
    return FAIL(SDCL_EINTERRUPTED, "interrupted");
}

void sdcl_params_init(sdcl_params *p) { *p = (sdcl_params){0}; }
void sdcl_free(void *memory) { free(memory); }

int sdcl_devices(sdcl_device **list, int *count)
{
    ocl_device *found = NULL;
    *list = NULL;
    int err = ocl_device_list(&found, count);
    if (err) return err;
    *list = malloc((size_t)(*count ? *count : 1) * sizeof **list);
    if (!*list) err = FAIL(SDCL_ENOMEM, "out of memory");
    for (int i = 0; !err && i < *count; i++) (*list)[i] = found[i].info;
    free(found);
    return err;
}

int session_choose_device(const char *want, ocl_device *device)
{
    int err = 0, count = 0, index = 0;
    ocl_device *list = NULL;
    TRY(ocl_device_list(&list, &count));
    TRY(ocl_device_choose(list, count, want, &index));
    *device = list[index];
out:
    free(list);
    return err;
}

void session_compute_in(sdcl *s, dtype precision, dtype vae_precision)
{
    s->precision = precision;
    s->vae_precision = vae_precision;
    s->activation = precision_storage(precision);
    s->precision_name = precision_word(precision);
}

/* --precision. On a CPU `auto` is f32; a GPU would have to prove half arithmetic first, and none is used yet. */
static int choose_precision(sdcl *s, const char *precision)
{
    static const dtype all[] = {F32, F16, BF16};
    if (!precision || !strcmp(precision, "auto")) precision = "f32";
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!strcmp(precision, precision_word(all[i]))) {
            session_compute_in(s, all[i], all[i]);
            return 0;
        }
    return FAIL(SDCL_EUSAGE, "--precision %s: expected auto, f32, f16 or bf16", precision);
}

/* bf16 needs instructions for it, faster than those for f32. */
static int prove_precision(const sdcl *s)
{
    int err = 0;
    if (s->precision != BF16) return 0;
    TRY(ocl_build_wait(s->o)); /* engines may race now */
    if (ops_multiply_bf16(s->o)) return 0;
    err = FAIL(SDCL_EUSAGE, "--precision bf16: nothing on %s multiplies in bf16 faster than in f32",
               s->device.info.name);
    error_hint("--precision f32 is more exact and as fast here");
out:
    return err;
}

static void warn(void *user, const char *text)
{
    const sdcl_params *p = user;
    if (p->log) p->log(p->user, SDCL_WARNING, text);
}

/* Which command would find better values: said where the shipped ones are a guess, a GPU without a file of its own. */
static void offer_tuning(const sdcl *s)
{
    if (config_is_tuned(s->values) || s->params.config_file) return;
    bool guess = !s->device.cpu && !config_has_device_file(s->values);
    session_log(s, guess ? SDCL_INFO : SDCL_VERBOSE, "values for %s are %s; 'sdcl tune%s%s' measures better ones",
                s->device.info.name, guess ? "those of its vendor or class" : "those that come with sdcl",
                s->params.model ? " --model " : "", s->params.model ? s->params.model : "");
}

static int load_networks(sdcl *s)
{
    int err = 0;
    params text = {s->m, PART_TEXT, s->text_weights}, net = {s->m, PART_UNET, s->unet_weights},
           vae = {s->m, PART_VAE, s->vae_weights};
    TRY(clip_load(&s->text, &text, model_clip(s->m)));
    TRY(unet_load(&s->net, &net, model_unet(s->m)));
    TRY(vae_decoder_load(&s->decoder, &vae, model_vae(s->m)));
out:
    return err;
}

int session_open_words(tokenizer **words, const model *m, const char *path)
{
    int err = tokenizer_open(words, model_tokenizer_dir(m));
    if (err || tokenizer_size(*words) <= model_clip(m)->vocab_size) return err;
    return FAIL(SDCL_EMODEL, "%s: the tokenizer has %d tokens, the text encoder only %d", path, tokenizer_size(*words),
                model_clip(m)->vocab_size);
}

int session_open_files(model **m, const char *path, const sdcl_params *p)
{
    model_source source = {.path = path, .config_dir = p->model_config, .vae = p->vae, .ema = EMA_AUTO};
    *m = NULL;
    if (p->ema && !strcmp(p->ema, "on")) source.ema = EMA_ON;
    else if (p->ema && !strcmp(p->ema, "off")) source.ema = EMA_OFF;
    else if (p->ema && strcmp(p->ema, "auto") != 0)
        return FAIL(SDCL_EUSAGE, "--ema %s: expected auto, on or off", p->ema);
    return model_open(m, &source);
}

static int open_model(sdcl *s, const sdcl_params *p)
{
    if (!p->random_model) return session_open_files(&s->m, s->model_path, p);
    s->model_path = strdup("random weights");
    return s->model_path ? model_open_random(&s->m, NULL, NULL, NULL) : FAIL(SDCL_ENOMEM, "out of memory");
}

/* The kernels that put weights in place are built from here on, by themselves: those are read while all other kernels are built. */
static int open_device(sdcl *s, const sdcl_params *p)
{
    int err = 0;
    weights **sets[] = {&s->text_weights, &s->unet_weights, &s->vae_weights};
    TRY(ocl_open(&s->o, &s->device, s->values, p->profile));
    for (int i = 0; i < 3; i++) {
        TRY(weights_new(sets[i], s->o));
        if (s->precision == BF16) TRY(weights_expect_pairs(*sets[i]));
    }
    ocl_build_start(s->o);
out:
    return err;
}

int sdcl_open(sdcl **out_session, const sdcl_params *p)
{
    int err = 0;
    sdcl *s = calloc(1, sizeof *s);
    *out_session = NULL;
    if (!s) return FAIL(SDCL_ENOMEM, "out of memory");
    s->params = *p;
    if (!p->random_model) TRY(model_locate(&s->model_path, p->model));
    if (p->vae && !(s->vae_path = strdup(p->vae))) TRY(FAIL(SDCL_ENOMEM, "out of memory"));
    TRY(session_choose_device(p->device, &s->device));
    TRY(choose_precision(s, p->precision));
    TRY(config_open(&s->values, ops_sections, &s->device.info, p->config_file, p->set, p->set_count));
    TRY(ops_check_config(s->values, &s->device.info));
    config_warnings(s->values, warn, &s->params);
    offer_tuning(s);
    TRY(open_device(s, p));
    TRY(open_model(s, p));
    if (model_unet(s->m)->in_channels != model_vae(s->m)->latent_channels) {
        err = FAIL(SDCL_EMODEL, "%s: a UNet with %d input channels (inpainting) cannot draw from a prompt alone",
                   s->model_path, model_unet(s->m)->in_channels);
        goto out;
    }
    TRY(session_open_words(&s->words, s->m, s->model_path));
    TRY(prove_precision(s));
    residency_open(s, p->memory_mib > 0 ? (uint64_t)p->memory_mib << 20 : 0);
    TRY(load_networks(s));
    *out_session = s;
    s = NULL;
out:
    sdcl_close(&s);
    return err;
}

void sdcl_close(sdcl **s_)
{
    sdcl *s = *s_;
    if (!s) return;
    passes_free(s);
    clip_free(&s->text);
    unet_free(&s->net);
    vae_decoder_free(&s->decoder);
    weights_free(&s->text_weights);
    weights_free(&s->unet_weights);
    weights_free(&s->vae_weights);
    ocl_close(&s->o);
    tokenizer_close(&s->words);
    model_close(&s->m);
    config_close(&s->values);
    free(s->model_path);
    free(s->vae_path);
    free(s);
    *s_ = NULL;
}

const sdcl_device *sdcl_session_device(const sdcl *s) { return &s->device.info; }
const char *sdcl_session_model(const sdcl *s) { return s->model_path; }

const char *sdcl_session_model_hash(sdcl *s)
{
    char hex[SHA256_HEX];
    if (!s->hash[0] && !hash_cached(model_part_path(s->m, PART_UNET), hex)) memcpy(s->hash, hex, 10);
    return s->hash;
}

const char *sdcl_session_vae(const sdcl *s) { return s->vae_path; }

const char *sdcl_session_vae_hash(sdcl *s)
{
    char hex[SHA256_HEX];
    if (s->vae_path && !s->vae_hash[0] && !hash_cached(model_part_path(s->m, PART_VAE), hex))
        memcpy(s->vae_hash, hex, 10);
    return s->vae_hash;
}

int sdcl_config(sdcl *s, sdcl_config_fn *each, void *user)
{
    config_each(s->values, each, user);
    return 0;
}

/* The device, and the files that give its values, as origins name them. */
static void say_layers(const sdcl_params *p, const sdcl_device *device, const config *values)
{
    strbuf text = {0};
    const char *names[CONFIG_SHIPPED_MAX];
    char *tuned = config_is_tuned(values) ? config_tuned_path(device, false) : NULL;
    int n = config_shipped_files(device, names);
    strbuf_printf(&text, "%s:", device->name);
    for (int i = 0; i < n; i++) strbuf_printf(&text, "%s configs/%s", i ? "," : "", names[i]);
    if (tuned) strbuf_printf(&text, ", %s", tuned);
    if (p->config_file) strbuf_printf(&text, ", %s", p->config_file);
    if (p->log && !text.failed) p->log(p->user, SDCL_INFO, strbuf_text(&text));
    strbuf_free(&text);
    free(tuned);
}

int sdcl_config_for(const sdcl_params *p, const char *named, sdcl_config_fn *each, void *user)
{
    int err = 0;
    ocl_device device = {0};
    config *values = NULL, *shipped = NULL;
    if (named) {
        config_device_named(&device.info, named);
        device.cpu = device_wants_cpu_kernels(&device.info);
    } else TRY(session_choose_device(p->device, &device));
    TRY(config_open(&values, ops_sections, &device.info, p->config_file, p->set, p->set_count));
    TRY(ops_check_config(values, named ? NULL : &device.info));
    config_warnings(values, warn, &(sdcl_params){.log = p->log, .user = p->user});
    say_layers(p, &device.info, values);
    TRY(config_open_shipped(&shipped, ops_sections, &device.info, NULL, 0));
    TRY(config_each_judged(values, shipped, ops_judge, &device, each, user));
out:
    config_close(&shipped);
    config_close(&values);
    return err;
}

int sdcl_profile(sdcl *s, sdcl_profile_fn *each, void *user, double *seconds)
{
    *seconds = s->busy_seconds;
    return ocl_profile_each(s->o, each, user);
}

const char *sdcl_sampler_name(int i) { return sampler_name(i); }
const char *sdcl_sampler_a1111(const char *sampler) { return sampler_a1111(sampler); }
const char *sdcl_sampler_canonical(const char *any, const char **schedule) { return sampler_canonical(any, schedule); }
const char *sdcl_schedule_name(int i) { return schedule_name(i); }
const char *sdcl_schedule_a1111(const char *schedule) { return schedule_a1111(schedule); }
