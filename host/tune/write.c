/* SPDX-License-Identifier: MIT */
/* What was found, as an INI file: a header that says for which device, then a section for every shape, each with the hash of its kernel's source. */
#include "tune/tune.h"

#include "base/error.h"
#include "base/strbuf.h"
#include "ocl/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* false: the file has that section from a key that weighs more. */
static bool section_name(strbuf *file, const char *name, const tune_key *k, dtype dt, bool shared)
{
    strbuf header = {0}, *out = &header;
    static const char letters[] = "MNK";
    const int size[] = {k->shape.m, k->shape.n, k->shape.k};
    strbuf_printf(out, "[%s%s%s", name, shared ? "" : ".", shared ? "" : dtype_word(dt));
    for (int i = 0; i < 3 && !shared; i++)
        if (size[i]) strbuf_printf(out, " %c=%d", letters[i], size[i]);
    strbuf_puts(out, "]\n");
    bool is_new = !strstr(strbuf_text(file), strbuf_text(&header));
    if (is_new) strbuf_puts(file, strbuf_text(&header));
    strbuf_free(&header);
    return is_new;
}

static int add_source(strbuf *out, const char *name)
{
    char hex[SOURCE_HASH];
    int err = source_hash(hex, name);
    if (!err) strbuf_printf(out, "source = %s\n", hex);
    return err;
}

/* What is written for a key; NULL: nothing, the nearest shape serves. */
static const trial *chosen(const tune_key *k, bool shipped)
{
    if (k->best < 0 || !key_known(k)) return NULL;
    return shipped && key_known_ms(k, 1) > 0 ? trial_of(k, &k->known[1]) : &k->trial[k->best];
}

/* The sections of one key. */
static int add_key(strbuf *out, const tune_key *k, const trial *best)
{
    int err = 0;
    const space *s = &k->space[best->c.space];
    double first = key_first_ms(k);
    if (!*s->impl && !s->axes) return 0;
    strbuf_printf(out, "\n; %s, %g a picture: %.4g ms", k->text, k->count, best->min_ms);
    if (first > 0 && best->min_ms < first) strbuf_printf(out, ", before %.4g ms", first);
    strbuf_puts(out, "\n");
    if (*s->impl && section_name(out, k->check.op->op, k, k->check.dt, false)) {
        TRY(add_source(out, k->check.op->op));
        strbuf_printf(out, "impl = %s\n", s->impl);
        for (int i = 0; i < s->axes; i++)
            if (!strcmp(s->axis[i].section->name, k->check.op->op))
                strbuf_printf(out, "%s = %s\n", s->axis[i].section->tunables[s->axis[i].index].name,
                              s->axis[i].word[best->c.pick[i]]);
    }
    const ocl_section *last = NULL;
    bool is_new = false;
    for (int i = 0; i < s->axes; i++) {
        const axis *a = &s->axis[i];
        if (*s->impl && !strcmp(a->section->name, k->check.op->op)) continue; /* written above */
        if (a->shared && a->value[best->c.pick[i]] == OCL_AUTO) continue;     /* no section: the library's own */
        if (a->section != last) is_new = section_name(out, a->section->name, k, a->dt, a->shared);
        if (a->section != last && is_new) TRY(add_source(out, a->section->name));
        last = a->section;
        if (is_new) strbuf_printf(out, "%s = %s\n", a->section->tunables[a->index].name, a->word[best->c.pick[i]]);
    }
out:
    return err;
}

/* --- sections of an older file that stay --- */

/* Length of the block that begins at s: a section with what follows it up to the next one's comment or header. */
static size_t block_length(const char *s)
{
    const char *at = s;
    do at += strcspn(at, "\n") + (at[strcspn(at, "\n")] == '\n');
    while (*at && *at != '[' && *at != ';');
    return (size_t)(at - s);
}

/* Is the block's hash that of its kernel today? */
static bool is_current(const char *block, size_t n)
{
    char name[128], hex[SOURCE_HASH], line[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(block + 1, ". ]"), block + 1);
    if (source_hash(hex, name)) return false;
    snprintf(line, sizeof line, "\nsource = %s\n", hex);
    const char *at = strstr(block, line);
    return at && at < block + n;
}

static void keep_sections(strbuf *out, const char *old)
{
    char header[160];
    for (const char *s = old; *s;) {
        size_t n = block_length(s);
        snprintf(header, sizeof header, "\n%.*s\n", (int)strcspn(s, "\n"), s);
        if (*s == '[' && strncmp(s, "[tuned]", 7) != 0 && is_current(s, n) && !strstr(strbuf_text(out), header)) {
            strbuf_puts(out, "\n");
            strbuf_add(out, s, n);
        }
        s += n;
    }
}

static void read_text(const char *path, strbuf *text)
{
    char block[4096];
    FILE *f = path ? fopen(path, "r") : NULL;
    for (size_t n; f && (n = fread(block, 1, sizeof block, f)) > 0;) strbuf_add(text, block, n);
    if (f) fclose(f);
}

static int write_text(const char *path, const strbuf *text)
{
    FILE *f = fopen(path, "w");
    if (!f) return FAIL(SDCL_EOUTPUT, "cannot write %s: %s", path, strerror(errno));
    bool ok = fwrite(text->s, 1, text->n, f) == text->n;
    ok = !fclose(f) && ok;
    return ok ? 0 : FAIL(SDCL_EOUTPUT, "cannot write %s: %s", path, strerror(errno));
}

int tuned_write(const tuner *t, const char *path, bool shipped, const char *keep)
{
    int err = 0;
    char date[32];
    time_t now = time(NULL);
    struct tm utc;
    strbuf out = {0}, old = {0};
    strftime(date, sizeof date, "%Y-%m-%d", gmtime_r(&now, &utc));
    strbuf_printf(&out,
                  "; Written by sdcl tune (sdcl " SDCL_VERSION "): values measured on this device.\n"
                  "[tuned]\ndevice = %s\ndriver = %s\ndate = %s\n",
                  t->device.info.name, t->device.info.driver, date);
    for (int i = 0; i < t->key_count; i++) {
        const trial *one = chosen(&t->key[i], shipped);
        if (one) TRY(add_key(&out, &t->key[i], one));
    }
    read_text(keep, &old);
    keep_sections(&out, strbuf_text(&old));
    if (out.failed || old.failed) TRY(FAIL(SDCL_ENOMEM, "out of memory"));
    TRY(write_text(path, &out));
out:
    strbuf_free(&out);
    strbuf_free(&old);
    return err;
}
