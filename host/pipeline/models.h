/* SPDX-License-Identifier: MIT */
/* Where the model is. */
#ifndef SDCL_PIPELINE_MODELS_H
#define SDCL_PIPELINE_MODELS_H

/* asked: a path, or NULL for $SDCL_MODEL, else models/pocket beside the program's prefix: the build tree's root (build/sdcl -> models/pocket) or
 * PREFIX/share/sdcl/models/pocket (PREFIX/bin/sdcl). *path is malloc'ed. SDCL_EMODEL: none of them exists. */
int model_locate(char **path, const char *asked);

/* The pocket model alone. */
int model_locate_pocket(char **path);

#endif
