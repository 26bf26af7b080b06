/* SPDX-License-Identifier: MIT */
/* Misuse of the public interface: each has its status, and a message that names the culprit. */
#include "draw.h"
#include "scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_ROOM = 512 };

static const char MODEL[] = "tests/golden/tiny-b";

static sdcl *session;
static scratch folder;

static int open_session(void **state)
{
    (void)state;
    if (!scratch_open(&folder)) return -1;
    session = session_of(MODEL, NULL, NULL);
    return 0;
}

static int close_session(void **state)
{
    (void)state;
    sdcl_close(&session);
    scratch_close(&folder);
    return 0;
}

static void in_folder(char *path, const char *name)
{
    int n = snprintf(path, PATH_ROOM, "%s/%s", folder.folder, name);
    assert_in_range(n, 1, PATH_ROOM - 1);
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* --- sessions --------------------------------------------------------------------------------------------------------- */

static sdcl_params params_of(const char *model)
{
    sdcl_params p;
    sdcl_params_init(&p);
    p.model = model;
    return p;
}

static void open_refused(const sdcl_params *p, int status, const char *text)
{
    sdcl *s = session; /* must be set to NULL */
    assert_refused(sdcl_open(&s, p), status, text);
    assert_null(s);
}

static void missing_model(void **state)
{
    (void)state;
    sdcl_model_info info;
    sdcl_params p = params_of("tests/golden/no-such-model");
    open_refused(&p, SDCL_EMODEL, "no-such-model");
    assert_refused(sdcl_inspect(&(sdcl_params){.model = p.model}, &info), SDCL_EMODEL, "no-such-model");
}

/* A clone without Git LFS has a text of three lines where the weights should be. */
static void lfs_pointer_as_weights(void **state)
{
    static const char *const parts[] = {"model_index.json", "text_encoder", "tokenizer", "vae", "scheduler"};
    (void)state;
    char here[PATH_ROOM / 2], from[PATH_ROOM], to[PATH_ROOM];
    sdcl_model_info info;
    assert_non_null(getcwd(here, sizeof here));
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        snprintf(from, sizeof from, "%s/%s/%s", here, MODEL, parts[i]);
        in_folder(to, parts[i]);
        assert_int_equal(symlink(from, to), 0);
    }
    in_folder(to, "unet");
    assert_int_equal(mkdir(to, 0777), 0);
    snprintf(from, sizeof from, "%s/%s/unet/config.json", here, MODEL);
    in_folder(to, "unet/config.json");
    assert_int_equal(symlink(from, to), 0);
    in_folder(to, "unet/diffusion_pytorch_model.safetensors");
    write_file(to, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
    sdcl_params p = params_of(folder.folder);
    open_refused(&p, SDCL_EMODEL, "LFS");
    assert_refused(sdcl_inspect(&(sdcl_params){.model = p.model}, &info), SDCL_EMODEL, "git lfs pull");
}

static void single_file_of_other_sizes(void **state)
{
    (void)state;
    sdcl_params p = params_of("tests/golden/tiny-a.safetensors");
    open_refused(&p, SDCL_EMODEL, "tiny-a.safetensors"); /* without a config it should be as large as SD v1 */
    p.model_config = "tests/golden/tiny-b";
    open_refused(&p, SDCL_EMODEL, "tiny-a.safetensors");
}

static void inpainting_model(void **state)
{
    (void)state;
    sdcl_params p = params_of("tests/golden/tiny-inpaint");
    open_refused(&p, SDCL_EMODEL, "9 input channels");
}

static void missing_device(void **state)
{
    (void)state;
    sdcl_params p = params_of(MODEL);
    p.device = "no such device";
    open_refused(&p, SDCL_EDEVICE, "no such device");
    p.device = "99";
    open_refused(&p, SDCL_EDEVICE, "99");
}

static void unknown_precision(void **state)
{
    (void)state;
    sdcl_params p = params_of(MODEL);
    p.precision = "f8";
    open_refused(&p, SDCL_EUSAGE, "f8");
}

static void wrong_settings(void **state)
{
    static const struct {
        const char *setting, *named;
    } wrong[] = {
        {"gemm.impl=fast", "fast"},   {"gemm.imql=cpu", "impl"},  {"gem.impl=cpu", "gemm"},
        {"gemm_cpu.MR=7000", "7000"}, {"gemm.impl", "gemm.impl"}, {"", ""},
    };
    (void)state;
    sdcl_params p = params_of(MODEL);
    p.set_count = 1;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        p.set = &wrong[i].setting;
        open_refused(&p, SDCL_EUSAGE, wrong[i].named);
    }
}

static void config_file_that_would_wait(void **state)
{
    (void)state;
    char path[PATH_ROOM];
    sdcl_params p = params_of(MODEL);
    in_folder(path, "fifo.ini");
    assert_int_equal(mkfifo(path, 0600), 0);
    p.config_file = path;
    open_refused(&p, SDCL_EUSAGE, "regular file");
}

static void wrong_config_file(void **state)
{
    (void)state;
    char path[PATH_ROOM];
    sdcl_params p = params_of(MODEL);
    p.config_file = path;
    in_folder(path, "missing.ini");
    open_refused(&p, SDCL_EUSAGE, "missing.ini");
    in_folder(path, "bad.ini");
    write_file(path, "[gemm]\nimpl = cpu\nimpl_ = cpu\n");
    open_refused(&p, SDCL_EUSAGE, "bad.ini:3");
}

/* --- jobs ------------------------------------------------------------------------------------------------------------- */

static int no_picture(void *user, const sdcl_image *image)
{
    (void)user, (void)image;
    fail_msg("a refused job has drawn a picture");
    return 0;
}

/* Refused before anything is drawn, and by every way in. */
static void job_refused(const sdcl_job *job, const char *text)
{
    sdcl_job j = *job;
    sdcl_memory m;
    assert_refused(sdcl_job_resolve(session, &j), SDCL_EUSAGE, text);
    assert_refused(sdcl_generate(session, job, no_picture, NULL), SDCL_EUSAGE, text);
    assert_refused(sdcl_dry_run(session, job, &m), SDCL_EUSAGE, text);
}

static sdcl_job good_job(void)
{
    static const uint64_t seed[] = {1};
    return small_job(seed, 1);
}

static void wrong_sizes(void **state)
{
    static const int wrong[] = {100, 7, -64, 8200, INT32_MAX, INT32_MIN};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", wrong[i]);
        sdcl_job j = good_job();
        j.width = wrong[i];
        job_refused(&j, number);
        j = good_job();
        j.height = wrong[i];
        job_refused(&j, number);
    }
    sdcl_job j = good_job();
    j.width = 100;
    job_refused(&j, "96 and 104");
}

static void wrong_steps(void **state)
{
    static const int wrong[] = {-1, 1001, INT32_MIN};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", wrong[i]);
        sdcl_job j = good_job();
        j.steps = wrong[i];
        job_refused(&j, number);
    }
}

static void wrong_samplers(void **state)
{
    (void)state;
    sdcl_job j = good_job();
    j.sampler = "eular";
    job_refused(&j, "eular");
    j.sampler = "";
    job_refused(&j, "euler");
    j = good_job();
    j.schedule = "karas";
    job_refused(&j, "karas");
    j = good_job();
    j.sampler = "ddim";
    j.schedule = "karras";
    job_refused(&j, "karras");
    j = good_job();
    j.eta = 0.5; /* euler_a has its own noise */
    j.eta_set = 1;
    job_refused(&j, "eta");
    j.sampler = "ddim";
    j.eta = 1.5;
    job_refused(&j, "1.5");
    j.eta = (double)NAN;
    job_refused(&j, "eta");
}

static void wrong_counts_and_texts(void **state)
{
    (void)state;
    sdcl_job j = good_job();
    j.count = 0;
    job_refused(&j, "0 pictures");
    j.count = -1;
    job_refused(&j, "-1 pictures");
    j = good_job();
    j.seeds = NULL;
    job_refused(&j, "seeds");
    j = good_job();
    j.prompt = NULL;
    job_refused(&j, "prompt");
    j = good_job();
    j.negative = NULL;
    job_refused(&j, "prompt");
    j = good_job();
    j.cfg_scale = (double)NAN;
    job_refused(&j, "cfg");
    j.cfg_scale = (double)INFINITY;
    job_refused(&j, "cfg");
}

/* One stream of one seed is one run, whose latents would be more values than an int counts. */
static void too_many_at_once(void **state)
{
    enum { PICTURES = 100000 };
    (void)state;
    uint64_t *seeds = calloc(PICTURES, sizeof *seeds);
    assert_non_null(seeds);
    sdcl_job j = small_job(seeds, PICTURES);
    sdcl_memory m;
    j.compat = SDCL_COMPAT_DIFFUSERS;
    j.width = j.height = 8192;
    assert_refused(sdcl_dry_run(session, &j, &m), SDCL_ENOMEM, "100000 pictures");
    assert_refused(sdcl_generate(session, &j, no_picture, NULL), SDCL_ENOMEM, "100000 pictures");
    free(seeds);
}

/* A file that another program cuts short between opening and loading. */
static void model_that_becomes_shorter(void **state)
{
    (void)state;
    char copy[PATH_ROOM], command[2 * PATH_ROOM], file[2 * PATH_ROOM];
    sdcl *s = NULL;
    sdcl_job j = good_job();
    in_folder(copy, "shrinking");
    assert_in_range(snprintf(command, sizeof command, "cp -r %s '%s'", MODEL, copy), 1, sizeof command - 1);
    assert_int_equal(system(command), 0);
    snprintf(file, sizeof file, "%s/unet/diffusion_pytorch_model.safetensors", copy);
    sdcl_params p = params_of(copy);
    assert_done(sdcl_open(&s, &p));
    assert_int_equal(truncate(file, 400000), 0);
    assert_refused(sdcl_generate(s, &j, no_picture, NULL), SDCL_EMODEL, "it has become shorter");
    assert_refused(sdcl_generate(s, &j, no_picture, NULL), SDCL_EMODEL, "it has become shorter");
    sdcl_close(&s);
}

/* By a download that starts again, of the same length. */
static void model_that_is_overwritten(void **state)
{
    (void)state;
    char copy[PATH_ROOM], file[2 * PATH_ROOM], command[2 * PATH_ROOM];
    sdcl *s = NULL;
    sdcl_job j = good_job();
    in_folder(copy, "overwritten");
    assert_in_range(snprintf(command, sizeof command, "cp -r %s '%s'", MODEL, copy), 1, sizeof command - 1);
    assert_int_equal(system(command), 0);
    snprintf(file, sizeof file, "%s/unet/diffusion_pytorch_model.safetensors", copy);
    const struct timespec earlier[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1}};
    sdcl_params p = params_of(copy);
    assert_done(sdcl_open(&s, &p));
    FILE *f = fopen(file, "r+b");
    assert_non_null(f);
    assert_true(!fseek(f, -8, SEEK_END) && fwrite("overtake", 8, 1, f) == 1 && !fclose(f));
    assert_int_equal(utimensat(AT_FDCWD, file, earlier, 0), 0); /* a clock that ticks slowly */
    assert_refused(sdcl_generate(s, &j, no_picture, NULL), SDCL_EMODEL, "has been written to since");
    sdcl_close(&s);
}

static void dump_that_cannot_be_made(void **state)
{
    (void)state;
    char path[PATH_ROOM];
    sdcl_job j = good_job();
    in_folder(path, "file");
    write_file(path, "");
    j.dump = path;
    assert_refused(sdcl_generate(session, &j, no_picture, NULL), SDCL_EOUTPUT, path);
    in_folder(path, "no/such/folder");
    assert_refused(sdcl_generate(session, &j, no_picture, NULL), SDCL_EOUTPUT, path);
}

/* A dump that cannot get its name leaves nothing half written behind. */
static void dump_that_cannot_be_written(void **state)
{
    (void)state;
    char path[PATH_ROOM];
    int entries = 0;
    sdcl_job j = good_job();
    in_folder(path, "dump");
    assert_int_equal(mkdir(path, 0777), 0);
    j.dump = path;
    char taken[PATH_ROOM + 16];
    snprintf(taken, sizeof taken, "%s/tokens.npy", path);
    assert_int_equal(mkdir(taken, 0777), 0);
    assert_refused(sdcl_generate(session, &j, no_picture, NULL), SDCL_EOUTPUT, "tokens.npy");
    DIR *d = opendir(path);
    assert_non_null(d);
    while (readdir(d)) entries++;
    closedir(d);
    assert_int_equal(entries, 3); /* itself, its parent, the folder in the way */
}

/* What is open is filled in; nothing else changes. */
static void defaults(void **state)
{
    static const uint64_t seed[] = {1};
    (void)state;
    sdcl_job j;
    sdcl_job_init(&j);
    j.seeds = seed;
    assert_done(sdcl_job_resolve(session, &j));
    assert_int_equal(j.steps, 20);
    assert_string_equal(j.sampler, "dpmpp_2m");
    assert_string_equal(j.schedule, "karras");
    assert_int_equal(j.width, 64);
    assert_int_equal(j.height, 64);
    sdcl_job_init(&j);
    j.seeds = seed;
    j.compat = SDCL_COMPAT_DIFFUSERS;
    assert_done(sdcl_job_resolve(session, &j));
    assert_int_equal(j.steps, 50);
    assert_string_equal(j.sampler, "plms"); /* of the model: PNDMScheduler */
    assert_string_equal(j.schedule, "default");
    j = good_job();
    j.sampler = "DPM++ 2M Karras";
    assert_done(sdcl_job_resolve(session, &j));
    assert_string_equal(j.sampler, "dpmpp_2m");
    assert_string_equal(j.schedule, "karras");
    assert_int_equal(j.steps, good_job().steps);
}

static void exit_codes(void **state)
{
    (void)state;
    assert_int_equal(sdcl_exit_code(SDCL_OK), 0);
    assert_int_equal(sdcl_exit_code(SDCL_EUSAGE), 2);
    assert_int_equal(sdcl_exit_code(SDCL_EMODEL), 3);
    assert_int_equal(sdcl_exit_code(SDCL_EDEVICE), 4);
    assert_int_equal(sdcl_exit_code(SDCL_EINTERRUPTED), 130);
    assert_int_equal(sdcl_exit_code(-12345), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_model),
        cmocka_unit_test(lfs_pointer_as_weights),
        cmocka_unit_test(single_file_of_other_sizes),
        cmocka_unit_test(inpainting_model),
        cmocka_unit_test(missing_device),
        cmocka_unit_test(unknown_precision),
        cmocka_unit_test(wrong_settings),
        cmocka_unit_test(wrong_config_file),
        cmocka_unit_test(wrong_sizes),
        cmocka_unit_test(wrong_steps),
        cmocka_unit_test(wrong_samplers),
        cmocka_unit_test(wrong_counts_and_texts),
        cmocka_unit_test(too_many_at_once),
        cmocka_unit_test(dump_that_cannot_be_made),
        cmocka_unit_test(dump_that_cannot_be_written),
        cmocka_unit_test(config_file_that_would_wait),
        cmocka_unit_test(model_that_becomes_shorter),
        cmocka_unit_test(model_that_is_overwritten),
        cmocka_unit_test(defaults),
        cmocka_unit_test(exit_codes),
    };
    return cmocka_run_group_tests(tests, open_session, close_session);
}
