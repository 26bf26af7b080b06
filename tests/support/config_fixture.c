/* SPDX-License-Identifier: MIT */
#include "config_fixture.h"

#include "scratch.h"

static scratch tmp;
char file[512];

int config_setup(void **state)
{
    (void)state;
    if (!scratch_open(&tmp)) return -1;
    snprintf(file, sizeof file, "%s/config.json", tmp.folder);
    return 0;
}

int config_teardown(void **state)
{
    (void)state;
    scratch_close(&tmp);
    return 0;
}

int read_as(enum kind kind)
{
    clip_config clip;
    unet_config unet;
    vae_config vae;
    scheduler_config scheduler = {0};
    int err;
    switch (kind) {
    case CLIP: return config_read_clip(&clip, file);
    case UNET: return config_read_unet(&unet, file);
    case VAE: return config_read_vae(&vae, file);
    default:
        err = config_read_scheduler(&scheduler, file);
        free(scheduler.trained_betas);
        return err;
    }
}

static int changed(enum kind kind, const char *key, const char *literal)
{
    static const char *const source[] = {"text_encoder/config", "unet/config", "vae/config",
                                         "scheduler/scheduler_config"};
    shell("cp tests/golden/tiny-a/%s.json %s", source[kind], file);
    json_edit(file, key, literal);
    return read_as(kind);
}

void assert_refused_key(enum kind kind, const char *key, const char *literal)
{
    int err = changed(kind, key, literal);
    if (err != SDCL_EMODEL || !strstr(sdcl_last_error(), key))
        fail_msg("%s = %s: status %d, message: %s", key, literal, err, sdcl_last_error());
}

void assert_accepted(enum kind kind, const char *key, const char *literal)
{
    int err = changed(kind, key, literal);
    if (err) fail_msg("%s = %s: %s", key, literal ? literal : "(absent)", sdcl_last_error());
}

int read_text(enum kind kind, const char *text)
{
    text_write(file, text);
    return read_as(kind);
}
