/* SPDX-License-Identifier: MIT */
/* One INI file. inih splits the lines; what it would cut, join or skip in silence is refused here, line by line. */
#include "base/error.h"
#include "base/strbuf.h"
#include "ocl/config_internal.h"
#include "ocl/source.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 1 << 20, NAME_MAX_LENGTH = 96 };

/* What the lines of a section are for. */
typedef enum section_kind { SECTION_NONE, SECTION_VALUES, SECTION_DEVICE, SECTION_TUNED, SECTION_STALE } section_kind;

typedef struct reader {
    config *c;
    config_origin origin; /* of the line last read */
    const char *at, *end;
    bool device_file, tuned; /* tuned: [tuned] stands at the top, so sections may say `source` */
    section_kind kind;
    config_place place;     /* SECTION_VALUES; also SECTION_DEVICE where `has_device` */
    bool has_device, begun; /* begun: a key of this section has been read */
    int stale, sections;    /* of a tuned file */
    int err;
} reader;

/* line: "[name]" with comment and blanks after it, n bytes. */
static int enter_section(reader *r, const char *line, size_t n)
{
    char name[NAME_MAX_LENGTH + 1];
    const char *close = memchr(line, ']', n);
    if (!close) return config_fail(&r->origin, "a section's name has no ]");
    for (const char *s = close + 1; s < line + n && *s != ';' && *s != '#'; s++)
        if (!isspace((unsigned char)*s)) return config_fail(&r->origin, "text after [section]");
    size_t length = (size_t)(close - line - 1);
    if (length > NAME_MAX_LENGTH) return config_fail(&r->origin, "section name of %zu characters", length);
    memcpy(name, line + 1, length);
    name[length] = 0;
    bool first = r->kind == SECTION_NONE;
    r->begun = false;
    if (!strcmp(name, "tuned")) {
        if (!first) return config_fail(&r->origin, "[tuned] stands at the top of a file, once");
        r->kind = SECTION_TUNED;
        r->tuned = true;
        return 0;
    }
    r->kind = SECTION_VALUES;
    int err = config_find_place(r->c, &r->origin, name, &r->place);
    if (!strcmp(name, "device")) {
        r->kind = SECTION_DEVICE;
        r->has_device = !err;
        if (r->device_file) err = 0;
    } else if (r->tuned) {
        r->sections++;
        if (err == SDCL_EUSAGE) { /* of a kernel that is no more */
            r->kind = SECTION_STALE;
            r->stale++;
            err = 0;
        }
    }
    return err;
}

/* ini_reader. Leading blanks go, because inih takes them for the continuation of a value. */
static char *next_line(char *line, int size, void *stream)
{
    reader *r = stream;
    if (r->err || r->at == r->end) return NULL;
    const char *s = r->at;
    const char *stop = memchr(s, '\n', (size_t)(r->end - s));
    r->at = stop ? stop + 1 : r->end;
    if (!stop) stop = r->end;
    r->origin.line++;
    bool nul = memchr(s, 0, (size_t)(stop - s)) != NULL;
    while (s < stop && isspace((unsigned char)*s)) s++;
    while (stop > s && isspace((unsigned char)stop[-1])) stop--;
    if (s < stop && (*s == ';' || *s == '#')) stop = s;
    size_t n = (size_t)(stop - s);
    if (nul) r->err = config_fail(&r->origin, "NUL byte; INI files are plain text");
    else if (n >= (size_t)size) r->err = config_fail(&r->origin, "line of more than %d characters", size - 1);
    else if (n && *s == '[') r->err = enter_section(r, s, n);
    if (r->err) return NULL;
    memcpy(line, s, n);
    line[n] = 0;
    return line;
}

static int check_match(reader *r)
{
    if (!r->device_file) return config_fail(&r->origin, "'match' is for device files in configs/ only");
    return 0;
}

/* `source = hash` is the first key of a section that `tune` wrote: where the kernel is another one now, the section does not count. */
static int check_source(reader *r, const char *value)
{
    char now[SOURCE_HASH];
    if (!r->tuned) return config_fail(&r->origin, "'source' is for files that begin with [tuned]");
    if (r->begun) return config_fail(&r->origin, "'source' is the first key of a section");
    int err = source_hash(now, r->c->sections[r->place.section]->name);
    if (err || !strcmp(now, value)) return err;
    r->kind = SECTION_STALE;
    r->stale++;
    return 0;
}

static int check_tuned(reader *r, const char *key, const char *value)
{
    static const char *const keys[] = {"device", "driver", "date"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!strcmp(key, keys[i])) return *value ? 0 : config_fail(&r->origin, "'%s' in [tuned] is empty", key);
    return config_fail(&r->origin, "unknown key '%.64s' in [tuned]", key);
}

/* ini_handler: 0 stops. The section is known from its own line. */
static int on_value(void *user, const char *section, const char *key, const char *value)
{
    (void)section;
    reader *r = user;
    switch (r->kind) {
    case SECTION_NONE: r->err = config_fail(&r->origin, "'%.64s' stands before the first [section]", key); break;
    case SECTION_STALE: break;
    case SECTION_TUNED: r->err = check_tuned(r, key, value); break;
    case SECTION_DEVICE:
        if (!strcmp(key, "match")) r->err = check_match(r);
        else if (r->has_device) r->err = config_assign(r->c, &r->origin, r->place, key, value);
        else r->err = config_fail(&r->origin, "unknown key '%.64s' in [device]", key);
        break;
    case SECTION_VALUES:
        if (!strcmp(key, "source")) r->err = check_source(r, value);
        else r->err = config_assign(r->c, &r->origin, r->place, key, value);
    }
    r->begun = true;
    return !r->err;
}

int config_apply_text(config *c, const char *folder, const char *file, const char *text, size_t size, bool device_file)
{
    reader r = {
        .c = c, .origin = {folder, file, 0, ++c->layer}, .at = text, .end = text + size, .device_file = device_file};
    if (size >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
        r.origin.line = 1;
        return config_fail(&r.origin, "byte order mark; save the file as UTF-8 without one");
    }
    int bad_line = ini_parse_stream(next_line, &r, on_value, &r);
    if (bad_line < 0) return FAIL(SDCL_ENOMEM, "out of memory reading %s", file);
    if (r.stale)
        config_warn(c,
                    "%s: %d of %d sections were tuned for other versions of their kernels and do not count; "
                    "'sdcl tune' brings them up to date",
                    file, r.stale, r.sections);
    if (!bad_line || (r.err && bad_line == r.origin.line)) return r.err;
    r.origin.line = bad_line;
    return config_fail(&r.origin, "neither [section] nor key = value");
}

int config_apply_file(config *c, const char *path)
{
    int err = 0;
    char block[4096];
    strbuf text = {0};
    struct stat st;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY); /* opening a FIFO must not wait */
    if (fd >= 0 && !fstat(fd, &st) && !S_ISREG(st.st_mode)) {
        close(fd);
        return FAIL(SDCL_EUSAGE, "cannot read %s: it is no regular file", path);
    }
    FILE *f = fd >= 0 ? fdopen(fd, "rb") : NULL;
    if (!f) {
        err = FAIL(SDCL_EUSAGE, "cannot read %s: %s", path, strerror(errno));
        if (fd >= 0) close(fd);
        return err;
    }
    for (size_t n; text.n <= FILE_MAX && (n = fread(block, 1, sizeof block, f)) > 0;) strbuf_add(&text, block, n);
    if (ferror(f)) err = FAIL(SDCL_EUSAGE, "cannot read %s: %s", path, strerror(errno));
    else if (text.failed) err = FAIL(SDCL_ENOMEM, "out of memory reading %s", path);
    else if (text.n > FILE_MAX) err = FAIL(SDCL_EUSAGE, "%s: more than 1 MB; this is no INI file", path);
    else err = config_apply_text(c, "", path, strbuf_text(&text), text.n, false);
    fclose(f);
    strbuf_free(&text);
    return err;
}
