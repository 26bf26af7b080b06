/* SPDX-License-Identifier: MIT */
/* Two hundred INI files made wrong at random: each is an error that names its line, or a configuration with which ops give correct results. */
#include "check/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILES = 200, RUNS = 8, TEXT_MAX = 8192 };

static char path[300];
static ocl_device device;
static uint64_t state_of_random = 0x243F6A8885A308D3u;

static unsigned draw(unsigned n)
{
    state_of_random ^= state_of_random << 13;
    state_of_random ^= state_of_random >> 7;
    state_of_random ^= state_of_random << 17;
    return (unsigned)(state_of_random >> 33) % n;
}

static int open_device(void **state)
{
    int count = 0, index = 0;
    ocl_device *list = NULL;
    const char *base = getenv("TMPDIR");
    (void)state;
    snprintf(path, sizeof path, "%s/sdcl-mutated-XXXXXX", base ? base : "/tmp");
    int fd = mkstemp(path);
    if (fd < 0 || close(fd) || ocl_device_list(&list, &count) || ocl_device_choose(list, count, NULL, &index))
        return -1;
    device = list[index];
    free(list);
    return 0;
}

static int close_device(void **state)
{
    (void)state;
    return unlink(path);
}

/* A choice of a tunable's list. */
static void choice_of(const ocl_tunable *t, char *word, size_t size)
{
    unsigned n = 0;
    for (const char *s = t->choices; *(s += strspn(s, " ")); s += strcspn(s, " ")) n++;
    const char *s = t->choices;
    for (unsigned i = draw(n); i > 0; i--) s += strcspn(s, " "), s += strspn(s, " ");
    snprintf(word, size, "%.*s", (int)strcspn(s, " "), s);
}

static const char *const shapes[] = {"", "", " M=64 N=64 K=48", " N=33 K=20", " M=0", " M=7 M=8", " M=-1 N=x", " Z=3"};
static const char *const precisions[] = {"", "", "", ".f32", ".f16", ".bf16", ".f8"};
static const char *const values[] = {"",     "-1",  "0",     "7",        "8.0",      "0x8",  "99999999999999999999",
                                     "auto", "8 8", "-DX=1", "8;rm -rf", "\xff\xfe", "%s%n", "\"8\""};

/* Sections of the real table with values of its lists, most of them; a quarter of the lines has something wrong. */
static size_t make_file(char *text, size_t size)
{
    size_t n = 0, sections = 0;
    while (ops_sections[sections]) sections++;
    for (unsigned blocks = 1 + draw(3); blocks > 0; blocks--) {
        const ocl_section *s = ops_sections[draw((unsigned)sections)];
        bool wrong = draw(10) == 0;
        n += (size_t)snprintf(text + n, size - n, "[%s%s%s]%s\n", s->name, precisions[draw(wrong ? 7 : 5)],
                              shapes[draw(wrong ? 8 : 4)], draw(30) ? "" : " x");
        for (unsigned keys = draw(4); keys > 0 && s->count; keys--) {
            const ocl_tunable *t = &s->tunables[draw((unsigned)s->count)];
            char word[32];
            choice_of(t, word, sizeof word);
            n += (size_t)snprintf(text + n, size - n, "%s%s %c %s\n", t->name, draw(30) ? "" : "X",
                                  draw(10) ? '=' : ':', draw(25) ? word : values[draw(sizeof values / sizeof *values)]);
        }
    }
    for (unsigned holes = draw(8) ? 0 : 1 + draw(3); holes > 0; holes--) text[draw((unsigned)n)] = (char)draw(256);
    return n;
}

/* The ops at a small shape: correct, or refused for their values. */
static void run_ops(config *c, const char *text)
{
    static const char *const ids[] = {"gemm f32 f16 1 64 64 48 1 0", "conv3x3 f32 f32 1 5 7 8 12 1 0 0 0 0",
                                      "attention f32 f32 1 20 20 2 12 0", "layernorm f32 f32 9 40"};
    ocl *o = NULL;
    int err = ocl_open(&o, &device, c, false); /* [device] may be wrong for this one */
    if (err == SDCL_EUSAGE) return;
    if (err) fail_msg("%s", sdcl_last_error());
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        check_key key = {0}; /* all f32, but for weights */
        check_result r;
        for (const check_keyed *const *k = check_keyed_ops; *k; k++)
            if (!strncmp((*k)->op, ids[i], strlen((*k)->op))) key.op = *k;
        const char *s = ids[i] + strlen(key.op->op);
        key.weights = !strncmp(s, " f32 f16", 8) ? F16 : F32;
        s += strlen(" f32 f32");
        for (int v = 0; v < key.op->values; v++) key.v[v] = (int)strtol(s, (char **)(uintptr_t)&s, 10);
        check_run_key(o, &key, FILL_UNIFORM, 1, NULL, &r);
        if (!r.ok && !r.unfit) fail_msg("%s: %s\nwith\n%s", ids[i], r.why, text);
        if (r.unfit && !strstr(r.why, "does not fit") && !strstr(r.why, "breaks a rule"))
            fail_msg("%s is refused: %s\nwith\n%s", ids[i], r.why, text);
    }
    ocl_close(&o);
}

static void test_mutated(void **state)
{
    int refused = 0, accepted = 0, ran = 0;
    (void)state;
    for (int i = 0; i < FILES; i++) {
        char text[TEXT_MAX] = "", place[340];
        size_t n = make_file(text, sizeof text);
        config *c = NULL;
        FILE *f = fopen(path, "wb");
        assert_non_null(f);
        assert_int_equal(fwrite(text, 1, n, f), n);
        assert_int_equal(fclose(f), 0);
        int err = config_open(&c, ops_sections, &device.info, path, NULL, 0);
        snprintf(place, sizeof place, "%s:", path);
        if (err) {
            refused++;
            if (err != SDCL_EUSAGE || !strstr(sdcl_last_error(), place))
                fail_msg("file %d: status %d, %s\n%s", i, err, sdcl_last_error(), text);
        } else {
            accepted++;
            if (ran < RUNS && text[0] && ++ran) run_ops(c, text);
        }
        config_close(&c);
    }
    print_message("# %d refused, %d accepted, ops ran with %d\n", refused, accepted, ran);
    assert_true(refused > FILES / 4 && accepted > FILES / 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_mutated)};
    return cmocka_run_group_tests(tests, open_device, close_device);
}
