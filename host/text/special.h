/* SPDX-License-Identifier: MIT */
#ifndef SDCL_TEXT_SPECIAL_H
#define SDCL_TEXT_SPECIAL_H

#include "text/vocab.h"

#include <jansson.h>

/* Sets v->special from CLIP's defaults, tokenizer_config.json and special_tokens_map.json (both optional; dir may be
 * NULL) in the order in which transformers lets one override the other. ids: name -> id. */
int special_tokens_load(vocab *v, const json_t *ids, const char *dir);

#endif
