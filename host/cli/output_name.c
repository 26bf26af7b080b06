/* SPDX-License-Identifier: MIT */
#include "cli/output_name.h"

#include "cli/message.h"
#include "cli/nearest.h"
#include "cli/utf8.h"
#include "cli/values.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COUNTER_MAX = 100000, COUNTER_ROOM = sizeof "-99999" - 1 };

static const char default_template[] = "[seed].png";
static const char words[] = "seed|index|prompt|steps|sampler|width|height|date";

/* Length of the "[word]" at s, any lower-case word; 0: s is literal text. */
static size_t word_at(const char *s)
{
    if (*s != '[') return 0;
    size_t n = strspn(s + 1, "abcdefghijklmnopqrstuvwxyz_");
    return n && s[n + 1] == ']' ? n + 2 : 0;
}

static bool is_word(const char *s, size_t n, const char *word)
{
    return strlen(word) + 2 == n && !memcmp(s + 1, word, n - 2);
}

static bool has_word(const char *template, const char *word)
{
    for (const char *s = template; *s; s++)
        if (is_word(s, word_at(s), word)) return true;
    return false;
}

static bool is_template(const char *given)
{
    for (const char *s = given; *s; s++)
        if (word_at(s)) return true;
    return false;
}

bool output_needs_model(const output_request *r)
{
    const char *t = r->given ? r->given : default_template;
    return (has_word(t, "width") && !r->width) || (has_word(t, "height") && !r->height) ||
           (has_word(t, "steps") && !r->steps) || (has_word(t, "sampler") && !r->sampler);
}

/* Text as part of a file name: no separators, controls or characters that shells and other systems mind; at most max bytes. */
static void print_sanitised(FILE *f, const char *s, size_t max)
{
    size_t used = 0;
    while (*s) {
        const char *begin = s;
        int32_t c = utf8_next(&s);
        bool keep = c > 0x20 && (c < 0x7f || c >= 0xa0) && !(c < 0x7f && strchr("/\\:*?\"<>|'`$&;", (int)c));
        size_t n = keep ? (size_t)(s - begin) : 1;
        if (used + n > max) return;
        fwrite(keep ? begin : "_", 1, n, f);
        used += n;
    }
}

static void print_word(FILE *f, const output_request *r, int i, const char *s, size_t n, size_t prompt_max)
{
    if (is_word(s, n, "seed")) fprintf(f, "%llu", (unsigned long long)r->seeds[i]);
    else if (is_word(s, n, "index")) fprintf(f, "%d", i + 1);
    else if (is_word(s, n, "prompt")) print_sanitised(f, r->prompt, prompt_max);
    else if (is_word(s, n, "steps")) fprintf(f, "%d", r->steps);
    else if (is_word(s, n, "sampler")) print_sanitised(f, r->sampler ? r->sampler : "", OUTPUT_NAME_MAX);
    else if (is_word(s, n, "width")) fprintf(f, "%d", r->width);
    else if (is_word(s, n, "height")) fprintf(f, "%d", r->height);
    else {
        char date[16] = "";
        struct tm tm;
        if (localtime_r(&r->now, &tm)) strftime(date, sizeof date, "%Y-%m-%d", &tm);
        fputs(date, f);
    }
}

/* The template's text for picture i, malloc'd; NULL without memory. */
static char *expand(const output_request *r, const char *template, int i, size_t prompt_max)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (!f) return NULL;
    for (const char *s = template; *s;) {
        size_t n = word_at(s);
        if (n) print_word(f, r, i, s, n, prompt_max);
        else fputc(*s, f);
        s += n ? n : 1;
    }
    if (fclose(f)) {
        free(text);
        return NULL;
    }
    return text;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* path with "-n" before its extension, malloc'd. */
static char *numbered(const char *path, int n)
{
    const char *dot = strrchr(base_name(path), '.');
    size_t stem = dot && dot != base_name(path) ? (size_t)(dot - path) : strlen(path);
    char *text;
    return asprintf(&text, "%.*s-%d%s", (int)stem, path, n, path + stem) < 0 ? NULL : text;
}

/* Shortens the prompt until the name, with room for a counter, keeps to OUTPUT_NAME_MAX: by a quarter of the excess at a time, as the
 * template may repeat it. The prompt does not make a hidden file. */
static char *expand_short(const output_request *r, const char *template, int i)
{
    size_t prompt_max = OUTPUT_NAME_MAX, n;
    char *path = expand(r, template, i, prompt_max);
    while (path && prompt_max && (n = strlen(base_name(path)) + COUNTER_ROOM) > OUTPUT_NAME_MAX) {
        size_t less = (n - OUTPUT_NAME_MAX) / 4 + 1;
        prompt_max -= less < prompt_max ? less : prompt_max;
        free(path);
        path = expand(r, template, i, prompt_max);
    }
    if (path && *base_name(path) == '.' && *base_name(template) != '.') {
        char *hidden = path;
        int folder = (int)(base_name(path) - path);
        if (asprintf(&path, "%.*s_%s", folder, hidden, hidden + folder) < 0) path = NULL;
        free(hidden);
    }
    return path;
}

static int check_template(const char *given)
{
    nearest n;
    char word[32];
    for (const char *s = given; *s; s++) {
        size_t k = word_at(s);
        if (!k) continue;
        snprintf(word, sizeof word, "%.*s", (int)k - 2, s + 1);
        if (value_in_list(words, word)) continue;
        nearest_begin(&n, word);
        nearest_try_list(&n, words);
        cli_fail(SDCL_EUSAGE, "--output %.200s: unknown word [%s]", given, word);
        if (nearest_word(&n)) cli_hint("did you mean [%s]?", nearest_word(&n));
        else cli_hint("there are [seed] [index] [prompt] [steps] [sampler] [width] [height] [date]");
        return SDCL_EUSAGE;
    }
    const char *dot = strrchr(base_name(given), '.');
    if (dot && (!strcasecmp(dot, ".jpg") || !strcasecmp(dot, ".jpeg") || !strcasecmp(dot, ".webp"))) {
        cli_fail(SDCL_EUSAGE, "--output %.200s: pictures are written as PNG only", given);
        cli_hint("use a name that ends in .png");
        return SDCL_EUSAGE;
    }
    return 0;
}

static int check_stdout(const output_request *r)
{
    if (r->count > 1) {
        cli_fail(SDCL_EUSAGE, "--output - takes one picture, not %d", r->count);
        cli_hint("give a file name: -o picture.png makes picture-1.png, picture-2.png, ...");
        return SDCL_EUSAGE;
    }
    if (isatty(STDOUT_FILENO)) {
        cli_fail(SDCL_EOUTPUT, "standard output is a terminal: a PNG is not written there");
        cli_hint("redirect it: sdcl ... -o - > picture.png");
        return SDCL_EOUTPUT;
    }
    return 0;
}

/* Creates and removes a file in path's folder: permissions alone do not tell (read-only mounts, root, full inode tables). */
static int probe_folder(const char *path)
{
    char *probe = NULL;
    int folder = (int)(base_name(path) - path);
    if (asprintf(&probe, "%.*s.sdcl-probe-XXXXXX", folder, path) < 0)
        return cli_fail(SDCL_ENOMEM, "no memory for a file name");
    int fd = mkostemp(probe, O_CLOEXEC), cause = errno;
    if (fd >= 0) {
        close(fd);
        unlink(probe);
    }
    free(probe);
    if (fd >= 0) return 0;
    cli_fail(SDCL_EOUTPUT, "%.*s: cannot create files there: %s", folder ? folder : 1, folder ? path : ".",
             strerror(cause));
    if (cause == ENOENT) cli_hint("mkdir -p %.*s", folder, path);
    return SDCL_EOUTPUT;
}

static int check_path(const char *path, bool force)
{
    struct stat st;
    if (!*path) return cli_fail(SDCL_EUSAGE, "--output '': no name");
    if (!*base_name(path) || (!stat(path, &st) && S_ISDIR(st.st_mode))) {
        cli_fail(SDCL_EOUTPUT, "%s: is a folder", path);
        cli_hint("-o %s%s[seed].png", path, *base_name(path) ? "/" : "");
        return SDCL_EOUTPUT;
    }
    if (!stat(path, &st) && !S_ISREG(st.st_mode)) return cli_fail(SDCL_EOUTPUT, "%s: not a regular file", path);
    if (!force && !lstat(path, &st)) {
        cli_fail(SDCL_EOUTPUT, "%s: exists", path);
        cli_hint("--force replaces it; a template such as [seed].png makes new names");
        return SDCL_EOUTPUT;
    }
    if (strlen(base_name(path)) > 255) return cli_fail(SDCL_EOUTPUT, "%.100s...: the file name is too long", path);
    return 0;
}

/* Does a file, or another picture of the job, have this name? */
static bool taken(const output_names *o, int i, const char *path, bool force)
{
    struct stat st;
    if (!force && !lstat(path, &st)) return true;
    for (int k = 0; k < o->count; k++)
        if (k != i && o->path[k] && !strcmp(o->path[k], path)) return true;
    return false;
}

int output_avoid(output_names *o, int i, bool force)
{
    char *path = o->path[i];
    for (int n = 1; path && n < COUNTER_MAX && taken(o, i, path, force); n++) {
        if (path != o->path[i]) free(path);
        path = numbered(o->path[i], n);
    }
    if (!path) return cli_fail(SDCL_ENOMEM, "no memory for file names");
    if (path != o->path[i]) free(o->path[i]);
    o->path[i] = path;
    return 0;
}

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Are two of the names the same? -1: no memory. */
static int any_twice(const output_names *o)
{
    char **sorted = calloc((size_t)o->count, sizeof *sorted);
    if (!sorted) return -1;
    memcpy(sorted, o->path, (size_t)o->count * sizeof *sorted);
    qsort(sorted, (size_t)o->count, sizeof *sorted, by_text);
    int twice = 0;
    for (int i = 1; i < o->count && !twice; i++) twice = !strcmp(sorted[i - 1], sorted[i]);
    free(sorted);
    return twice;
}

static int number_all(output_names *o)
{
    for (int i = 0; i < o->count; i++) {
        char *path = numbered(o->path[i], i + 1);
        if (!path) return cli_fail(SDCL_ENOMEM, "no memory for file names");
        free(o->path[i]);
        o->path[i] = path;
    }
    return 0;
}

static bool same_folder(const char *a, const char *b)
{
    return base_name(a) - a == base_name(b) - b && !memcmp(a, b, (size_t)(base_name(a) - a));
}

int output_plan(output_names *o, const output_request *r)
{
    int err = 0;
    const char *template = r->given ? r->given : default_template;
    *o = (output_names){.count = r->count, .avoid = !r->given};
    if (!strcmp(template, "-")) return check_stdout(r);
    TRY(check_template(template));
    o->path = calloc((size_t)r->count, sizeof *o->path);
    if (!o->path) TRY(cli_fail(SDCL_ENOMEM, "no memory for file names"));
    for (int i = 0; i < r->count; i++) {
        o->path[i] = is_template(template) ? expand_short(r, template, i) : strdup(template);
        if (!o->path[i]) TRY(cli_fail(SDCL_ENOMEM, "no memory for file names"));
        if (o->avoid) TRY(output_avoid(o, i, r->force));
    }
    int twice = any_twice(o);
    if (twice < 0) TRY(cli_fail(SDCL_ENOMEM, "no memory for file names"));
    if (twice) TRY(number_all(o));
    for (int i = 0; i < r->count; i++) {
        TRY(check_path(o->path[i], r->force));
        if (!i || !same_folder(o->path[i], o->path[i - 1])) TRY(probe_folder(o->path[i]));
    }
out:
    if (err) output_close(o);
    return err;
}

void output_close(output_names *o)
{
    for (int i = 0; o->path && i < o->count; i++) free(o->path[i]);
    free(o->path);
    *o = (output_names){0};
}
