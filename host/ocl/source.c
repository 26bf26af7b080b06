/* SPDX-License-Identifier: MIT */
#include "ocl/source.h"

#include "base/error.h"
#include "ocl/embedded.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { INCLUDE_DEPTH_MAX = 8 };

/* The text of cl/<file>: from $SDCL_CL_DIR where that is set, else embedded. false: no such file. */
static bool file_text(const char *file, strbuf *text)
{
    const char *dir = getenv("SDCL_CL_DIR");
    if (dir && *dir) {
        char path[4096], block[4096];
        snprintf(path, sizeof path, "%s/%s", dir, file);
        FILE *f = fopen(path, "rb");
        if (!f) return false;
        for (size_t n; (n = fread(block, 1, sizeof block, f)) > 0;) strbuf_add(text, block, n);
        fclose(f);
        return !text->failed;
    }
    for (const embedded_file *e = embedded_cl; e->name; e++)
        if (!strcmp(e->name, file)) {
            strbuf_add(text, e->text, e->size);
            return !text->failed;
        }
    return false;
}

/* Copies a file, replacing #include "x" lines by their text (common.h, which the unit begins with, by nothing), with #line directives so that logs point
 * to the real file. */
static bool inline_file(const char *file, strbuf *out, int depth)
{
    static const char include[] = "#include \"";
    strbuf text = {0};
    bool ok = depth < INCLUDE_DEPTH_MAX && file_text(file, &text);
    int line = 1;
    if (ok) strbuf_printf(out, "#line 1 \"cl/%s\"\n", file);
    for (const char *s = strbuf_text(&text); ok && *s; line++) {
        size_t n = strcspn(s, "\n");
        const char *name = s + sizeof include - 1;
        if (!strncmp(s, include, sizeof include - 1)) {
            char header[128];
            snprintf(header, sizeof header, "%.*s", (int)strcspn(name, "\""), name);
            if (strcmp(header, "common.h")) ok = inline_file(header, out, depth + 1);
            strbuf_printf(out, "#line %d \"cl/%s\"\n", line + 1, file);
        } else {
            strbuf_add(out, s, n);
            strbuf_puts(out, "\n");
        }
        s += n + (s[n] == '\n');
    }
    strbuf_free(&text);
    return ok && !out->failed;
}

static int fail_missing(const char *file)
{
    const char *dir = getenv("SDCL_CL_DIR");
    if (dir && *dir) return FAIL(SDCL_EUSAGE, "SDCL_CL_DIR: cannot read %s/%s", dir, file);
    return FAIL(SDCL_EINTERNAL, "no kernel source cl/%s", file);
}

int source_begin(strbuf *unit, bool declare)
{
    if (declare && !inline_file("builtins.h", unit, 0)) return fail_missing("builtins.h");
    return inline_file("common.h", unit, 0) ? 0 : fail_missing("common.h");
}

static size_t word(const char *s)
{
    size_t n = 0;
    while (isalnum((unsigned char)s[n]) || s[n] == '_') n++;
    return n;
}

/* The name that a line of file scope declares: `INLINE T name(`, `MATRIX T name(` (a function for instructions of its own), `typedef struct name`,
 * `typedef ... name;`. 0: none. */
static size_t declared(const char *line, size_t n, const char **name)
{
    const char *end = line + n;
    if (!strncmp(line, "INLINE ", 7) || !strncmp(line, "MATRIX ", 7)) end = memchr(line, '(', n);
    else if (!strncmp(line, "typedef struct ", 15)) {
        *name = line + 15;
        return word(*name);
    } else if (!strncmp(line, "typedef ", 8)) end = memchr(line, ';', n);
    else return 0;
    if (!end) return 0;
    const char *begin = end;
    while (begin > line && (isalnum((unsigned char)begin[-1]) || begin[-1] == '_')) begin--;
    *name = begin;
    return (size_t)(end - begin);
}

/* A driver that compiles wrongly, for tests: with $SDCL_MISCOMPILE=kernel the last work-group of that kernel does nothing. */
static void add_body(strbuf *unit, const char *name, const char *text, size_t n)
{
    const char *broken = getenv("SDCL_MISCOMPILE"), *kernel = strstr(text, "__kernel"),
               *body = kernel ? strchr(kernel, '{') : NULL;
    if (!broken || !body || strcmp(broken, name) != 0) {
        strbuf_add(unit, text, n);
        return;
    }
    size_t head = (size_t)(body + 1 - text);
    strbuf_add(unit, text, head);
    strbuf_puts(unit, " if (get_group_id(0) + 1 == get_num_groups(0)) return;");
    strbuf_add(unit, text + head, n - head);
}

int source_add(strbuf *unit, const char *name, const char *options, int number)
{
    char file[128];
    strbuf text = {0}, undo = {0};
    snprintf(file, sizeof file, "%s.cl", name);
    bool ok = inline_file(file, &text, 0);
    strbuf_printf(unit, "#define %s %s_%d\n", name, name, number);
    strbuf_printf(&undo, "#undef %s\n", name);
    for (const char *s = options; (s = strstr(s, "-D")); s++) {
        size_t key = word(s + 2), all = strcspn(s, " ");
        strbuf_printf(unit, "#define %.*s %.*s\n", (int)key, s + 2, s[2 + key] == '=' ? (int)(all - key - 3) : 0,
                      s + 2 + key + 1);
        strbuf_printf(&undo, "#undef %.*s\n", (int)key, s + 2);
    }
    for (const char *s = strbuf_text(&text); *s;) {
        size_t n = strcspn(s, "\n"), length;
        const char *local;
        if (!strncmp(s, "#define ", 8)) strbuf_printf(&undo, "#undef %.*s\n", (int)word(s + 8), s + 8);
        else if ((length = declared(s, n, &local))) {
            strbuf_printf(unit, "#define %.*s %.*s_%d\n", (int)length, local, (int)length, local, number);
            strbuf_printf(&undo, "#undef %.*s\n", (int)length, local);
        }
        s += n + (s[n] == '\n');
    }
    add_body(unit, name, strbuf_text(&text), text.n);
    strbuf_add(unit, strbuf_text(&undo), undo.n);
    int err = !ok ? fail_missing(file) : unit->failed || undo.failed ? FAIL(SDCL_ENOMEM, "out of memory") : 0;
    strbuf_free(&text);
    strbuf_free(&undo);
    return err;
}

int source_hash(char hex[SOURCE_HASH], const char *name)
{
    size_t n = strlen(name);
    strbuf text = {0};
    bool ok = inline_file("common.h", &text, 0);
    for (const embedded_file *e = embedded_cl; e->name && ok; e++) {
        size_t length = strlen(e->name);
        if (length < 3 || strcmp(e->name + length - 3, ".cl") != 0 || strncmp(e->name, name, n) != 0) continue;
        if (e->name[n] == '_' || n == length - 3) ok = inline_file(e->name, &text, 0);
    }
    int err = text.failed ? FAIL(SDCL_ENOMEM, "out of memory") : ok ? 0 : fail_missing(name);
    unsigned long long sum = XXH3_64bits(strbuf_text(&text), text.n);
    snprintf(hex, SOURCE_HASH, "%016llx", sum);
    strbuf_free(&text);
    return err;
}

int source_kernel_hash(uint64_t *sum, const char *name, const char *options)
{
    int err = 0;
    strbuf text = {0};
    TRY(source_begin(&text, false));
    TRY(source_add(&text, name, options, 0));
    *sum = XXH3_64bits(strbuf_text(&text), text.n);
out:
    strbuf_free(&text);
    return err;
}
