/* SPDX-License-Identifier: MIT */
/* Which of the embedded INI files are for a device. */
#include "ocl/device_class.h"
#include "ocl/config_internal.h"
#include "ocl/embedded.h"

#include <ctype.h>
#include <fnmatch.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *part; /* of CL_DEVICE_VENDOR, any case */
    const char *file;
} vendors[] = {
    {"nvidia", "nvidia.ini"},
    {"advanced micro devices", "amd.ini"},
    {"amd", "amd.ini"},
    {"intel", "intel.ini"},
};
enum { VENDORS = sizeof vendors / sizeof vendors[0] };

/* One board bears several names: "Intel(R) Arc(TM) A770 Graphics" and "Arc A770 Graphics", "pthread-EPYC" and "cpu-EPYC" (PoCL). */
static const char *const prefixes[] = {"NVIDIA ", "AMD ",     "Advanced Micro Devices, Inc. ",
                                       "Intel ",  "pthread-", "cpu-"};
static const char *const marks[] = {"(R)", "(TM)", "(C)"};

static size_t mark_length(const char *s)
{
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (!strncasecmp(s, marks[i], strlen(marks[i]))) return strlen(marks[i]);
    return 0;
}

/* n bytes of a name or pattern without trademarks, vendor's prefix, outer and doubled blanks. */
static void normalise(char *out, size_t size, const char *name, size_t n)
{
    size_t length = 0;
    for (const char *s = name; s < name + n && length + 1 < size;) {
        size_t mark = mark_length(s);
        if (mark) s += mark;
        else if (!isspace((unsigned char)*s)) out[length++] = *s++;
        else {
            if (length && out[length - 1] != ' ') out[length++] = ' ';
            s++;
        }
    }
    if (length && out[length - 1] == ' ') length--;
    out[length] = 0;
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        size_t k = strlen(prefixes[i]);
        if (strncasecmp(out, prefixes[i], k)) continue;
        memmove(out, out + k, length + 1 - k);
        return;
    }
}

/* Of a name that begins with the first word of its vendor's name what follows it, else NULL: "QUALCOMM Adreno" by "QUALCOMM". */
static const char *after_vendor(const char *name, const char *vendor)
{
    size_t n = strcspn(vendor, " ,(");
    return n && !strncasecmp(name, vendor, n) && name[n] == ' ' ? name + n + 1 : NULL;
}

typedef struct match {
    const char *name, *model; /* normalised; model: without a vendor that `prefixes` does not have, or NULL */
    size_t longest;           /* of the patterns that match; 0: none */
} match;

static bool matches(const match *m, const char *pattern)
{
    return !fnmatch(pattern, m->name, FNM_CASEFOLD) || (m->model && !fnmatch(pattern, m->model, FNM_CASEFOLD));
}

/* 1 + characters that a pattern gives, without * ? and [...]: a card's name stands above a pattern of its family that is written with more characters. */
static size_t pattern_length(const char *pattern)
{
    size_t n = 1;
    for (const char *s = pattern; *s; s++) {
        const char *close = *s == '[' && s[1] ? strchr(s + 2, ']') : NULL; /* ] is a member where it comes first */
        if (close) s = close;
        else n += *s != '*' && *s != '?';
    }
    return n;
}

/* ini_handler */
static int on_match(void *user, const char *section, const char *key, const char *value)
{
    match *m = user;
    char pattern[256];
    if (strcmp(section, "device") != 0 || strcmp(key, "match") != 0) return 1;
    for (const char *s = value;; s++) {
        size_t n = strcspn(s, "|");
        normalise(pattern, sizeof pattern, s, n);
        size_t length = pattern_length(pattern);
        if (length > m->longest && matches(m, pattern)) m->longest = length;
        s += n;
        if (!*s) return 1;
    }
}

static const embedded_file *find(const char *name)
{
    for (const embedded_file *e = embedded_configs; e->name; e++)
        if (!strcmp(e->name, name)) return e;
    return NULL;
}

static const embedded_file *vendor_file(const sdcl_device *device)
{
    for (size_t i = 0; i < VENDORS; i++)
        if (strcasestr(device->vendor, vendors[i].part)) return find(vendors[i].file);
    return NULL;
}

/* *best: NULL where there is none. A file that nobody can read says nothing of whom it is for: an error on any device. */
static int device_file(const sdcl_device *device, const embedded_file **best)
{
    char name[sizeof device->name];
    size_t longest = 0;
    *best = NULL;
    normalise(name, sizeof name, device->name, strlen(device->name));
    for (const embedded_file *e = embedded_configs; e->name; e++) {
        match m = {.name = name, .model = after_vendor(name, device->vendor)};
        int bad_line = ini_parse_string(e->text, on_match, &m);
        if (bad_line)
            return config_fail(&(config_origin){"configs/", e->name, bad_line, 0}, "neither [section] nor key = value");
        if (m.longest <= longest) continue;
        longest = m.longest;
        *best = e;
    }
    return 0;
}

bool config_same_device(const char *a, const char *b)
{
    char one[256], other[256];
    normalise(one, sizeof one, a, strlen(a));
    normalise(other, sizeof other, b, strlen(b));
    return !strcasecmp(one, other);
}

void config_device_word(char *out, size_t size, const char *name)
{
    char plain[256];
    size_t n = 0;
    normalise(plain, sizeof plain, name, strlen(name));
    for (const char *s = plain; *s && n + 1 < size; s++) {
        if (isalnum((unsigned char)*s)) out[n++] = (char)tolower((unsigned char)*s);
        else if (n && out[n - 1] != '_') out[n++] = '_';
    }
    while (n && out[n - 1] == '_') n--;
    out[n] = 0;
}

static int apply(config *c, const embedded_file *e, bool is_device_file)
{
    return e ? config_apply_text(c, "configs/", e->name, e->text, e->size, is_device_file) : 0;
}

void config_device_named(sdcl_device *d, const char *text)
{
    bool cpu = !strncasecmp(text, "cpu", 3) || !strncasecmp(text, "pthread", 7);
    *d = (sdcl_device){0};
    snprintf(d->name, sizeof d->name, "%s", text);
    snprintf(d->vendor, sizeof d->vendor, "%s", text);
    snprintf(d->type, sizeof d->type, "%s", cpu ? "cpu" : "gpu");
}

/* General, vendor's and device's file; NULL where there is none. */
static int shipped(const sdcl_device *device, const embedded_file *files[CONFIG_SHIPPED_MAX])
{
    files[0] = find(device_wants_cpu_kernels(device) ? "cpu.ini" : "gpu.ini");
    files[1] = strcmp(device->type, "gpu") ? NULL : vendor_file(device);
    return device_file(device, &files[2]);
}

int config_shipped_files(const sdcl_device *device, const char *names[CONFIG_SHIPPED_MAX])
{
    int n = 0;
    const embedded_file *files[CONFIG_SHIPPED_MAX];
    if (shipped(device, files)) return 0; /* opening a configuration says why */
    for (int i = 0; i < CONFIG_SHIPPED_MAX; i++)
        if (files[i]) names[n++] = files[i]->name;
    return n;
}

int config_apply_shipped(config *c, const sdcl_device *device)
{
    const embedded_file *files[CONFIG_SHIPPED_MAX];
    int err = shipped(device, files);
    if (err) return err;
    c->has_device_file = files[2] != NULL;
    for (int i = 0; i < CONFIG_SHIPPED_MAX && !err; i++) err = apply(c, files[i], i == 2);
    return err;
}
