/* SPDX-License-Identifier: MIT */
/* Samplers as iterators; what is refused; names. Numbers: test_sampler_golden.c. */
#include "base/error.h"
#include "io/config_json.h"
#include "sampler/sampler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <math.h>
#include <string.h>

#include <cmocka.h>

static int open_named(sampler **s, const char *name, const char *schedule, int steps, double eta,
                      const scheduler_config *c)
{
    const sampler_params p = {.name = name, .schedule = schedule, .steps = steps, .eta = eta, .config = c};
    return sampler_open(s, &p);
}

/* --- as an iterator ----------------------------------------------------------------------------------------------- */

static void restarts(void **state)
{
    scheduler_config config = sd_v1_scheduler;
    sampler *s = NULL;
    assert_int_equal(open_named(&s, *state, "default", 7, 0, &config), 0);
    action first, a, b;
    int n = 0, steps = 0;
    sampler_next(s, &first);
    for (a = first; a.kind != ACTION_DONE; sampler_next(s, &a), n++) steps += a.kind == ACTION_STEP_END;
    sampler_next(s, &a);
    assert_int_equal(a.kind, ACTION_DONE); /* and stays there */
    assert_int_equal(steps, sampler_evaluations(s));
    sampler_restart(s);
    sampler_next(s, &b);
    assert_memory_equal(&first, &b, sizeof b);
    for (int i = 1; i < n; i++) sampler_next(s, &b);
    assert_int_equal(b.kind, ACTION_STEP_END);
    sampler_next(s, &b);
    assert_int_equal(b.kind, ACTION_DONE);
    sampler_close(&s);
}

static void counts_evaluations(void **state)
{
    (void)state;
    scheduler_config config = sd_v1_scheduler;
    for (int i = 0; sampler_name(i); i++) {
        static const int steps[] = {1, 2, 20};
        for (int k = 0; k < 3; k++) {
            sampler *s = NULL;
            assert_int_equal(open_named(&s, sampler_name(i), "default", steps[k], 0, &config), 0);
            bool twice = !strcmp(sampler_name(i), "plms") && steps[k] > 1;
            assert_int_equal(sampler_evaluations(s), steps[k] + twice);
            assert_true(isnan(sampler_timestep(s, steps[k] + twice)));
            sampler_close(&s);
        }
    }
}

static void noise_only_where_due(void **state)
{
    (void)state;
    scheduler_config config = sd_v1_scheduler;
    for (int i = 0; sampler_name(i); i++) {
        sampler *s = NULL;
        bool ddim = !strcmp(sampler_name(i), "ddim");
        assert_int_equal(open_named(&s, sampler_name(i), "default", 5, 0, &config), 0);
        assert_int_equal(sampler_draws_noise(s), !strcmp(sampler_name(i), "euler_a"));
        sampler_close(&s);
        assert_int_equal(open_named(&s, sampler_name(i), "default", 5, 1e-3, &config), ddim ? 0 : SDCL_EUSAGE);
        if (ddim) assert_true(sampler_draws_noise(s));
        sampler_close(&s);
    }
}

static void slots_in_use(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int slots;
    } want[] = {{"euler", 2}, {"euler_a", 2}, {"ddim", 2}, {"dpmpp_2m", 4}, {"plms", 7}};
    scheduler_config config = sd_v1_scheduler;
    for (int i = 0; i < 5; i++) {
        sampler *s = NULL;
        assert_int_equal(open_named(&s, want[i].name, "default", 20, 0, &config), 0);
        assert_int_equal(sampler_slots(s), want[i].slots);
        sampler_close(&s);
    }
}

/* Every step count up to the training length opens with finite numbers, or is refused as a wrong usage. */
static void any_step_count(void **state)
{
    scheduler_config config = sd_v1_scheduler;
    static const int counts[] = {61, 103, 122, 250, 499, 500, 501, 998, 999, 1000};
    for (int i = 0; schedule_name(i); i++) {
        for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
            sampler *s = NULL;
            int err = open_named(&s, *state, schedule_name(i), counts[k], 0, &config);
            assert_true(!err || err == SDCL_EUSAGE);
            for (int e = 0; s && e < sampler_evaluations(s); e += 97) assert_true(sampler_timestep(s, e) >= 0);
            sampler_close(&s);
        }
    }
}

static void close_accepts_nothing(void **state)
{
    (void)state;
    sampler *s = NULL;
    sampler_close(&s);
    sampler_close(NULL);
    assert_null(s);
}

/* --- refusals ----------------------------------------------------------------------------------------------------- */

static void refuses_with(int code, const char *name, const char *schedule, int steps, double eta,
                         const scheduler_config *c, const char *why)
{
    sampler *s = NULL;
    assert_int_equal(open_named(&s, name, schedule, steps, eta, c), code);
    assert_null(s);
    if (!strstr(sdcl_last_error(), why)) fail_msg("'%s' does not say '%s'", sdcl_last_error(), why);
}

static void refuses_usage(void **state)
{
    (void)state;
    scheduler_config c = sd_v1_scheduler;
    refuses_with(SDCL_EUSAGE, "eular", "default", 20, 0, &c, "unknown sampler 'eular'");
    refuses_with(SDCL_EUSAGE, "euler", "cosine", 20, 0, &c, "unknown schedule 'cosine'");
    refuses_with(SDCL_EUSAGE, "euler", "", 20, 0, &c, "unknown schedule");
    refuses_with(SDCL_EUSAGE, "euler", "default", 0, 0, &c, "0 steps");
    refuses_with(SDCL_EUSAGE, "euler", "default", -3, 0, &c, "-3 steps");
    refuses_with(SDCL_EUSAGE, "euler", "default", 1001, 0, &c, "1001 steps");
    refuses_with(SDCL_EUSAGE, "ddim", "leading", 1000, 0, &c, "timesteps 1 .. 1000");
    refuses_with(SDCL_EUSAGE, "dpmpp_2m", "leading", 1000, 0, &c, "too many");
}

static void refuses_eta(void **state)
{
    (void)state;
    scheduler_config c = sd_v1_scheduler;
    refuses_with(SDCL_EUSAGE, "euler", "default", 20, 0.5, &c, "'euler' has no eta");
    refuses_with(SDCL_EUSAGE, "ddim", "default", 20, -0.1, &c, "eta is");
    refuses_with(SDCL_EUSAGE, "ddim", "default", 20, 1.1, &c, "eta is");
    refuses_with(SDCL_EUSAGE, "ddim", "default", 20, (double)NAN, &c, "eta is");
}

static void refuses_predictions(void **state)
{
    (void)state;
    scheduler_config c = sd_v1_scheduler;
    strcpy(c.prediction_type, "sample");
    refuses_with(SDCL_EMODEL, "plms", "default", 20, 0, &c, "'sample'");
    refuses_with(SDCL_EMODEL, "euler_a", "default", 20, 0, &c, "'sample'");
    strcpy(c.prediction_type, "flow_prediction");
    for (int i = 0; sampler_name(i); i++)
        refuses_with(SDCL_EMODEL, sampler_name(i), "default", 20, 0, &c, "flow_prediction");
}

static void refuses_model_options(void **state)
{
    (void)state;
    scheduler_config c = sd_v1_scheduler;
    c.thresholding = true;
    refuses_with(SDCL_EMODEL, "ddim", "default", 20, 0, &c, "thresholding");
    refuses_with(SDCL_EMODEL, "dpmpp_2m", "default", 20, 0, &c, "thresholding");
    c = sd_v1_scheduler;
    c.use_beta_sigmas = true;
    refuses_with(SDCL_EMODEL, "euler", "default", 20, 0, &c, "use_beta_sigmas");
    c = sd_v1_scheduler;
    c.use_karras_sigmas = c.use_exponential_sigmas = true;
    refuses_with(SDCL_EMODEL, "dpmpp_2m", "default", 20, 0, &c, "exclude");
    c = sd_v1_scheduler;
    strcpy(c.timestep_spacing, "random");
    refuses_with(SDCL_EMODEL, "ddim", "default", 20, 0, &c, "'random'");
    c = sd_v1_scheduler;
    strcpy(c.final_sigmas_type, "half");
    refuses_with(SDCL_EMODEL, "euler", "default", 20, 0, &c, "'half'");
    c = sd_v1_scheduler;
    c.skip_prk_steps = false;
    refuses_with(SDCL_EUSAGE, "plms", "default", 3, 0, &c, "at least 4 steps");
}

static void ignores_options_of_other_classes(void **state)
{
    (void)state;
    scheduler_config c = sd_v1_scheduler;
    c.thresholding = c.use_beta_sigmas = c.use_lu_lambdas = true;
    strcpy(c.final_sigmas_type, "half");
    strcpy(c.algorithm_type, "sde-dpmsolver++");
    sampler *s = NULL;
    assert_int_equal(open_named(&s, "plms", "default", 20, 0, &c), 0);
    sampler_close(&s);
    assert_int_equal(open_named(&s, "euler_a", "default", 20, 0, &c), 0);
    sampler_close(&s);
}

static void refuses_solvers(void **state)
{
    (void)state;
    static const char *const algorithms[] = {"dpmsolver", "sde-dpmsolver", "sde-dpmsolver++", "rk45"};
    for (int i = 0; i < 4; i++) {
        scheduler_config c = sd_v1_scheduler;
        strcpy(c.algorithm_type, algorithms[i]);
        refuses_with(SDCL_EMODEL, "dpmpp_2m", "default", 20, 0, &c, algorithms[i]);
    }
    scheduler_config c = sd_v1_scheduler;
    strcpy(c.solver_type, "ralston");
    refuses_with(SDCL_EMODEL, "dpmpp_2m", "default", 20, 0, &c, "'ralston'");
    c = sd_v1_scheduler;
    c.solver_order = 4;
    refuses_with(SDCL_EMODEL, "dpmpp_2m", "default", 20, 0, &c, "solver_order 4");
    c = sd_v1_scheduler;
    strcpy(c.variance_type, "learned_range");
    refuses_with(SDCL_EMODEL, "dpmpp_2m", "default", 20, 0, &c, "learned");
}

/* With no signal left at the first timestep, noise alone says nothing about x0. */
static void refuses_epsilon_at_zero_snr(void **state)
{
    (void)state;
    scheduler_config c = sd_v1_scheduler;
    c.rescale_betas_zero_snr = true;
    refuses_with(SDCL_EMODEL, "ddim", "trailing", 20, 0, &c, "noise level");
    sampler *s = NULL;
    assert_int_equal(open_named(&s, "ddim", "leading", 20, 0, &c), 0); /* starts at 951 */
    sampler_close(&s);
}

/* --- names -------------------------------------------------------------------------------------------------------- */

static void lists_names(void **state)
{
    (void)state;
    static const char *const samplers[] = {"euler", "euler_a", "dpmpp_2m", "ddim", "plms"};
    static const char *const schedules[] = {"default", "karras", "trailing", "leading", "linspace"};
    for (int i = 0; i < 5; i++) {
        assert_string_equal(sampler_name(i), samplers[i]);
        assert_string_equal(schedule_name(i), schedules[i]);
        assert_non_null(schedule_a1111(schedules[i]));
    }
    assert_null(sampler_name(5));
    assert_null(sampler_name(-1));
    assert_null(schedule_name(5));
    assert_null(schedule_name(-1));
    assert_null(sampler_a1111("heun"));
    assert_null(schedule_a1111("heun"));
}

static void reads_either_spelling(void **state)
{
    (void)state;
    for (int i = 0; sampler_name(i); i++) {
        const char *schedule = NULL;
        assert_string_equal(sampler_canonical(sampler_name(i), &schedule), sampler_name(i));
        assert_string_equal(sampler_canonical(sampler_a1111(sampler_name(i)), &schedule), sampler_name(i));
        assert_null(schedule);
    }
    const char *schedule = "default";
    assert_string_equal(sampler_canonical("dpm++ 2m", &schedule), "dpmpp_2m");
    assert_string_equal(schedule, "default");
    assert_string_equal(sampler_canonical("DPM++ 2M Karras", &schedule), "dpmpp_2m");
    assert_string_equal(schedule, "karras");
    schedule = "default";
    static const char *const unknown[] = {"", "Karras", " Karras", "Heun", "Heun Karras", "Euler b", "euler ", "eule"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) assert_null(sampler_canonical(unknown[i], &schedule));
    assert_string_equal(schedule, "default");
}

static void follows_the_models_class(void **state)
{
    (void)state;
    static const char *const classes[][2] = {{"PNDMScheduler", "plms"},
                                             {"DDIMScheduler", "ddim"},
                                             {"EulerDiscreteScheduler", "euler"},
                                             {"EulerAncestralDiscreteScheduler", "euler_a"},
                                             {"DPMSolverMultistepScheduler", "dpmpp_2m"}};
    const char *name = NULL, *schedule = NULL;
    scheduler_config c = sd_v1_scheduler;
    for (int i = 0; i < 5; i++) {
        strcpy(c.class_name, classes[i][0]);
        assert_int_equal(sampler_for_class(&c, &name, &schedule), 0);
        assert_string_equal(name, classes[i][1]);
        assert_string_equal(schedule, "default");
    }
    strcpy(c.class_name, "LCMScheduler");
    assert_int_equal(sampler_for_class(&c, &name, &schedule), SDCL_EMODEL);
    assert_non_null(strstr(sdcl_last_error(), "LCMScheduler"));
}

#define WITH(test, s)                                                                                                  \
    {                                                                                                                  \
#test " " s, test, NULL, NULL, (char[]) { s }                                                                  \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(restarts, "ddim"),
        WITH(restarts, "plms"),
        WITH(restarts, "euler_a"),
        WITH(restarts, "dpmpp_2m"),
        WITH(any_step_count, "ddim"),
        WITH(any_step_count, "plms"),
        WITH(any_step_count, "euler"),
        WITH(any_step_count, "euler_a"),
        WITH(any_step_count, "dpmpp_2m"),
        cmocka_unit_test(counts_evaluations),
        cmocka_unit_test(noise_only_where_due),
        cmocka_unit_test(slots_in_use),
        cmocka_unit_test(close_accepts_nothing),
        cmocka_unit_test(refuses_usage),
        cmocka_unit_test(refuses_eta),
        cmocka_unit_test(refuses_predictions),
        cmocka_unit_test(refuses_model_options),
        cmocka_unit_test(ignores_options_of_other_classes),
        cmocka_unit_test(refuses_solvers),
        cmocka_unit_test(refuses_epsilon_at_zero_snr),
        cmocka_unit_test(lists_names),
        cmocka_unit_test(reads_either_spelling),
        cmocka_unit_test(follows_the_models_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
