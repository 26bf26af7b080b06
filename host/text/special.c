/* SPDX-License-Identifier: MIT */
#include "text/special.h"

#include "base/error.h"
#include "text/files.h"
#include "text/normalize.h"

#include <string.h>
#include <unistd.h>

static const char *const keys[SPECIAL_ROLES] = {"bos_token", "eos_token", "pad_token", "unk_token"};
static const char *const defaults[SPECIAL_ROLES] = {"<|startoftext|>", "<|endoftext|>", "<|endoftext|>",
                                                    "<|endoftext|>"};

static int set(vocab *v, const json_t *ids, enum special_role role, const char *name, const char *path)
{
    special_token *s = v->special + role;
    const json_t *id = json_object_get(ids, name);
    if (!id) return FAIL(SDCL_EMODEL, "%s: the %s \"%s\" is not in the vocabulary", path, keys[role], name);
    s->id = (int32_t)json_integer_value(id);
    strbuf_free(&s->text);
    return text_normalize(name, strlen(name), &s->text);
}

/* A value is the token itself or an object with its "content". */
static int overlay(vocab *v, const json_t *ids, const json_t *file, const char *path)
{
    for (int role = 0; role < SPECIAL_ROLES; role++) {
        const json_t *value = json_object_get(file, keys[role]);
        if (json_is_object(value)) value = json_object_get(value, "content");
        else if (!value || json_is_null(value)) continue;
        if (!json_is_string(value)) return FAIL(SDCL_EMODEL, "%s: %s is not a token", path, keys[role]);
        int err = set(v, ids, (enum special_role)role, json_string_value(value), path);
        if (err) return err;
    }
    return 0;
}

int special_tokens_load(vocab *v, const json_t *ids, const char *dir)
{
    static const char *const names[] = {"tokenizer_config.json", "special_tokens_map.json"};
    int err = 0;
    json_t *file = NULL;
    strbuf path = {0};
    bool given[SPECIAL_ROLES] = {0}, complete = false;
    for (size_t i = 0; dir && i < sizeof names / sizeof *names && !complete; i++) {
        strbuf_free(&path);
        strbuf_printf(&path, "%s/%s", dir, names[i]);
        if (path.failed) TRY(FAIL(SDCL_ENOMEM, "no memory for a path"));
        if (access(path.s, F_OK)) continue;
        TRY(text_json_read(path.s, &file));
        TRY(overlay(v, ids, file, path.s));
        complete = json_object_get(file, "added_tokens_decoder"); /* newer files: the map is not read */
        for (int role = 0; role < SPECIAL_ROLES; role++) given[role] |= v->special[role].text.n > 0;
        json_decref(file);
        file = NULL;
    }
    for (int role = 0; role < SPECIAL_ROLES; role++)
        if (!given[role]) TRY(set(v, ids, (enum special_role)role, defaults[role], dir ? dir : "built-in vocabulary"));
out:
    json_decref(file);
    strbuf_free(&path);
    return err;
}
