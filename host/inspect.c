/* SPDX-License-Identifier: MIT */
#include "sdcl.h"

#include "base/error.h"
#include "pipeline/session.h"

int sdcl_inspect(const sdcl_params *p, sdcl_model_info *info)
{
    int err = 0;
    model *m = NULL;
    tokenizer *words = NULL;
    *info = (sdcl_model_info){0};
    if (!p->model) TRY(FAIL(SDCL_EUSAGE, "no model given"));
    TRY(session_open_files(&m, p->model, p));
    TRY(session_open_words(&words, m, p->model));
    TRY(model_verify(m));
    model_describe(m, info);
out:
    tokenizer_close(&words);
    model_close(&m);
    return err;
}
