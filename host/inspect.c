/* SPDX-License-Identifier: MIT */
#include "sdcl.h"

#include "base/error.h"
#include "pipeline/session.h"

int sdcl_inspect(const char *path, const char *model_config, sdcl_model_info *info)
{
    int err = 0;
    model *m = NULL;
    tokenizer *words = NULL;
    *info = (sdcl_model_info){0};
    if (!path) TRY(FAIL(SDCL_EUSAGE, "no model given"));
    TRY(model_open(&m, path, model_config));
    TRY(session_open_words(&words, m, path));
    model_describe(m, info);
out:
    tokenizer_close(&words);
    model_close(&m);
    return err;
}
