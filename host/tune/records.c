/* SPDX-License-Identifier: MIT */
/* The records: one JSON object a line for every candidate that was tried, appended in one write under a lock, so that several processes may share the file
 * and a killed one loses no more than the candidate in flight. Who is at a candidate holds a lock on a byte far behind the end of the file, which
 * the system takes back when the process ends, however it ends. */
#include "tune/tune.h"

#include "base/error.h"
#include "base/strbuf.h"
#include "ocl/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

enum { LINE_MAX_BYTES = 1 << 16 };

static const uint64_t claims_begin = 1ull << 40, claims_mask = (1ull << 48) - 1;

int records_open(tuner *t, const char *path, bool resume)
{
    char first = 0;
    records *r = &t->records;
    struct stat st;
    r->path = strdup(path);
    if (!r->path) return FAIL(SDCL_ENOMEM, "out of memory");
    r->fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (r->fd < 0) return FAIL(SDCL_EOUTPUT, "cannot write records to %s: %s", path, strerror(errno));
    if (fstat(r->fd, &st) || !S_ISREG(st.st_mode)) return FAIL(SDCL_EOUTPUT, "%s is no regular file", path);
    if (st.st_size && (pread(r->fd, &first, 1, 0) != 1 || first != '{')) {
        int err = FAIL(SDCL_EOUTPUT, "%s exists, and holds no records", path);
        error_hint("give another name for them; lines are added at the end of a file");
        return err;
    }
    r->from = resume ? 0 : st.st_size;
    r->read = r->from;
    return 0;
}

void records_close(records *r)
{
    if (r->path && r->fd >= 0) close(r->fd);
    free(r->path);
    *r = (records){.fd = -1};
}

/* --- claims --- */

static struct flock claim_of(const tune_key *k, const candidate *c, short type)
{
    XXH64_hash_t h = XXH64(k->id, strlen(k->id), (XXH64_hash_t)c->space);
    h = XXH64(c->pick, (size_t)k->space[c->space].axes, h);
    return (struct flock){
        .l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)(claims_begin + (h & claims_mask)), .l_len = 1};
}

bool records_claim(const tuner *t, const tune_key *k, const candidate *c)
{
    struct flock f = claim_of(k, c, F_WRLCK);
    return !fcntl(t->records.fd, F_OFD_SETLK, &f) || (errno != EAGAIN && errno != EACCES);
}

void records_release(const tuner *t, const tune_key *k, const candidate *c)
{
    struct flock f = claim_of(k, c, F_UNLCK);
    fcntl(t->records.fd, F_OFD_SETLK, &f);
}

/* --- writing --- */

/* "gemm_cpu": hash of its source, for each section of the candidate. */
static json_t *sources_of(const tune_key *k, const candidate *c)
{
    const space *s = &k->space[c->space];
    json_t *sources = json_object();
    for (int i = 0; i < s->axes; i++) {
        char hex[SOURCE_HASH];
        const char *name = s->axis[i].section->name;
        if (!json_object_get(sources, name) && !source_hash(hex, name))
            json_object_set_new(sources, name, json_string(hex));
    }
    return sources;
}

static json_t *values_of(const tune_key *k, const candidate *c)
{
    const space *s = &k->space[c->space];
    json_t *values = json_object();
    for (int i = 0; i < s->axes; i++) {
        char name[96];
        const axis *a = &s->axis[i];
        snprintf(name, sizeof name, "%s.%s", a->section->name, a->section->tunables[a->index].name);
        json_object_set_new(values, name, json_string(a->word[c->pick[i]]));
    }
    return values;
}

static json_t *record_of(const tuner *t, const tune_key *k, const trial *one)
{
    char date[32];
    time_t now = time(NULL);
    struct tm utc;
    json_t *r = json_object();
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    json_object_set_new(r, "ok", json_boolean(one->ok));
    if (!one->ok) json_object_set_new(r, "reason", json_string(one->why));
    json_object_set_new(r, "op", json_string(k->check.op->op));
    json_object_set_new(r, "key", json_string(k->id));
    json_object_set_new(r, "shape", json_pack("{s:i,s:i,s:i}", "M", k->shape.m, "N", k->shape.n, "K", k->shape.k));
    json_object_set_new(r, "impl", json_string(k->space[one->c.space].impl));
    json_object_set_new(r, "values", values_of(k, &one->c));
    if (one->ok) {
        json_object_set_new(r, "ms", json_real(one->ms));
        json_object_set_new(r, "min_ms", json_real(one->min_ms));
        json_object_set_new(r, "runs", json_integer(one->runs));
        json_object_set_new(r, "nmse", json_real(one->nmse));
        json_object_set_new(r, "gflop", json_real(k->gflop));
        json_object_set_new(r, "gbyte", json_real(k->gbyte));
    }
    json_object_set_new(r, "device", json_string(t->device.info.name));
    json_object_set_new(r, "driver", json_string(t->device.info.driver));
    json_object_set_new(r, "source", sources_of(k, &one->c));
    json_object_set_new(r, "time", json_string(date));
    json_object_set_new(r, "pid", json_integer(getpid()));
    return r;
}

/* A line that a killed process left half written gets its end first. 0 or the cause: a full disk takes a part of a line, which goes again. */
static int append(int fd, const char *line, size_t n)
{
    struct stat st;
    char last = '\n';
    int cause = 0;
    strbuf whole = {0};
    flock(fd, LOCK_EX);
    bool known = !fstat(fd, &st);
    if (known && st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) == 1 && last != '\n') strbuf_puts(&whole, "\n");
    strbuf_add(&whole, line, n);
    strbuf_puts(&whole, "\n");
    if (whole.failed) cause = ENOMEM;
    for (size_t done = 0; !cause && done < whole.n;) {
        ssize_t k = write(fd, whole.s + done, whole.n - done);
        if (k > 0) done += (size_t)k;
        else if (!k || errno != EINTR) cause = k ? errno : EIO;
    }
    if (cause && known && ftruncate(fd, st.st_size)) cause = errno;
    flock(fd, LOCK_UN);
    strbuf_free(&whole);
    return cause;
}

int records_append(tuner *t, const tune_key *k, const trial *one)
{
    json_t *r = record_of(t, k, one);
    char *line = json_dumps(r, JSON_COMPACT | JSON_REAL_PRECISION(9));
    int cause = line ? append(t->records.fd, line, strlen(line)) : ENOMEM;
    json_decref(r);
    free(line);
    if (!cause) return 0;
    int err = FAIL(SDCL_EOUTPUT, "cannot write to %s: %s", t->records.path, strerror(cause));
    error_hint("--resume goes on with what was written");
    return err;
}

/* --- reading --- */

static const char *text_of(const json_t *r, const char *key)
{
    const char *s = json_string_value(json_object_get(r, key));
    return s ? s : "";
}

static bool read_candidate(const tune_key *k, const json_t *r, candidate *c)
{
    const json_t *values = json_object_get(r, "values");
    *c = (candidate){.space = -1};
    for (int i = 0; i < k->space_count; i++)
        if (!strcmp(k->space[i].impl, text_of(r, "impl"))) c->space = i;
    if (c->space < 0 || !json_is_object(values)) return false;
    const space *s = &k->space[c->space];
    if (json_object_size(values) != (size_t)s->axes) return false;
    for (int i = 0; i < s->axes; i++) {
        char name[96];
        const axis *a = &s->axis[i];
        snprintf(name, sizeof name, "%s.%s", a->section->name, a->section->tunables[a->index].name);
        const char *word = text_of(values, name);
        int v = 0;
        while (v < a->count && strcmp(a->word[v], word) != 0) v++;
        if (v == a->count) return false;
        c->pick[i] = (unsigned char)v;
    }
    return true;
}

/* A record counts for this device, this driver and these kernels. */
static void read_record(tuner *t, const json_t *r)
{
    trial one = {.ok = json_is_true(json_object_get(r, "ok"))};
    tune_key *k = NULL;
    for (int i = 0; i < t->key_count; i++)
        if (!strcmp(t->key[i].id, text_of(r, "key"))) k = &t->key[i];
    if (!k || strcmp(text_of(r, "device"), t->device.info.name) != 0 ||
        strcmp(text_of(r, "driver"), t->device.info.driver) != 0 || !read_candidate(k, r, &one.c))
        return;
    const trial *known = trial_of(k, &one.c);
    if (known && (!known->ok || one.ok)) return;
    json_t *sources = sources_of(k, &one.c);
    bool same = json_equal(sources, json_object_get(r, "source"));
    json_decref(sources);
    if (!same) return;
    one.ms = json_number_value(json_object_get(r, "ms"));
    one.min_ms = json_number_value(json_object_get(r, "min_ms"));
    one.nmse = json_number_value(json_object_get(r, "nmse"));
    one.runs = (int)json_integer_value(json_object_get(r, "runs"));
    one.at = seconds_now() - t->begin;
    snprintf(one.why, sizeof one.why, "%s", text_of(r, "reason"));
    if (one.ok && !(one.min_ms > 0)) return;
    if (one.ok) {
        k->gflop = json_number_value(json_object_get(r, "gflop"));
        k->gbyte = json_number_value(json_object_get(r, "gbyte"));
    }
    if (known) key_reject(k, known, one.why);
    else key_add(k, &one);
}

int records_read(tuner *t)
{
    char block[4096];
    strbuf text = {0};
    ssize_t n = 0;
    while ((n = pread(t->records.fd, block, sizeof block, t->records.read + (off_t)text.n)) > 0)
        strbuf_add(&text, block, (size_t)n);
    int err = text.failed ? FAIL(SDCL_ENOMEM, "out of memory")
              : n < 0     ? FAIL(SDCL_EOUTPUT, "cannot read %s: %s", t->records.path, strerror(errno))
                          : 0;
    const char *s = strbuf_text(&text);
    for (const char *end; !err && (end = strchr(s, '\n')); s = end + 1) {
        json_t *r = end - s < LINE_MAX_BYTES ? json_loadb(s, (size_t)(end - s), 0, NULL) : NULL;
        if (r) read_record(t, r);
        json_decref(r);
        t->records.read += end - s + 1;
    }
    strbuf_free(&text);
    return err;
}
