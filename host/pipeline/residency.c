/* SPDX-License-Identifier: MIT */
#include "pipeline/residency.h"

#include <math.h>
#include <stdio.h>

#define MIB 1048576.0

static weights *weights_of(const sdcl *s, phase p)
{
    return p == PHASE_TEXT ? s->text_weights : p == PHASE_UNET ? s->unet_weights : s->vae_weights;
}

enum { PLANS_MAX = 6 };

/* The plans of a phase that take turns, or of all phases for PHASE_NONE. */
static int plans_of(const sdcl *s, phase p, plan *plans[PLANS_MAX])
{
    const passes *x = &s->shape;
    int n = 0;
    if (p == PHASE_TEXT || !p) plans[n++] = x->text;
    if (p != PHASE_VAE) plans[n++] = x->prologue; /* the prompt's, with weights of the UNet */
    if (p == PHASE_UNET || !p) {
        plans[n++] = x->time;
        plans[n++] = x->unet[0].p;
        plans[n++] = x->scheduler;
    }
    if (p == PHASE_VAE || !p) plans[n++] = x->vae;
    return n;
}

static uint64_t beside_bytes(const sdcl *s) { return arena_bytes(&s->shape.unet[1].p, 1); }

uint64_t residency_weights(const sdcl *s, phase p) { return weights_bytes(weights_of(s, p)); }

uint64_t residency_arena(const sdcl *s, phase p)
{
    plan *plans[PLANS_MAX];
    int n = plans_of(s, p, plans);
    return arena_bytes(plans, n) + (p == PHASE_UNET ? beside_bytes(s) : 0);
}

static uint64_t larger(uint64_t a, uint64_t b) { return a > b ? a : b; }

/* Weights, and beside them, one after the other, what they are read through and activations. */
static uint64_t phase_bytes(const sdcl *s, phase p)
{
    return residency_weights(s, p) + larger(weights_staging_bytes(weights_of(s, p)), residency_arena(s, p));
}

uint64_t residency_peak(const sdcl *s, residency_mode mode)
{
    plan *plans[PLANS_MAX];
    uint64_t peak = 0, after = 0; /* after: weights of this phase and later ones */
    for (phase p = PHASE_TEXT; p < PHASES; p++) {
        after += residency_weights(s, p);
        if (mode != HOLD_PHASE) peak = larger(peak, after + weights_staging_bytes(weights_of(s, p)));
    }
    if (mode == HOLD_ALL)
        peak = larger(peak, after + arena_bytes(plans, plans_of(s, PHASE_NONE, plans)) + beside_bytes(s));
    for (phase p = PHASE_TEXT; p < PHASES; p++) {
        if (mode == HOLD_PHASE) peak = larger(peak, phase_bytes(s, p));
        if (mode == HOLD_NEEDED) peak = larger(peak, after + residency_arena(s, p));
        after -= residency_weights(s, p);
    }
    return s->shape.memory_bytes + peak;
}

bool residency_fits(const sdcl *s, phase p)
{
    return s->shape.memory_bytes + residency_weights(s, p) + residency_arena(s, p) <= s->memory.budget;
}

/* Bytes that this machine has left for processes; UINT64_MAX where it does not say. */
static uint64_t host_available(void)
{
    unsigned long long kilobytes = 0;
    char line[128];
    FILE *f = fopen("/proc/meminfo", "r");
    if (!f) return UINT64_MAX;
    while (fgets(line, sizeof line, f))
        if (sscanf(line, "MemAvailable: %llu kB", &kilobytes) == 1) break;
    fclose(f);
    return kilobytes ? (uint64_t)kilobytes << 10 : UINT64_MAX;
}

void residency_open(sdcl *s, uint64_t budget)
{
    residency *r = &s->memory;
    uint64_t all = s->device.info.global_bytes, host = host_available();
    r->shared.o = r->beside.o = s->o;
    r->asked = budget != 0;
    if (s->device.info.unified_memory && host < all) all = host;
    r->budget = budget ? budget : all / 10 * 9;
}

static const char *const phase_names[] = {"", "the text encoder", "the UNet", "the VAE"};

/* Below it a job keeps what HOLD_NEEDED would give back between phases: pages that go and come again cost more than they are worth. */
static const uint64_t SMALL_BYTES = (uint64_t)48 << 20;

int residency_decide(sdcl *s, residency_mode wanted)
{
    residency *r = &s->memory;
    uint64_t all = residency_peak(s, HOLD_ALL);
    if (wanted == HOLD_NEEDED && all <= SMALL_BYTES && all <= r->budget) wanted = HOLD_ALL;
    uint64_t held = residency_peak(s, wanted), least = residency_peak(s, HOLD_PHASE);
    r->mode = held > r->budget ? HOLD_PHASE : wanted;
    if (r->mode != wanted)
        session_log(s, SDCL_VERBOSE, "%.1f MiB do not fit into %.1f MiB: text encoder, UNet and VAE are loaded in turn",
                    (double)held / MIB, (double)r->budget / MIB);
    if (r->mode != HOLD_PHASE || least <= r->budget || !r->asked) return 0;
    phase most = PHASE_TEXT;
    for (phase p = PHASE_TEXT; p < PHASES; p++)
        if (phase_bytes(s, p) > phase_bytes(s, most)) most = p;
    int err = FAIL(SDCL_ENOMEM, "%s alone needs %.1f MiB of device memory; the budget is %.1f MiB", phase_names[most],
                   (double)least / MIB, (double)r->budget / MIB);
    error_hint("%s--memory %.0f, smaller pictures, or fewer at once",
               most == PHASE_VAE && s->params.vae_tile ? "--vae-tile auto, " : "", ceil((double)least / MIB));
    return err;
}

/* Parts of a model are one stage to the caller. */
typedef struct loading {
    const sdcl *s;
    double begin;
    int earlier, total; /* weights */
    double reported;    /* when */
} loading;

static const double REPORT_SECONDS = 0.1; /* weights come by the thousand */

static int report_load(void *user, int done, int of_part)
{
    loading *l = user;
    double now = seconds_now();
    (void)of_part;
    if (l->earlier + done < l->total && now - l->reported < REPORT_SECONDS) return 0;
    l->reported = now;
    session_progress(l->s, "load", l->earlier + done, l->total, now - l->begin, 0, 0);
    return session_cancelled(l->s);
}

static int load_weights(sdcl *s, phase first, phase last)
{
    int err = 0;
    loading l = {.s = s, .begin = seconds_now()};
    for (phase p = first; p <= last; p++) l.total += weights_count(weights_of(s, p));
    for (phase p = first; p <= last; p++) {
        TRY(session_cancelled(s));
        TRY(weights_load(weights_of(s, p), report_load, &l));
        l.earlier += weights_count(weights_of(s, p));
    }
out:
    s->memory.seconds += seconds_now() - l.begin;
    return err;
}

int residency_load(sdcl *s)
{
    int err = 0;
    residency *r = &s->memory;
    plan *plans[PLANS_MAX];
    if (r->mode == HOLD_PHASE || r->all) return 0;
    residency_leave(s); /* a phase's arena, of a job before */
    TRY(load_weights(s, PHASE_TEXT, PHASE_VAE));
    if (r->mode == HOLD_NEEDED) goto out;
    TRY(arena_provide(&r->shared, plans, plans_of(s, PHASE_NONE, plans)));
    TRY(arena_provide(&r->beside, &s->shape.unet[1].p, 1));
    r->all = true;
out:
    if (err) residency_leave(s);
    return err;
}

int residency_enter(sdcl *s, phase p)
{
    int err = 0;
    residency *r = &s->memory;
    plan *plans[PLANS_MAX];
    if (r->mode == HOLD_ALL || r->now == p) return 0;
    TRY(ocl_finish(s->o));
    residency_leave(s);
    if (r->mode == HOLD_PHASE) {
        for (phase other = PHASE_TEXT; other < PHASES; other++)
            if (other != p) weights_unload(weights_of(s, other));
        TRY(load_weights(s, p, p));
    }
    TRY(arena_provide(&r->shared, plans, plans_of(s, p, plans)));
    if (p == PHASE_UNET) TRY(arena_provide(&r->beside, &s->shape.unet[1].p, 1));
    r->now = p;
out:
    if (err) residency_leave(s);
    return err;
}

int residency_enter_prologue(sdcl *s) { return s->memory.mode == HOLD_PHASE ? residency_enter(s, PHASE_UNET) : 0; }

int residency_done(sdcl *s, phase p)
{
    if (s->memory.mode == HOLD_ALL) return 0;
    int err = ocl_finish(s->o);
    weights_unload(weights_of(s, p));
    if (s->memory.now == p) residency_leave(s);
    return err;
}

void residency_leave(sdcl *s)
{
    residency *r = &s->memory;
    arena_free(&r->shared);
    arena_free(&r->beside);
    r->now = PHASE_NONE;
    r->all = false;
}
