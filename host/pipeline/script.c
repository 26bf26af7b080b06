/* SPDX-License-Identifier: MIT */
#include "pipeline/script.h"

#include <stdlib.h>
#include <string.h>

_Static_assert((int)SCHEDULER_SLOTS == (int)SLOT_COUNT, "slots of samplers and of the scheduler op");

/* A list of `count` elements with room for one more; capacities double from 64. NULL: out of memory, and the list is as it was. */
static void *with_room(void *list, int count, size_t size)
{
    bool full = !count || (count >= 64 && !(count & (count - 1)));
    return full ? realloc(list, (count ? 2 * (size_t)count : 64) * size) : list;
}

static int add_item(script *s, script_item item)
{
    script_item *items = with_room(s->items, s->count, sizeof *items);
    if (!items) return FAIL(SDCL_ENOMEM, "out of memory");
    s->items = items;
    s->items[s->count++] = item;
    return 0;
}

static int add_evaluation(script *s, const action *a)
{
    float *timesteps = with_room(s->timesteps, s->evaluation_count, sizeof *timesteps);
    if (timesteps) s->timesteps = timesteps;
    float *scales = with_room(s->scales, s->evaluation_count, sizeof *scales);
    if (scales) s->scales = scales;
    if (!timesteps || !scales) return FAIL(SDCL_ENOMEM, "out of memory");
    timesteps[s->evaluation_count] = (float)a->timestep;
    scales[s->evaluation_count] = (float)a->input_scale;
    return add_item(s, (script_item){.kind = SCRIPT_EVALUATE, .slot = a->input, .index = s->evaluation_count++});
}

/* The program that is being filled: rows == 0 and no model output pending means there is none. */
typedef struct pending {
    float program[SCHEDULER_PROGRAM];
    int rows;
    bool output; /* the model's output has not yet been taken */
} pending;

static int flush(script *s, pending *p, double guidance)
{
    if (!p->rows && !p->output) return 0;
    float *programs = with_room(s->programs, s->program_count, sizeof p->program);
    if (!programs) return FAIL(SDCL_ENOMEM, "out of memory");
    s->programs = programs;
    p->program[0] = (float)guidance;
    p->program[1] = (float)p->rows;
    p->program[2] = p->output;
    memcpy(programs + (size_t)s->program_count * SCHEDULER_PROGRAM, p->program, sizeof p->program);
    memset(p, 0, sizeof *p);
    return add_item(s, (script_item){.kind = SCRIPT_COMBINE, .index = s->program_count++});
}

static int add_row(script *s, pending *p, const action *a, double guidance)
{
    int err = 0;
    if (p->rows == SCHEDULER_ROWS_MAX) TRY(flush(s, p, guidance));
    float *row = p->program + 3 + p->rows++ * (2 + SCHEDULER_SLOTS);
    row[0] = (float)a->out;
    row[1] = (float)a->clamp;
    for (int i = 0; i < a->terms; i++) row[2 + a->term[i]] += (float)a->coefficient[i];
out:
    return err;
}

int script_build(script *s, sampler *from, double guidance, bool every_step)
{
    int err = 0, steps = 0;
    pending p = {0};
    action a;
    *s = (script){0};
    sampler_restart(from);
    for (sampler_next(from, &a); a.kind != ACTION_DONE; sampler_next(from, &a)) switch (a.kind) {
        case ACTION_EVALUATE:
            TRY(flush(s, &p, guidance));
            TRY(add_evaluation(s, &a));
            p.output = true;
            break;
        case ACTION_NOISE:
            TRY(flush(s, &p, guidance));
            TRY(add_item(s, (script_item){.kind = SCRIPT_NOISE}));
            break;
        case ACTION_COMBINE: TRY(add_row(s, &p, &a, guidance)); break;
        case ACTION_STEP_END:
            if (every_step) {
                TRY(flush(s, &p, guidance));
                TRY(add_item(s, (script_item){.kind = SCRIPT_STEP_END, .index = steps}));
            }
            steps++;
            break;
        default: break;
        }
    TRY(flush(s, &p, guidance));
out:
    if (err) script_free(s);
    return err;
}

void script_free(script *s)
{
    free(s->items);
    free(s->timesteps);
    free(s->scales);
    free(s->programs);
    *s = (script){0};
}
