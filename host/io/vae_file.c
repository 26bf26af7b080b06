/* SPDX-License-Identifier: MIT */
/* A VAE that takes the place of a model's own. */
#include "io/model_parts.h"

#include "base/error.h"
#include "io/compvis_names.h"
#include "io/config_json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_BYTES = 256 };

static bool begins(const char *name, const char *prefix) { return !strncmp(name, prefix, strlen(prefix)); }

/* path: a VAE's folder, or that of a whole model. */
static int load_folder(model *m, const char *path)
{
    int err = 0;
    char *own = path_join(path, "config.json", NULL), *inner = path_join(path, "vae", "config.json"),
         *dir = path_join(path, "vae", NULL);
    if (!own || !inner || !dir) TRY(FAIL(SDCL_ENOMEM, "out of memory"));
    const bool whole = access(own, F_OK) != 0;
    if (whole && access(inner, F_OK) != 0)
        TRY(FAIL(SDCL_EMODEL, "%s: not the folder of a VAE: config.json is missing", path));
    TRY(config_read_vae(&m->vae, whole ? inner : own));
    TRY(model_load_weights(m, PART_VAE, whole ? dir : path));
out:
    free(own);
    free(inner);
    free(dir);
    return err;
}

/* path: names of CompVis, with the prefix of a checkpoint or without, or of diffusers. Other tensors are left alone: those of
 * training losses, or the rest of a checkpoint. The sizes are those of the model's own VAE. */
static int load_file(model *m, const char *path)
{
    static const char prefix[] = "first_stage_model.";
    const tensor_file *f = NULL;
    int err = 0, prefixed = 0, count = 0;
    TRY(model_add_file(m, &f, path));
    for (int i = 0; i < tensor_file_count(f); i++) prefixed += begins(tensor_file_at(f, i)->name, prefix);
    for (int i = 0; i < tensor_file_count(f); i++) {
        const file_tensor *t = tensor_file_at(f, i);
        const char *name = t->name;
        char translated[NAME_BYTES];
        if (prefixed && !begins(name, prefix)) continue;
        if (prefixed) name += sizeof prefix - 1;
        if (!begins(name, "encoder.") && !begins(name, "decoder.") && !begins(name, "quant_conv.") &&
            !begins(name, "post_quant_conv."))
            continue;
        const bool known = compvis_vae_name(&m->vae, name, translated, sizeof translated);
        TRY(model_add_tensor(m, PART_VAE, known ? translated : name, t, f));
        count++;
    }
    if (!count) TRY(FAIL(SDCL_EMODEL, "%s: no VAE: no tensor begins with %s, encoder. or decoder.", path, prefix));
out:
    return err;
}

int model_load_vae(model *m)
{
    const char *path = m->source.vae;
    struct stat st;
    if (stat(path, &st)) {
        int err = FAIL(SDCL_EMODEL, "VAE '%s': %s", path, strerror(errno));
        error_hint("--vae takes a folder with config.json, or a .safetensors or .ckpt file");
        return err;
    }
    return S_ISDIR(st.st_mode) ? load_folder(m, path) : load_file(m, path);
}
