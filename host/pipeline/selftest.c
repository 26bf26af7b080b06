/* SPDX-License-Identifier: MIT */
/* Does the device compute rightly? All ops, for `sdcl selftest`; and in short before kernels draw for the first time. */
#include "base/strbuf.h"
#include "check/check.h"
#include "io/png.h"
#include "ocl/answers.h"
#include "pipeline/models.h"
#include "pipeline/session.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- first use ------------------------------------------------------------------------------------------------------------- */

static bool switched_off(const sdcl *s)
{
    const char *word = getenv("SDCL_SELFTEST");
    return s->params.no_selftest || (word && !strcmp(word, "0"));
}

int session_unproven(sdcl *s, proof **unproven)
{
    int err = 0;
    const passes *x = &s->shape;
    const plan *plans[] = {x->text, x->prologue, x->time, x->unet[0].p, x->unet[1].p, x->scheduler, x->vae};
    proof *p = NULL;
    *unproven = NULL;
    if (switched_off(s)) return 0;
    TRY(proof_open(&p, s->o));
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++)
        if (plans[i]) TRY(proof_collect(p, plans[i]));
    if (!proof_waiting(p)) goto out;
    *unproven = p;
    p = NULL;
out:
    proof_close(&p);
    return err;
}

int session_prove(sdcl *s, proof *p)
{
    int err = 0;
    session_log(s, SDCL_INFO, "first use on %s: comparing %d kinds of steps with the reference", s->device.info.name,
                proof_waiting(p));
    TRY(ocl_build_wait(s->o));
    double begin = seconds_now();
    TRY(proof_run(p));
    session_log(s, SDCL_VERBOSE, "compared in %.2f s", seconds_now() - begin);
out:
    return err;
}

/* --- everything ------------------------------------------------------------------------------------------------------------ */

typedef struct selftest {
    const sdcl_params *params;
    sdcl_selftest_fn *each;
    void *user;
    int rows, failed;
} selftest;

static void report(selftest *t, const sdcl_selftest_row *row)
{
    t->rows++;
    t->failed += row->failed > 0;
    t->each(t->user, row);
}

static int check_cancelled(const selftest *t)
{
    const sdcl_params *p = t->params;
    return p->cancelled && p->cancelled(p->user) ? FAIL(SDCL_EINTERRUPTED, "interrupted") : 0;
}

/* All cases of an op in one storage type. */
static int run_op(selftest *t, ocl *o, const check_op *op, dtype dt)
{
    char why[sizeof((check_result *)0)->why + 160] = "";
    double begin = seconds_now();
    sdcl_selftest_row row = {.op = op->name, .impl = "", .precision = precision_word(dt), .why = why};
    for (int i = 0; i < op->cases; i++) {
        char shape[96];
        check_result r;
        check_case c = {.op = op->name, .index = i, .dt = dt, .fill = (check_fill)(i % FILL_COUNT)};
        int err = check_cancelled(t);
        if (err) return err;
        check_run(o, op, &c, 1, false, &r);
        if (r.unfit) continue;
        if (*r.impl) row.impl = r.impl;
        if (r.nmse > row.nmse) row.nmse = r.nmse;
        row.cases++;
        if (r.ok) continue;
        op->describe(i, shape, sizeof shape);
        if (!row.failed++) snprintf(why, sizeof why, "%s: %s", shape, r.why);
    }
    row.seconds = seconds_now() - begin;
    if (row.cases) report(t, &row);
    return 0;
}

/* What --precision bf16 takes for large shapes, at the small ones of the cases. */
static int run_matrix(selftest *t, const ocl_device *device)
{
    int err = 0, n = 0;
    const sdcl_params *p = t->params;
    const char **set = calloc((size_t)p->set_count + 3, sizeof *set);
    config *values = NULL;
    ocl *o = NULL;
    if (!set) return FAIL(SDCL_ENOMEM, "out of memory");
    set[n++] = "gemm.impl=matrix";
    set[n++] = "conv3x3.impl=matrix";
    set[n++] = "attention.impl=matrix";
    for (int i = 0; i < p->set_count; i++) set[n++] = p->set[i];
    TRY(config_open(&values, ops_sections, &device->info, p->config_file, set, n));
    TRY(ocl_open(&o, device, values, false));
    for (const check_op *const *op = check_ops; ops_multiply_bf16(o) && *op; op++)
        if (*check_impls(*op)) TRY(run_op(t, o, *op, BF16));
out:
    ocl_close(&o);
    config_close(&values);
    free(set);
    return err;
}

static int run_ops(selftest *t, const ocl_device *device)
{
    int err = 0;
    config *values = NULL;
    ocl *o = NULL;
    const sdcl_params *p = t->params;
    TRY(config_open(&values, ops_sections, &device->info, p->config_file, p->set, p->set_count));
    TRY(ops_check_config(values, &device->info));
    TRY(ocl_open(&o, device, values, false));
    for (const check_op *const *op = check_ops; *op; op++)
        for (int dt = F32; dt <= F16; dt++) TRY(run_op(t, o, *op, (dtype)dt));
out:
    ocl_close(&o);
    config_close(&values);
    return err;
}

/* --- the picture ----------------------------------------------------------------------------------------------------------- */

enum { PICTURE_SIZE = 64, PICTURE_STEPS = 8 };
#define PICTURE_PSNR 35.0 /* as stored, it came from f32; f16 storage stays above 40 dB */

typedef struct picture {
    unsigned char *want; /* owned */
    double psnr;
} picture;

static int compare_picture(void *user, const sdcl_image *image)
{
    picture *p = user;
    double sum = 0;
    int n = image->width * image->height * 3;
    for (int i = 0; i < n; i++) {
        double d = (double)image->rgb[i] - p->want[i];
        sum += d * d;
    }
    p->psnr = sum > 0 ? 10 * log10(255.0 * 255.0 * n / sum) : 99;
    return 0;
}

static int run_picture(selftest *t)
{
    int err = 0;
    uint64_t seed = 1;
    picture p = {0};
    char *model = NULL, why[512] = "";
    strbuf path = {0};
    sdcl *s = NULL;
    sdcl_params params = *t->params;
    sdcl_job job;
    double begin = seconds_now();
    TRY(model_locate_pocket(&model));
    strbuf_printf(&path, "%s/selftest.png", model);
    TRY(pngfile_read(strbuf_text(&path), PICTURE_SIZE, PICTURE_SIZE, &p.want));
    params.model = model;
    params.model_config = params.vae = params.ema = NULL;
    params.random_model = 0;
    params.no_selftest = 1; /* wrong kernels show in the table */
    sdcl_job_init(&job);
    job.prompt = "an owl on a blue background";
    job.width = job.height = PICTURE_SIZE;
    job.steps = PICTURE_STEPS;
    job.sampler = "euler";
    job.schedule = "default";
    job.seeds = &seed;
    job.count = 1;
    TRY(sdcl_open(&s, &params));
    sdcl_selftest_row row = {.op = "picture", .impl = "", .precision = s->precision_name, .cases = 1, .why = why};
    err = sdcl_generate(s, &job, compare_picture, &p);
    if (err && err != SDCL_ERESULT) goto out;
    row.psnr = p.psnr;
    row.failed = err || !(p.psnr >= PICTURE_PSNR);
    if (err) snprintf(why, sizeof why, "%s", sdcl_last_error());
    else if (row.failed)
        snprintf(why, sizeof why, "%.1f dB from the stored picture, %.0f are needed", p.psnr, PICTURE_PSNR);
    row.seconds = seconds_now() - begin;
    report(t, &row);
    err = 0;
out:
    sdcl_close(&s);
    strbuf_free(&path);
    free(p.want);
    free(model);
    return err;
}

int sdcl_selftest(const sdcl_params *p, sdcl_selftest_fn *each, void *user)
{
    int err = 0;
    ocl_device device;
    selftest t = {p, each, user, 0, 0};
    TRY(session_choose_device(p->device, &device));
    answers_forget(&device);
    TRY(run_ops(&t, &device));
    TRY(run_matrix(&t, &device));
    TRY(run_picture(&t));
    if (!t.failed) goto out;
    err = FAIL(SDCL_ERESULT, "%d of %d tests failed on %s", t.failed, t.rows, device.info.name);
    error_hint("an update of the driver, another --device, or another implementation (--set gemm.impl=...) may help");
out:
    return err;
}
