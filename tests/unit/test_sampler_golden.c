/* SPDX-License-Identifier: MIT */
/* Samplers against diffusers (tests/golden/schedulers.json, scheduler_configs.json) on a toy model. */
#include "base/error.h"
#include "io/config_json.h"
#include "sampler/noise_schedule.h"
#include "sampler/sampler.h"
#include "scratch.h"

#include <float.h>
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WIDTH = 4, STEPS_MAX = 50 };

static json_t *golden, *configs;

static int load(void **state)
{
    (void)state;
    golden = json_load_file("tests/golden/schedulers.json", 0, NULL);
    configs = json_load_file("tests/golden/scheduler_configs.json", 0, NULL);
    return golden && configs ? 0 : -1;
}

static int unload(void **state)
{
    (void)state;
    json_decref(golden);
    json_decref(configs);
    return 0;
}

/* --- executor ----------------------------------------------------------------------------------------------------- */

typedef struct toy {
    noise_schedule table; /* of the scheduler under test: the model interpolates its ln sigma */
    const char *prediction;
} toy;

static double toy_sigma(const toy *m, double t)
{
    double at = fmin(fmax(t, 0), m->table.n - 1);
    int low = (int)fmin(floor(at), m->table.n - 2);
    double a0 = (double)m->table.alphas_cumprod[low], a1 = (double)m->table.alphas_cumprod[low + 1];
    double l0 = log(fmin(sqrt((1 - a0) / a0), 4096)), l1 = log(fmin(sqrt((1 - a1) / a1), 4096));
    return exp(l0 + (at - low) * (l1 - l0));
}

/* Data is two equal Gaussians at +-1 with variance 1/4; the exact denoiser, as the output that the config asks for. */
static double toy_output(const toy *m, double x, double t)
{
    double s = toy_sigma(m, t), alpha = 1 / sqrt(1 + s * s), wide = x / alpha;
    double x0 = (0.25 * wide + s * s * tanh(wide / (0.25 + s * s))) / (0.25 + s * s), noise = (wide - x0) / s;
    if (!strcmp(m->prediction, "v_prediction")) return alpha * noise - s * alpha * x0;
    return strcmp(m->prediction, "sample") ? noise : x0;
}

typedef enum state_type { STATE_FLOAT, STATE_DOUBLE } state_type; /* float: every slot is rounded as on the device */

static double rounded(state_type type, double v) { return type == STATE_FLOAT ? (double)(float)v : v; }

static const double start[WIDTH] = {0.8, -0.3, 1.5, -2.1};

typedef struct trace {
    double first[WIDTH], last[WIDTH]; /* state after the first and the last scheduler call */
    double timesteps[STEPS_MAX + 9];
    int evaluations, calls, draws;
} trace;

static double combined(const action *a, double slot[SLOT_COUNT][WIDTH], int j, int slots)
{
    double sum = 0;
    for (int k = 0; k < a->terms; k++) {
        assert_true(a->term[k] == SLOT_NOISE || a->term[k] < slots);
        sum += a->coefficient[k] * slot[a->term[k]][j];
    }
    return a->clamp > 0 ? fmin(fmax(sum, -a->clamp), a->clamp) : sum;
}

static void run_script(trace *t, sampler *s, const toy *m, state_type type)
{
    double slot[SLOT_COUNT][WIDTH];
    for (int i = 0; i < SLOT_COUNT; i++)
        for (int j = 0; j < WIDTH; j++) slot[i][j] = NAN; /* reading what was never written shows */
    for (int j = 0; j < WIDTH; j++)
        slot[SLOT_STATE][j] = rounded(type, rounded(type, start[j]) * rounded(type, sampler_init_noise_sigma(s)));
    *t = (trace){0};
    for (action a; sampler_next(s, &a), a.kind != ACTION_DONE;) {
        switch (a.kind) {
        case ACTION_EVALUATE:
            for (int j = 0; j < WIDTH; j++)
                slot[SLOT_MODEL][j] = rounded(
                    type, toy_output(m, rounded(type, a.input_scale * slot[a.input][j]), a.timestep));
            assert_true(t->evaluations < STEPS_MAX + 9);
            t->timesteps[t->evaluations++] = a.timestep;
            break;
        case ACTION_NOISE:
            for (int j = 0; j < WIDTH; j++) slot[SLOT_NOISE][j] = rounded(type, sin(1.7 * t->draws + 0.3));
            t->draws++;
            break;
        case ACTION_COMBINE:
            assert_in_range(a.terms, 1, COMBINE_TERMS_MAX);
            assert_true(a.out < sampler_slots(s) && a.out != SLOT_MODEL);
            for (int j = 0; j < WIDTH; j++) slot[a.out][j] = rounded(type, combined(&a, slot, j, sampler_slots(s)));
            break;
        default:
            if (!t->calls++) memcpy(t->first, slot[SLOT_STATE], sizeof t->first);
        }
    }
    memcpy(t->last, slot[SLOT_STATE], sizeof t->last);
}

/* --- against the reference ---------------------------------------------------------------------------------------- */

static int open_named(sampler **s, const char *name, const char *schedule, int steps, double eta,
                      const scheduler_config *c)
{
    const sampler_params p = {.name = name, .schedule = schedule, .steps = steps, .eta = eta, .config = c};
    return sampler_open(s, &p);
}

static double largest(const json_t *values)
{
    double most = 0;
    for (size_t j = 0; j < json_array_size(values); j++)
        most = fmax(most, fabs(json_number_value(json_array_get(values, j))));
    return most;
}

static void assert_state(const char *what, const double *got, const json_t *want, double tolerance)
{
    assert_int_equal(json_array_size(want), WIDTH);
    for (size_t j = 0; j < WIDTH; j++) {
        double w = json_number_value(json_array_get(want, j));
        if (!(fabs(got[j] - w) <= tolerance))
            fail_msg("%s: value %zu is %.9g, expected %.9g +- %.2g", what, j, got[j], w, tolerance);
    }
}

static void assert_timesteps(const trace *t, const sampler *s, const json_t *want)
{
    assert_int_equal(json_array_size(want), t->evaluations);
    assert_int_equal(sampler_evaluations(s), t->evaluations);
    for (int i = 0; i < t->evaluations; i++) {
        double w = json_number_value(json_array_get(want, (size_t)i)), got = t->timesteps[i];
        bool whole = w == floor(w), same = whole ? got == w : fabs(got - w) <= 1e-6 * w; /* float32 logarithms */
        if (!same) fail_msg("timestep %d is %.9g, expected %.9g", i, got, w);
        assert_true(sampler_timestep(s, i) == got);
    }
}

/* relative: allowed difference in units of the largest of the four values, because a small one is a
 * difference of larger ones. */
static void check_case(const json_t *c, const scheduler_config *config, state_type type, double relative)
{
    sampler *s = NULL;
    const char *name = json_string_value(json_object_get(c, "sampler")),
               *schedule = json_string_value(json_object_get(c, "schedule"));
    int steps = (int)json_integer_value(json_object_get(c, "steps"));
    if (open_named(&s, name, schedule, steps, json_number_value(json_object_get(c, "eta")), config))
        fail_msg("%s %s %d: %s", name, schedule, steps, sdcl_last_error());

    bool knows_zero_snr = strcmp(name, "plms") && config->rescale_betas_zero_snr;
    zero_snr zero = !knows_zero_snr ? ZERO_SNR_OFF : strcmp(name, "ddim") ? ZERO_SNR_FLOOR : ZERO_SNR_EXACT;
    toy m = {.prediction = config->prediction_type};
    assert_int_equal(noise_schedule_open(&m.table, config, zero), 0);
    static trace t;
    run_script(&t, s, &m, type);

    assert_timesteps(&t, s, json_object_get(c, "timesteps"));
    assert_int_equal(t.calls, t.evaluations);
    assert_int_equal(t.draws, json_integer_value(json_object_get(c, "draws")));
    assert_int_equal(sampler_draws_noise(s), t.draws > 0);
    double sigma = json_number_value(json_object_get(c, "init_noise_sigma"));
    assert_true(fabs(sampler_init_noise_sigma(s) - sigma) <= 2e-7 * sigma);

    /* Both sides may have rounded the noisiest state to float32 once, which counts 1 / alpha times in x0. */
    double first_sigma = toy_sigma(&m, t.timesteps[0]), noisiest = 2.1 * sqrt(1 + first_sigma * first_sigma);
    double floor = type == STATE_FLOAT ? noisiest * (double)FLT_EPSILON : 0;
    char what[64];
    snprintf(what, sizeof what, "%s %s, %d steps", name, schedule, steps);
    const json_t *x1 = json_object_get(c, "x1"), *x = json_object_get(c, "x");
    assert_state(what, t.first, x1, relative * largest(x1) + floor);
    assert_state(what, t.last, x, relative * largest(x) + floor);

    noise_schedule_close(&m.table);
    sampler_close(&s);
    assert_null(s);
}

typedef struct pair {
    const char *sampler, *schedule;
} pair;

static bool is(const json_t *c, const char *key, const char *text)
{
    return !strcmp(json_string_value(json_object_get(c, key)), text);
}

/* All cases of one sampler under one schedule, with Stable Diffusion 1.5's config. */
static void golden_pair(void **state)
{
    const pair *p = *state;
    scheduler_config config = sd_v1_scheduler;
    size_t i, done = 0;
    json_t *c;
    json_array_foreach(json_object_get(golden, "cases"), i, c)
    {
        if (!is(c, "sampler", p->sampler) || !is(c, "schedule", p->schedule)) continue;
        check_case(c, &config, STATE_FLOAT, 2e-6);
        done++;
    }
    assert_true(done >= 8);
}

/* What diffusers' class does not have is refused. */
static void unsupported_pair(void **state)
{
    const pair *p = *state;
    scheduler_config config = sd_v1_scheduler;
    bool listed = false;
    size_t i;
    json_t *v;
    json_array_foreach(json_object_get(json_object_get(golden, "unsupported"), p->sampler), i, v)
        listed |= !strcmp(json_string_value(v), p->schedule);
    assert_true(listed);
    sampler *s = NULL;
    assert_int_equal(open_named(&s, p->sampler, p->schedule, 20, 0, &config), SDCL_EUSAGE);
    assert_null(s);
    assert_non_null(strstr(sdcl_last_error(), p->sampler));
}

/* use_exponential_sigmas in a model's config is what the golden schedule "exponential" was made with. */
static void golden_exponential(void **state)
{
    scheduler_config config = sd_v1_scheduler;
    config.use_exponential_sigmas = true;
    size_t i, done = 0;
    json_t *c;
    json_array_foreach(json_object_get(golden, "cases"), i, c)
    {
        if (!is(c, "sampler", *state) || !is(c, "schedule", "exponential")) continue;
        json_object_set_new(c, "schedule", json_string("default"));
        check_case(c, &config, STATE_FLOAT, 2e-6);
        json_object_set_new(c, "schedule", json_string("exponential"));
        done++;
    }
    assert_true(done == 8);
}

/* As models are read, so that reader and samplers agree on what a missing key is. The caller frees trained_betas. */
static void read_config(scheduler_config *out, const json_t *c)
{
    scratch tmp;
    char path[512];
    assert_true(scratch_open(&tmp));
    snprintf(path, sizeof path, "%s/scheduler_config.json", tmp.folder);
    assert_int_equal(json_dump_file(c, path, 0), 0);
    assert_int_equal(config_read_scheduler(out, path), 0);
    scratch_close(&tmp);
}

/* Other configs: predictions, clipping, beta schedules, zero SNR, Runge-Kutta starts, solver options, other classes. */
static void config_cases(void **state)
{
    size_t i, done = 0;
    json_t *c;
    json_array_foreach(json_object_get(configs, "cases"), i, c)
    {
        if (!is(c, "sampler", *state)) continue;
        scheduler_config config;
        read_config(&config, json_object_get(c, "config"));
        /* Under a zero SNR the tables' last places count: PyTorch's square root is not always correctly rounded. */
        check_case(c, &config, STATE_DOUBLE, config.rescale_betas_zero_snr ? 1e-5 : 1e-6);
        free(config.trained_betas);
        done++;
    }
    assert_true(done >= 9);
}

#define GOLDEN(s, f)                                                                                                   \
    {                                                                                                                  \
#s " " #f, golden_pair, NULL, NULL, &(pair) { #s, #f }                                                         \
    }
#define UNSUPPORTED(s, f)                                                                                              \
    {                                                                                                                  \
#s " has no " #f, unsupported_pair, NULL, NULL, &(pair) { #s, #f }                                             \
    }
#define WITH(test, s)                                                                                                  \
    {                                                                                                                  \
#test " " s, test, NULL, NULL, (char[]) { s }                                                                  \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        GOLDEN(ddim, default),
        GOLDEN(ddim, trailing),
        GOLDEN(ddim, leading),
        GOLDEN(ddim, linspace),
        UNSUPPORTED(ddim, karras),
        GOLDEN(plms, default),
        GOLDEN(plms, trailing),
        GOLDEN(plms, leading),
        GOLDEN(plms, linspace),
        UNSUPPORTED(plms, karras),
        GOLDEN(euler, default),
        GOLDEN(euler, karras),
        GOLDEN(euler, trailing),
        GOLDEN(euler, leading),
        GOLDEN(euler, linspace),
        GOLDEN(euler_a, default),
        GOLDEN(euler_a, trailing),
        GOLDEN(euler_a, leading),
        GOLDEN(euler_a, linspace),
        UNSUPPORTED(euler_a, karras),
        GOLDEN(dpmpp_2m, default),
        GOLDEN(dpmpp_2m, karras),
        GOLDEN(dpmpp_2m, trailing),
        GOLDEN(dpmpp_2m, leading),
        GOLDEN(dpmpp_2m, linspace),
        WITH(golden_exponential, "euler"),
        WITH(golden_exponential, "dpmpp_2m"),
        WITH(config_cases, "ddim"),
        WITH(config_cases, "plms"),
        WITH(config_cases, "euler"),
        WITH(config_cases, "euler_a"),
        WITH(config_cases, "dpmpp_2m"),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
