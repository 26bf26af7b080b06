/* SPDX-License-Identifier: MIT */
/* The other end of a request: what a worker process does before it exits. */
#include "base/error.h"
#include "base/strbuf.h"
#include "ocl/probe.h"
#include "ops/peak.h"
#include "tune/tune.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { SETS_MAX = 128, REQUEST_MAX = 1 << 20 };

typedef struct work {
    json_t *request;
    const char *set[SETS_MAX];
    int set_count;
    int lock; /* held while timing; -1: none */
} work;

static const char *text_of(const work *w, const char *key)
{
    return json_string_value(json_object_get(w->request, key));
}

static int int_of(const work *w, const char *key) { return (int)json_integer_value(json_object_get(w->request, key)); }

static int lock_begin(void *user)
{
    const work *w = user;
    if (w->lock >= 0) flock(w->lock, LOCK_EX);
    return 0;
}

static void lock_end(void *user)
{
    const work *w = user;
    if (w->lock >= 0) flock(w->lock, LOCK_UN);
}

static int open_work(work *w)
{
    size_t i;
    json_t *one;
    const char *lock = text_of(w, "lock");
    json_array_foreach(json_object_get(w->request, "set"), i, one)
    {
        if (w->set_count == SETS_MAX || !json_string_value(one)) return FAIL(SDCL_EINTERNAL, "malformed request");
        w->set[w->set_count++] = json_string_value(one);
    }
    w->lock = lock ? open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    return 0;
}

static int device_at(int index, ocl_device *device)
{
    int err = 0, count = 0;
    ocl_device *list = NULL;
    TRY(ocl_device_list(&list, &count));
    if (index < 0 || index >= count) TRY(FAIL(SDCL_EDEVICE, "device %d is gone", index));
    *device = list[index];
out:
    free(list);
    return err;
}

static int put_line(int out, const json_t *reply)
{
    char *text = json_dumps(reply, JSON_COMPACT);
    bool ok = text && dprintf(out, "%s\n", text) > 0;
    free(text);
    return ok ? 0 : FAIL(SDCL_EOUTPUT, "cannot write the reply");
}

/* One op at one shape: correct first, then timed. *given_up: it is wrong, or too slow to be timed. */
static int do_key(work *w, ocl *o, const json_t *asked, int out, bool *given_up)
{
    check_key key;
    check_result r = {0};
    const char *id = json_string_value(json_object_get(asked, "key"));
    check_timing timing = {.seconds = json_number_value(json_object_get(w->request, "seconds")),
                           .give_up_ms = json_number_value(json_object_get(asked, "give_up_ms")),
                           .begin = lock_begin,
                           .end = lock_end,
                           .user = w};
    if (!id || !key_of_id(id, &key)) return FAIL(SDCL_EINTERNAL, "malformed request");
    key.lenient = json_is_true(json_object_get(w->request, "lenient"));
    /* Sums of equal signs show what random ones cancel out. */
    check_run_key(o, &key, FILL_OFFSET, 1, NULL, &r);
    if (r.ok) check_run_key(o, &key, FILL_UNIFORM, 1, &timing, &r);
    *given_up = !r.ok || (timing.give_up_ms > 0 && r.min_ms > timing.give_up_ms);
    json_t *reply = json_pack("{s:b,s:f,s:f,s:i,s:f,s:f,s:f}", "ok", r.ok, "ms", r.ms, "min_ms", r.min_ms, "runs",
                              r.runs, "nmse", isfinite(r.nmse) ? r.nmse : 0, "gflop", r.gflops, "gbyte", r.gbytes);
    if (!r.ok) json_object_set_new(reply, "why", json_string(r.why));
    int err = put_line(out, reply);
    json_decref(reply);
    return err;
}

/* Keys with one configuration, a line for each as soon as it is done. */
static int do_ops(work *w, int out)
{
    int err = 0;
    size_t i;
    json_t *one;
    config *values = NULL;
    ocl *o = NULL;
    ocl_device device;
    bool given_up = false;
    TRY(device_at(int_of(w, "device"), &device));
    if (json_is_true(json_object_get(w->request, "shipped")))
        TRY(config_open_shipped(&values, ops_sections, &device.info, w->set, w->set_count));
    else TRY(config_open(&values, ops_sections, &device.info, text_of(w, "config"), w->set, w->set_count));
    TRY(ocl_open(&o, &device, values, false));
    ocl_build_apart(o);
    ocl_probe_forget(o);
    json_array_foreach(json_object_get(w->request, "keys"), i, one)
    {
        TRY(do_key(w, o, one, out, &given_up));
        if (given_up && json_is_true(json_object_get(w->request, "lead")) && !i) break;
    }
out:
    ocl_close(&o);
    config_close(&values);
    return err;
}

static void add_phase(json_t *reply, const char *name, const sdcl_bench_phase *p)
{
    json_object_set_new(reply, name, json_pack("{s:f,s:f}", "min", p->min_s, "median", p->median_s));
}

/* A session on the request's model and configuration. */
static int open_session(work *w, sdcl **s)
{
    sdcl_params p;
    char device[16];
    sdcl_params_init(&p);
    snprintf(device, sizeof device, "%d", int_of(w, "device"));
    p.model = text_of(w, "model");
    p.model_config = text_of(w, "model_config");
    p.random_model = int_of(w, "random_model");
    p.device = device;
    p.precision = text_of(w, "precision");
    p.config_file = text_of(w, "config");
    p.set = w->set;
    p.set_count = w->set_count;
    p.no_selftest = 1; /* every candidate has been compared with its reference */
    return sdcl_open(s, &p);
}

/* The phases of a picture with one configuration, and the device's peaks. */
static int do_model(work *w, json_t *reply)
{
    int err = 0;
    sdcl *s = NULL;
    sdcl_job j;
    sdcl_bench b;
    double copy = 0;
    sdcl_job_init(&j);
    j.width = int_of(w, "width");
    j.height = int_of(w, "height");
    j.steps = int_of(w, "steps");
    TRY(open_session(w, &s));
    lock_begin(w);
    err = sdcl_bench_model(s, &j, &b);
    if (!err) err = peak_copy(s->o, &copy);
    lock_end(w);
    if (err) goto out;
    json_object_set_new(reply, "ok", json_true());
    add_phase(reply, "text", &b.text);
    add_phase(reply, "unet", &b.unet);
    add_phase(reply, "vae", &b.vae);
    json_object_set_new(reply, "peak_gflops", json_real(b.peak_gflops));
    json_object_set_new(reply, "copy_gbs", json_real(copy));
out:
    sdcl_close(&s);
    return err;
}

static int write_pixels(void *user, const sdcl_image *image)
{
    const char *path = user;
    size_t n = (size_t)image->width * (size_t)image->height * 3;
    FILE *f = fopen(path, "w");
    bool ok = f && fwrite(image->rgb, 1, n, f) == n;
    if (f) ok = !fclose(f) && ok;
    return ok ? 0 : FAIL(SDCL_EOUTPUT, "cannot write %s", path);
}

/* One picture, as bytes of its pixels in the request's file. */
static int do_picture(work *w, json_t *reply)
{
    static const uint64_t seeds[] = {1};
    int err = 0;
    sdcl *s = NULL;
    sdcl_job j;
    sdcl_job_init(&j);
    j.prompt = "a red apple";
    j.negative = "";
    j.seeds = seeds;
    j.count = 1;
    j.width = int_of(w, "width");
    j.height = int_of(w, "height");
    j.steps = int_of(w, "steps");
    TRY(open_session(w, &s));
    TRY(sdcl_generate(s, &j, write_pixels, (void *)(uintptr_t)text_of(w, "file")));
    json_object_set_new(reply, "ok", json_true());
out:
    sdcl_close(&s);
    return err;
}

static json_t *read_request(int fd)
{
    char block[4096];
    strbuf text = {0};
    for (ssize_t n; text.n < REQUEST_MAX && (n = read(fd, block, sizeof block)) > 0;)
        strbuf_add(&text, block, (size_t)n);
    json_t *request = json_loads(strbuf_text(&text), 0, NULL);
    strbuf_free(&text);
    return request;
}

int sdcl_tune_worker(int in, int out)
{
    int err = 0;
    work w = {.lock = -1};
    json_t *reply = json_object();
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* no worker outlives its tuner */
    w.request = read_request(in);
    const char *kind = w.request ? text_of(&w, "kind") : NULL;
    if (!kind) err = FAIL(SDCL_EUSAGE, "this verb is for 'sdcl tune', which starts it");
    if (!err) err = open_work(&w);
    if (!err)
        err = !strcmp(kind, "ops")       ? do_ops(&w, out)
              : !strcmp(kind, "picture") ? do_picture(&w, reply)
                                         : do_model(&w, reply);
    if (err && kind) {
        json_object_set_new(reply, "ok", json_false());
        json_object_set_new(reply, "status", json_integer(err));
        json_object_set_new(reply, "why", json_string(sdcl_last_error()));
        err = 0;
    }
    if (!err && json_object_size(reply)) err = put_line(out, reply);
    if (w.lock >= 0) close(w.lock);
    json_decref(reply);
    json_decref(w.request);
    return err;
}
