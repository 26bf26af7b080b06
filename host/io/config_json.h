/* SPDX-License-Identifier: MIT */
/* The config.json files of a diffusers folder. Every number is checked against its range and against the others; a
 * block type or an option that would change the arithmetic and is not implemented is refused by name (SDCL_EMODEL),
 * never ignored. */
#ifndef SDCL_IO_CONFIG_JSON_H
#define SDCL_IO_CONFIG_JSON_H

#include "base/model_config.h"

enum { CONFIG_BYTES_MAX = 1 << 20 };

int config_read_clip(clip_config *c, const char *path);
int config_read_unet(unet_config *c, const char *path);
int config_read_vae(vae_config *c, const char *path);
/* c->trained_betas is malloc'ed where the file has them. */
int config_read_scheduler(scheduler_config *c, const char *path);

/* The constants of Stable Diffusion v1 (v1.5's scheduler). */
extern const clip_config sd_v1_clip;
extern const unet_config sd_v1_unet;
extern const vae_config sd_v1_vae;
extern const scheduler_config sd_v1_scheduler;

/* Whether the three parts fit together: context width, latent channels, input channels. where: for the message. */
int config_check_parts(const char *where, const clip_config *clip, const unet_config *unet, const vae_config *vae);

#endif
