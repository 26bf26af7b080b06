/* SPDX-License-Identifier: MIT */
/* The settings of a picture as A1111 stores them, under the PNG keyword "parameters". */
#ifndef SDCL_CLI_INFOTEXT_H
#define SDCL_CLI_INFOTEXT_H

#include "sdcl.h"

/* model: its path; hash: "" leaves it out. malloc'd; NULL without memory. */
char *infotext(const sdcl_job *job, const sdcl_image *image, const char *model, const char *hash, const char *vae,
               const char *vae_hash);

#endif
