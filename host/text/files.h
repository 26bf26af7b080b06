/* SPDX-License-Identifier: MIT */
#ifndef SDCL_TEXT_FILES_H
#define SDCL_TEXT_FILES_H

#include "base/strbuf.h"

#include <jansson.h>

/* A regular file of at most 64 MiB. SDCL_EMODEL with the path on failure. */
int text_file_read(const char *path, strbuf *out);
/* A file that holds a JSON object without duplicate keys; *object is a new reference. */
int text_json_read(const char *path, json_t **object);
/* The embedded merges.txt of CLIP. */
int clip_merges_read(strbuf *out);

#endif
