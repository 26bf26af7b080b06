/* SPDX-License-Identifier: MIT */
/* Noise levels, spacings and sigma lists below the samplers. */
#include "base/error.h"
#include "io/config_json.h"
#include "sampler/sampler_impl.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static noise_schedule sd_table(void)
{
    noise_schedule ns;
    scheduler_config c = sd_v1_scheduler;
    assert_int_equal(noise_schedule_open(&ns, &c, ZERO_SNR_OFF), 0);
    return ns;
}

static void assert_near(double got, double want, double relative)
{
    if (!(fabs(got - want) <= relative * fabs(want))) fail_msg("%.9g, expected %.9g", got, want);
}

/* --- noise levels ------------------------------------------------------------------------------------------------- */

/* torch 2.7.1, float32; printed with nine digits, so equality is of all bits. */
static void stable_diffusion_levels(void **state)
{
    (void)state;
    static const struct {
        int t;
        float alpha;
    } want[] = {{0, 0.999149978f},    {1, 0.998296022f},    {21, 0.980380654f},   {101, 0.892980218f},
                {333, 0.534961879f},  {500, 0.276332468f},  {501, 0.274998844f},  {777, 0.0449549258f},
                {901, 0.0140048889f}, {981, 0.0057754959f}, {999, 0.00466009509f}};
    noise_schedule ns = sd_table();
    assert_int_equal(ns.n, 1000);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) assert_true(ns.alphas_cumprod[want[i].t] == want[i].alpha);
    assert_near((double)ns.sigmas[0], 0.0291675348, 1e-7);
    assert_near((double)ns.sigmas[999], 14.6146469, 1e-7);
    noise_schedule_close(&ns);
    assert_null(ns.sigmas);
}

static void assert_levels(const char *beta_schedule, double from, double to, const float want[4])
{
    scheduler_config c = sd_v1_scheduler;
    noise_schedule ns;
    strcpy(c.beta_schedule, beta_schedule);
    c.beta_start = from;
    c.beta_end = to;
    assert_int_equal(noise_schedule_open(&ns, &c, ZERO_SNR_OFF), 0);
    for (int i = 0; i < 4; i++) assert_near((double)ns.alphas_cumprod[i * 333], (double)want[i], 1e-6);
    noise_schedule_close(&ns);
}

static void linear_levels(void **state)
{
    (void)state;
    assert_levels("linear", 0.0001, 0.02, (const float[]){0.999899983f, 0.318624765f, 0.010984228f, 4.03583035e-05f});
}

static void cosine_levels(void **state)
{
    (void)state;
    assert_levels("squaredcos_cap_v2", 0.0001, 0.02,
                  (const float[]){0.999958694f, 0.741974711f, 0.246000558f, 2.42873499e-09f});
}

static void trained_levels(void **state)
{
    (void)state;
    double betas[] = {0.5, 0.25, 0.125};
    scheduler_config c = sd_v1_scheduler;
    noise_schedule ns;
    c.trained_betas = betas;
    c.train_timesteps = 3;
    assert_int_equal(noise_schedule_open(&ns, &c, ZERO_SNR_OFF), 0);
    assert_true(ns.alphas_cumprod[0] == 0.5f && ns.alphas_cumprod[1] == 0.375f && ns.alphas_cumprod[2] == 0.328125f);
    assert_true(ns.sigmas[0] == 1);
    noise_schedule_close(&ns);
}

static void single_level(void **state)
{
    (void)state;
    scheduler_config c = sd_v1_scheduler;
    noise_schedule ns;
    c.train_timesteps = 1;
    assert_int_equal(noise_schedule_open(&ns, &c, ZERO_SNR_OFF), 0);
    assert_near((double)ns.alphas_cumprod[0], 1 - 0.00085, 1e-6);
    assert_true(sigma_to_timestep(&ns, 1) == 0);
    noise_schedule_close(&ns);
}

static void zero_terminal_snr(void **state)
{
    (void)state;
    static const int at[] = {0, 1, 500, 998};
    static const double want[] = {0.999149978, 0.998233497, 0.241018638, 1.96796336e-07};
    for (zero_snr kind = ZERO_SNR_EXACT; kind <= ZERO_SNR_FLOOR; kind++) {
        scheduler_config c = sd_v1_scheduler;
        noise_schedule ns;
        assert_int_equal(noise_schedule_open(&ns, &c, kind), 0);
        for (int i = 0; i < 4; i++) assert_near((double)ns.alphas_cumprod[at[i]], want[i], i < 3 ? 1e-6 : 1e-3);
        assert_true(ns.alphas_cumprod[999] == (kind == ZERO_SNR_EXACT ? 0 : 0x1p-24f));
        assert_int_equal(isfinite((double)ns.sigmas[999]) != 0, kind == ZERO_SNR_FLOOR);
        noise_schedule_close(&ns);
    }
}

static void refuses_levels(void **state)
{
    (void)state;
    noise_schedule ns;
    double betas[] = {0.1, 1.5};
    scheduler_config c = sd_v1_scheduler;
    strcpy(c.beta_schedule, "sigmoid");
    assert_int_equal(noise_schedule_open(&ns, &c, ZERO_SNR_OFF), SDCL_EMODEL);
    assert_non_null(strstr(sdcl_last_error(), "'sigmoid'"));
    assert_null(ns.alphas_cumprod);
    c.trained_betas = betas;
    c.train_timesteps = 2;
    assert_int_equal(noise_schedule_open(&ns, &c, ZERO_SNR_OFF), SDCL_EMODEL);
    assert_non_null(strstr(sdcl_last_error(), "beta 1 is 1.5"));
    betas[1] = (double)NAN;
    assert_int_equal(noise_schedule_open(&ns, &c, ZERO_SNR_OFF), SDCL_EMODEL);
    c.train_timesteps = 0;
    assert_int_equal(noise_schedule_open(&ns, &c, ZERO_SNR_OFF), SDCL_EMODEL);
    noise_schedule_close(NULL);
}

/* --- timesteps ---------------------------------------------------------------------------------------------------- */

static void assert_timesteps(int steps, spacing s, int offset, int drop, int n, const double *want)
{
    double *t = calloc((size_t)steps, sizeof *t);
    assert_non_null(t);
    timesteps_fill(t, steps, s, 1000, offset, drop);
    for (int i = 0; i < n; i++) assert_near(t[i], want[i], 1e-12);
    for (int i = 1; i < steps; i++) assert_true(t[i] < t[i - 1]);
    free(t);
}

static void leading(void **state)
{
    (void)state;
    assert_timesteps(50, SPACING_LEADING, 1, 0, 2, (const double[]){981, 961});
    assert_timesteps(20, SPACING_LEADING, 1, 0, 2, (const double[]){951, 901});
    assert_timesteps(3, SPACING_LEADING, 0, 0, 3, (const double[]){666, 333, 0});
    assert_timesteps(20, SPACING_LEADING, 1, 1, 3, (const double[]){941, 894, 847}); /* DPM-Solver */
    assert_timesteps(1, SPACING_LEADING, 1, 0, 1, (const double[]){1});
}

static void trailing(void **state)
{
    (void)state;
    assert_timesteps(50, SPACING_TRAILING, 1, 0, 2, (const double[]){999, 979});
    assert_timesteps(3, SPACING_TRAILING, 1, 0, 3, (const double[]){999, 666, 332});
    assert_timesteps(1, SPACING_TRAILING, 1, 0, 1, (const double[]){999});
    assert_timesteps(16, SPACING_TRAILING, 1, 1, 4,
                     (const double[]){999, 937, 874, 811}); /* 937.5, 812.5: halves to even */
}

/* numpy.arange appends a 62nd value there, which is none; a run has as many steps as it was asked for. */
static void trailing_never_passes_zero(void **state)
{
    (void)state;
    double t[1000];
    for (int steps = 1; steps <= 1000; steps++) {
        timesteps_fill(t, steps, SPACING_TRAILING, 1000, 1, 0);
        assert_true(t[0] == 999 && t[steps - 1] >= 0);
    }
}

static void even(void **state)
{
    (void)state;
    assert_timesteps(20, SPACING_LINSPACE, 1, 0, 2, (const double[]){999, 18 * (999. / 19)});
    assert_timesteps(3, SPACING_LINSPACE, 1, 0, 3, (const double[]){999, 499.5, 0});
    assert_timesteps(1, SPACING_LINSPACE, 1, 1, 1, (const double[]){999});
    assert_timesteps(1, SPACING_LINSPACE, 1, 0, 1, (const double[]){0});
}

/* --- sigmas ------------------------------------------------------------------------------------------------------- */

static void karras_sigmas(void **state)
{
    (void)state;
    static const double want[] = {14.614642,  9.10293431, 5.47839965, 3.16861016,  1.74942269,
                                  .914076287, .446920815, .201399832, .0819110467, .029167533};
    double sigma[10];
    sigmas_fill(sigma, 10, SPREAD_KARRAS, 14.614642, .029167533);
    for (int i = 0; i < 10; i++) assert_near(sigma[i], want[i], 1e-7);
    sigmas_fill(sigma, 1, SPREAD_KARRAS, 14.614642, .029167533);
    assert_near(sigma[0], 14.614642, 1e-12);
}

static void exponential_sigmas(void **state)
{
    (void)state;
    static const double want[] = {14.614643, 7.3248816, 3.6712418, 1.840032,  .9222268,
                                  .4622216,  .23166616, .11611144, .05819523, .02916754};
    double sigma[10];
    sigmas_fill(sigma, 10, SPREAD_EXPONENTIAL, 14.614643, .02916754);
    for (int i = 0; i < 10; i++) assert_near(sigma[i], want[i], 1e-6);
}

static void sigmas_between_timesteps(void **state)
{
    (void)state;
    noise_schedule ns = sd_table();
    assert_true(sigma_at(&ns, 0) == (double)ns.sigmas[0]);
    assert_true(sigma_at(&ns, 999) == (double)ns.sigmas[999]);
    assert_true(sigma_at(&ns, 1000) == (double)ns.sigmas[999]);
    assert_true(sigma_at(&ns, -1) == (double)ns.sigmas[0]);
    assert_true(sigma_at(&ns, 17) == (double)ns.sigmas[17]);
    assert_near(sigma_at(&ns, 499.5), ((double)ns.sigmas[499] + (double)ns.sigmas[500]) / 2, 1e-12);
    noise_schedule_close(&ns);
}

static void timesteps_of_sigmas(void **state)
{
    (void)state;
    static const double pairs[][2] = {{6.475, 850.0134}, {3.861, 735.8345}, {.152, 24.1481}, {11.725368, 961.7328}};
    noise_schedule ns = sd_table();
    for (int i = 0; i < 4; i++) assert_near(sigma_to_timestep(&ns, pairs[i][0]), pairs[i][1], 1e-5);
    assert_true(sigma_to_timestep(&ns, .029) == 0);
    assert_true(sigma_to_timestep(&ns, 0) == 0);
    assert_true(sigma_to_timestep(&ns, 1e6) == 999);
    for (int t = 0; t < 1000; t += 37) assert_true(fabs(sigma_to_timestep(&ns, sigma_at(&ns, t)) - t) < 1e-4);
    noise_schedule_close(&ns);
}

/* --- whole lists against diffusers -------------------------------------------------------------------------------- */

typedef struct list {
    const char *sampler, *schedule;
    spacing spacing;
    sigma_spread spread;
} list;

static void golden_list(void **state)
{
    const list *l = *state;
    bool integer = !strcmp(l->sampler, "dpmpp_2m");
    scheduler_config config = sd_v1_scheduler;
    sampler_setup p = {.config = &config, .noise = sd_table(), .spacing = l->spacing, .spread = l->spread};
    json_t *golden = json_load_file("tests/golden/schedulers.json", 0, NULL), *c;
    size_t i, done = 0;
    assert_non_null(golden);
    json_array_foreach(json_object_get(golden, "cases"), i, c)
    {
        if (strcmp(json_string_value(json_object_get(c, "sampler")), l->sampler)) continue;
        if (strcmp(json_string_value(json_object_get(c, "schedule")), l->schedule)) continue;
        sigma_schedule ss;
        p.steps = (int)json_integer_value(json_object_get(c, "steps"));
        assert_int_equal((integer ? sigma_schedule_open_integer : sigma_schedule_open)(&ss, &p), 0);
        const json_t *sigmas = json_object_get(c, "sigmas"), *t = json_object_get(c, "timesteps");
        assert_int_equal(json_array_size(sigmas), p.steps + 1);
        for (int k = 0; k <= p.steps; k++)
            assert_near(ss.sigma[k], json_number_value(json_array_get(sigmas, (size_t)k)), 2e-7);
        for (int k = 0; k < p.steps; k++)
            assert_near(ss.t[k], json_number_value(json_array_get(t, (size_t)k)), integer ? 0 : 1e-6);
        sigma_schedule_close(&ss);
        assert_null(ss.t);
        done++;
    }
    assert_int_equal(done, 8);
    json_decref(golden);
    noise_schedule_close(&p.noise);
}

static void final_sigma(void **state)
{
    (void)state;
    scheduler_config config = sd_v1_scheduler;
    sampler_setup p = {
        .config = &config, .noise = sd_table(), .spacing = SPACING_LINSPACE, .steps = 5, .final_sigma_min = true};
    sigma_schedule ss;
    assert_int_equal(sigma_schedule_open(&ss, &p), 0);
    assert_true(ss.sigma[5] == (double)p.noise.sigmas[0]);
    sigma_schedule_close(&ss);
    sigma_schedule_close(NULL);
    noise_schedule_close(&p.noise);
}

static void levels_before_the_first(void **state)
{
    (void)state;
    sampler_setup p = {.noise = sd_table()};
    assert_true(alpha_bar(&p, 5, true) == (double)p.noise.alphas_cumprod[5]);
    assert_true(alpha_bar(&p, -1, true) == 1);
    assert_true(alpha_bar(&p, -19, false) == (double)p.noise.alphas_cumprod[0]);
    noise_schedule_close(&p.noise);
}

/* x = alpha x0 + sigma noise, so each pair of estimates must rebuild x, whatever the output means. */
static void predictions_rebuild_the_state(void **state)
{
    (void)state;
    double alpha = 0.6, sigma = 0.8, x = 1.7, output = -0.4;
    for (prediction p = PREDICT_EPSILON; p <= PREDICT_SAMPLE; p++) {
        mix x0 = predict_x0(p, alpha, sigma), noise = predict_noise(p, alpha, sigma),
            denoised = predict_denoised(p, sigma / alpha);
        double estimate = x0.state * x + x0.model * output;
        assert_near(alpha * estimate + sigma * (noise.state * x + noise.model * output), x, 1e-12);
        assert_near(denoised.state * (x / alpha) + denoised.model * output, estimate, 1e-12);
    }
}

#define LIST(s, f, spacing, spread)                                                                                    \
    {                                                                                                                  \
#s " " #f, golden_list, NULL, NULL, &(list) { #s, #f, spacing, spread }                                        \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stable_diffusion_levels),
        cmocka_unit_test(linear_levels),
        cmocka_unit_test(cosine_levels),
        cmocka_unit_test(trained_levels),
        cmocka_unit_test(single_level),
        cmocka_unit_test(zero_terminal_snr),
        cmocka_unit_test(refuses_levels),
        cmocka_unit_test(leading),
        cmocka_unit_test(trailing),
        cmocka_unit_test(trailing_never_passes_zero),
        cmocka_unit_test(even),
        cmocka_unit_test(karras_sigmas),
        cmocka_unit_test(exponential_sigmas),
        cmocka_unit_test(sigmas_between_timesteps),
        cmocka_unit_test(timesteps_of_sigmas),
        LIST(euler, default, SPACING_LINSPACE, SPREAD_NONE),
        LIST(euler, leading, SPACING_LEADING, SPREAD_NONE),
        LIST(euler, trailing, SPACING_TRAILING, SPREAD_NONE),
        LIST(euler, karras, SPACING_LINSPACE, SPREAD_KARRAS),
        LIST(euler, exponential, SPACING_LINSPACE, SPREAD_EXPONENTIAL),
        LIST(dpmpp_2m, default, SPACING_LINSPACE, SPREAD_NONE),
        LIST(dpmpp_2m, leading, SPACING_LEADING, SPREAD_NONE),
        LIST(dpmpp_2m, trailing, SPACING_TRAILING, SPREAD_NONE),
        LIST(dpmpp_2m, karras, SPACING_LINSPACE, SPREAD_KARRAS),
        LIST(dpmpp_2m, exponential, SPACING_LINSPACE, SPREAD_EXPONENTIAL),
        cmocka_unit_test(final_sigma),
        cmocka_unit_test(levels_before_the_first),
        cmocka_unit_test(predictions_rebuild_the_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
