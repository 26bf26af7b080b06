/* SPDX-License-Identifier: MIT */
/* Device memory: what a dry run says of it, budgets, strips, and jobs that give back what they no longer need. */
#include "draw.h"
#include "pipeline/session.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t seeds[] = {11, 12, 13, 14, 15};

static void assert_peak(const drawing *d, const sdcl_memory *said, double tolerance)
{
    double ratio = (double)d->peak_device_bytes / (double)said->peak;
    if (!(fabs(ratio - 1) <= tolerance))
        fail_msg("the peak is %.3f times what the dry run said (%llu)", ratio, (unsigned long long)said->peak);
}

static void assert_at_most(const char *what, uint64_t bytes, double most)
{
    if (!bytes || (double)bytes > most)
        fail_msg("%s: %llu bytes, at most %.0f expected", what, (unsigned long long)bytes, most);
}

/* What a dry run says is what is then allocated. side: of a picture whose activations, or the buffers that weights are read through, are the most. */
static void dry_run_of(int side)
{
    sdcl *s = session_of("models/pocket", NULL, NULL);
    sdcl_job j = small_job(seeds, 2);
    sdcl_memory m, again;
    drawing d;
    j.width = j.height = side;
    j.steps = 1;
    assert_done(sdcl_dry_run(s, &j, &m));
    assert_true(m.text_weights && m.unet_weights && m.vae_weights && m.unet_arena && m.vae_arena && m.io);
    draw(s, &j, &d);
    assert_peak(&d, &m, 0.01);
    drawing_free(&d);
    assert_done(sdcl_dry_run(s, &j, &again));
    assert_memory_equal(&m, &again, offsetof(sdcl_memory, budget));
    sdcl_close(&s);
}

static void dry_run_is_exact(void **state)
{
    (void)state;
    dry_run_of(128);
    dry_run_of(16);
}

/* The last job of one batch gives back what it has used, where that is more than a little; more jobs can follow all the same, of either kind. */
static void last_job_gives_back(void **state)
{
    (void)state;
    sdcl *keeps = session_of("models/pocket", NULL, NULL), *s = session_of("models/pocket", NULL, NULL);
    sdcl_job j = small_job(seeds, 2), last = j, batches = small_job(seeds, 5), other = small_job(seeds, 1);
    sdcl_memory m, less;
    drawing want, d;
    j.width = j.height = last.width = last.height = batches.width = batches.height = 256;
    last.last = batches.last = other.last = 1;
    assert_done(sdcl_dry_run(keeps, &j, &m));
    assert_done(sdcl_dry_run(s, &last, &less));
    assert_false(less.swapped);
    assert_true(less.peak < m.peak);
    draw(keeps, &j, &want);
    const sdcl_job *const jobs[] = {&last, &last, &j, &j, &last, &other, &j, &other, &last};
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
        draw(s, jobs[i], &d);
        if (i < 2) assert_peak(&d, &less, 0.01);
        for (int k = 0; k < j.count && jobs[i] != &other; k++) assert_same_picture(&want, k, &d, k);
        drawing_free(&d);
    }
    drawing_free(&want);
    assert_done(sdcl_dry_run(s, &batches, &less));
    batches.last = 0;
    assert_done(sdcl_dry_run(s, &batches, &m));
    assert_int_equal(less.peak, m.peak);
    sdcl_close(&keeps);
    sdcl_close(&s);
}

/* A last job that is small enough to be held, but not in this budget, gives back after all, rather than read its phases in turn. */
static void small_last_job_in_a_budget(void **state)
{
    (void)state;
    enum { MIB = 1 << 20 };
    sdcl *all = session_of("models/pocket", NULL, NULL), *s = NULL;
    sdcl_params p;
    sdcl_job j = small_job(seeds, 1);
    sdcl_memory m, held;
    j.width = j.height = 128;
    assert_done(sdcl_dry_run(all, &j, &m));
    j.last = 1;
    assert_done(sdcl_dry_run(all, &j, &held));
    assert_int_equal(held.peak, m.peak);
    sdcl_close(&all);
    sdcl_params_init(&p);
    p.model = "models/pocket";
    p.memory_mib = (int)(m.peak / MIB);
    assert_done(sdcl_open(&s, &p));
    assert_done(sdcl_dry_run(s, &j, &held));
    assert_false(held.swapped);
    assert_true(held.peak <= held.budget);
    sdcl_close(&s);
}

/* What Stable Diffusion v1 takes, from its shapes: f16 weights, of the vocabulary none; the largest level of the decoder with its input and one more tensor.
 * Padding depends on the device's panels, so it is a bound. */
static void bytes_of_sd_v1(void **state)
{
    static const struct {
        int side;
        const char *precision;
        double unet_arena, peak, last_peak; /* MB; at most */
    } sizes[] = {{512, "f32", 148, 2450, 2040}, {1024, "f32", 550, 3720, 2430}, {512, "f16", 85, 2230, 2040}};
    const double mb = 1e6, text = 171, unet = 1725, vae = 99.5;
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        sdcl *s = NULL;
        sdcl_params p;
        sdcl_memory m, last;
        sdcl_job j = small_job(seeds, 1);
        int side = sizes[i].side, bytes = strcmp(sizes[i].precision, "f16") ? 4 : 2;
        double input = 256.0 * side * side * bytes, strip = input / 32, scratch = 12 * mb;
        sdcl_params_init(&p);
        p.random_model = 1;
        p.precision = sizes[i].precision;
        p.memory_mib = 1 << 14;
        j.width = j.height = side;
        assert_done(sdcl_open(&s, &p));
        assert_done(sdcl_dry_run(s, &j, &m));
        j.last = 1;
        assert_done(sdcl_dry_run(s, &j, &last));
        sdcl_close(&s);
        assert_at_most("the text encoder", m.text_weights, text * mb);
        assert_at_most("the UNet", m.unet_weights, unet * mb);
        assert_at_most("the VAE", m.vae_weights, vae * mb);
        assert_at_most("the UNet's arena", m.unet_arena, sizes[i].unet_arena * mb);
        assert_at_most("the VAE's arena", m.vae_arena, 1.5 * input + strip + scratch);
        assert_at_most("the peak", m.peak, sizes[i].peak * mb);
        assert_at_most("the last job's peak", last.peak, sizes[i].last_peak * mb);
    }
}

/* A budget between what the largest phase and what all of them need, over two jobs of two batches each: the same pictures in less memory. */
static void phases_in_turn(void **state)
{
    (void)state;
    enum { MIB = 1 << 20 };
    sdcl *all = session_of("models/pocket", NULL, NULL), *turns = NULL;
    sdcl_params p;
    sdcl_job j = small_job(seeds, 5);
    sdcl_memory m, small;
    drawing a, b, again;
    j.width = j.height = 128;
    j.steps = 2;
    assert_done(sdcl_dry_run(all, &j, &m));
    assert_false(m.swapped);
    uint64_t largest = m.unet_weights + m.unet_arena > m.vae_weights + m.vae_arena ? m.unet_weights + m.unet_arena
                                                                                   : m.vae_weights + m.vae_arena;
    sdcl_params_init(&p);
    p.model = "models/pocket";
    p.memory_mib = (int)((largest + m.io) / MIB) + 1;
    assert_true((uint64_t)p.memory_mib * MIB < m.peak);
    assert_done(sdcl_open(&turns, &p));
    assert_done(sdcl_dry_run(turns, &j, &small));
    assert_true(small.swapped && small.peak == largest + m.io);
    draw(all, &j, &a);
    draw(turns, &j, &b);
    draw(turns, &j, &again);
    for (int i = 0; i < j.count; i++) {
        assert_same_picture(&a, i, &b, i);
        assert_same_picture(&a, i, &again, i);
    }
    assert_peak(&again, &small, 0.1);
    assert_true(ocl_bytes_now(turns->o) < turns->shape.memory_bytes + 4096); /* inputs, outputs and coefficients */
    sdcl_close(&all);
    sdcl_close(&turns);
    drawing_free(&a);
    drawing_free(&b);
    drawing_free(&again);
    p.memory_mib = (int)(largest / MIB) - 1;
    assert_done(sdcl_open(&turns, &p));
    assert_refused(sdcl_generate(turns, &j, NULL, NULL), SDCL_ENOMEM, "alone needs");
    sdcl_close(&turns);
}

static sdcl *tiled_session(int memory_mib, int vae_tile)
{
    sdcl *s = NULL;
    sdcl_params p;
    sdcl_params_init(&p);
    p.model = "models/pocket";
    p.memory_mib = memory_mib;
    p.vae_tile = vae_tile;
    assert_done(sdcl_open(&s, &p));
    return s;
}

static void assert_near(const drawing *a, const drawing *b, int most)
{
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->each, b->each);
    for (size_t i = 0; i < a->each * (size_t)a->count; i++) assert_true(abs(a->rgb[i] - b->rgb[i]) <= most);
}

/* A budget that the VAE fits into only in strips: they are taken by themselves, the picture is the same, and without them there is none. */
static void strips_in_a_budget(void **state)
{
    (void)state;
    enum { MIB = 1 << 20, STRIP = 8 };
    sdcl *whole = tiled_session(0, -1), *strips = tiled_session(0, STRIP);
    sdcl_job j = small_job(seeds, 1);
    sdcl_memory m, less, chosen;
    drawing a, b, c;
    j.width = 200;
    j.height = 328;
    j.steps = 1;
    assert_done(sdcl_dry_run(whole, &j, &m));
    assert_done(sdcl_dry_run(strips, &j, &less));
    assert_int_equal(m.vae_tile, 0);
    assert_int_equal(less.vae_tile, STRIP);
    int budget = (int)((less.vae_weights + less.vae_arena + less.io) / MIB) + 1;
    assert_true((uint64_t)budget * MIB < m.vae_weights + m.vae_arena + m.io);
    sdcl *fits = tiled_session(budget, 0);
    assert_done(sdcl_dry_run(fits, &j, &chosen));
    assert_true(chosen.vae_tile >= STRIP && chosen.peak <= chosen.budget);
    draw(whole, &j, &a);
    draw(strips, &j, &b);
    draw(fits, &j, &c);
    assert_peak(&c, &chosen, 0.1);
    assert_near(&a, &b, 1);
    assert_near(&a, &c, 1);
    sdcl *never = tiled_session(budget, -1);
    assert_refused(sdcl_generate(never, &j, NULL, NULL), SDCL_ENOMEM, "--vae-tile auto");
    drawing_free(&a);
    drawing_free(&b);
    drawing_free(&c);
    sdcl_close(&whole);
    sdcl_close(&strips);
    sdcl_close(&fits);
    sdcl_close(&never);
}

/* Strips do not see what else is in the batch. */
static void strips_alone(void **state)
{
    (void)state;
    sdcl *s = tiled_session(0, 4);
    sdcl_job j = small_job(seeds, 3), one = small_job(seeds + 1, 1);
    drawing all, alone;
    j.height = one.height = 104;
    draw(s, &j, &all);
    draw(s, &one, &alone);
    assert_same_picture(&all, 1, &alone, 0);
    drawing_free(&all);
    drawing_free(&alone);
    sdcl_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dry_run_is_exact),
        cmocka_unit_test(last_job_gives_back),
        cmocka_unit_test(small_last_job_in_a_budget),
        cmocka_unit_test(bytes_of_sd_v1),
        cmocka_unit_test(phases_in_turn),
        cmocka_unit_test(strips_in_a_budget),
        cmocka_unit_test(strips_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
