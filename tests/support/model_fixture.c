/* SPDX-License-Identifier: MIT */
#include "model_fixture.h"

int fixture_setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    if (!f || !scratch_open(&f->tmp)) return -1;
    snprintf(f->folder, sizeof f->folder, "%s/m", f->tmp.folder);
    snprintf(f->single, sizeof f->single, "%s/one.safetensors", f->tmp.folder);
    shell("cp -R %s %s", GOLDEN, f->folder);
    *state = f;
    return 0;
}

int fixture_teardown(void **state)
{
    fixture *f = *state;
    scratch_close(&f->tmp);
    free(f);
    return 0;
}

const char *in(const fixture *f, const char *name)
{
    static char path[2][512];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", f->folder, name);
    return path[turn];
}

model *opened(const char *path, const char *config)
{
    model *m = NULL;
    if (model_open(&m, &(model_source){.path = path, .config_dir = config}))
        fail_msg("%s: %s", path, sdcl_last_error());
    return m;
}

void assert_opens(const char *path, const char *config)
{
    model *m = opened(path, config);
    model_close(&m);
    assert_null(m);
}

void assert_refused(const char *path, const char *config, const char *words)
{
    model *m = NULL;
    int err = model_open(&m, &(model_source){.path = path, .config_dir = config});
    assert_null(m);
    if (err != SDCL_EMODEL) fail_msg("%s: status %d", words, err);
    char copy[512], *save = NULL;
    snprintf(copy, sizeof copy, "%s", words);
    for (char *w = strtok_r(copy, "|", &save); w; w = strtok_r(NULL, "|", &save))
        if (!strstr(sdcl_last_error(), w)) fail_msg("no \"%s\" in: %s", w, sdcl_last_error());
}
