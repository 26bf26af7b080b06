/* SPDX-License-Identifier: MIT */
/* Two hundred INI files made wrong: each is an error that names its line, or a configuration with which ops give correct results. Six kinds take turns: a
 * wrong type, a value beyond the list, kernels' values that need not go together, CLBlast's parameters, sections for shapes, and damaged bytes. What is
 * accepted runs in a process of its own (this program with the file's name): a crash is a failure that shows the file. $SDCL_MUTATED_RUNS: how many do,
 * $SDCL_MUTATED_SEED: others. */
#include "check/check.h"

#include <errno.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FILES = 200, RUNS = 12, TEXT_MAX = 8192 };
enum { WRONG_TYPE, BEYOND, COMBINATION, CLBLAST, SHAPE, BYTES, KINDS };

extern char **environ;

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

static int find_device(void)
{
    int count = 0, index = 0;
    ocl_device *list = NULL;
    if (ocl_device_list(&list, &count) || ocl_device_choose(list, count, NULL, &index)) return -1;
    device = list[index];
    free(list);
    return 0;
}

static int open_device(void **state)
{
    const char *base = getenv("TMPDIR"), *seed = getenv("SDCL_MUTATED_SEED");
    (void)state;
    if (seed) state_of_random ^= strtoull(seed, NULL, 10) * 0x9E3779B97F4A7C15u;
    snprintf(path, sizeof path, "%s/sdcl-mutated-XXXXXX", base ? base : "/tmp");
    int fd = mkstemp(path);
    return fd < 0 || close(fd) ? -1 : find_device();
}

static int close_device(void **state)
{
    (void)state;
    return unlink(path);
}

/* --- making files --- */

typedef struct draft {
    char text[TEXT_MAX];
    size_t n;
    bool wrong; /* it has to be refused */
} draft;

static void put(draft *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(draft *d, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    d->n += (size_t)vsnprintf(d->text + d->n, sizeof d->text - d->n, format, ap);
    va_end(ap);
}

static bool named(const ocl_section *s, const char *prefix) { return !strncmp(s->name, prefix, strlen(prefix)); }

/* A section with values; prefix: what its name begins with, or "". */
static const ocl_section *section_like(const char *prefix)
{
    unsigned n = 0;
    while (ops_sections[n]) n++;
    for (;;) {
        const ocl_section *s = ops_sections[draw(n)];
        if (s->count && named(s, prefix)) return s;
    }
}

/* A choice of a tunable's list; from: the first that may be drawn. */
static void choice_of(const ocl_tunable *t, unsigned from, char *word, size_t size)
{
    unsigned n = 0;
    for (const char *s = t->choices; *(s += strspn(s, " ")); s += strcspn(s, " ")) n++;
    const char *s = t->choices;
    for (unsigned i = from < n ? from + draw(n - from) : 0; i > 0; i--) s += strcspn(s, " "), s += strspn(s, " ");
    snprintf(word, size, "%.*s", (int)strcspn(s, " "), s);
}

static bool is_choice(const ocl_tunable *t, const char *word)
{
    for (const char *s = t->choices; *(s += strspn(s, " ")); s += strcspn(s, " "))
        if (strcspn(s, " ") == strlen(word) && !strncmp(s, word, strlen(word))) return true;
    return false;
}

/* All values of a section from their lists; from as in choice_of, leave_out: about one in so many is missing. */
static void put_all(draft *d, const ocl_section *s, unsigned from, unsigned leave_out)
{
    for (int i = 0; i < s->count; i++) {
        char word[32];
        choice_of(&s->tunables[i], from, word, sizeof word);
        if (strcmp(s->tunables[i].name, "impl") != 0 && (!leave_out || draw(leave_out)))
            put(d, "%s = %s\n", s->tunables[i].name, word);
    }
}

static void make_wrong_type(draft *d)
{
    static const char *const values[] = {
        "",   "8.0", "0x8", "8 8",       "-DX=1", "8;rm -rf", "\xff\xfe", "%s%n", "\"8\"",           "eight", "1e1",
        "08", "+8",  "8,",  "$(reboot)", "8\t8",  "true",     "null",     "{}",   "8 -cl-fast-math", "'"};
    const ocl_section *s = section_like("");
    const ocl_tunable *t = &s->tunables[draw((unsigned)s->count)];
    put(d, "[%s]\n%s = %s\n", s->name, t->name, values[draw(sizeof values / sizeof *values)]);
    d->wrong = true;
}

static void make_beyond(draft *d)
{
    static const char *const far[] = {"99999999999999999999", "-2147483648", "2147483648",
                                      "4294967304",           "-1",          "1000000007"};
    const ocl_section *s = section_like("");
    const ocl_tunable *t = &s->tunables[draw((unsigned)s->count)];
    char word[32], near[48];
    choice_of(t, 0, word, sizeof word);
    snprintf(near, sizeof near, "%ld", strtol(word, NULL, 10) * (draw(2) ? 2 : 1) + (long)draw(3) - 1);
    const char *value = draw(3) ? near : far[draw(sizeof far / sizeof *far)];
    put(d, "[%s]\n%s = %s\n", s->name, t->name, value);
    d->wrong = !is_choice(t, value);
}

/* A kernel's values at random, and an op that has to use them. */
static void make_combination(draft *d)
{
    static const struct {
        const char *section, *op, *impl;
    } kernels[] = {{"gemm_cpu", "gemm", "cpu"},
                   {"gemm_gpu", "gemm", "gpu"},
                   {"conv3x3_cpu", "conv3x3", "cpu"},
                   {"conv3x3_gpu", "conv3x3", "gpu"},
                   {"winograd_", "conv3x3", "winograd"},
                   {"attention_cpu", "attention", "flash_cpu"},
                   {"attention_gpu", "attention", "flash_gpu"},
                   {"softmax_rows", "attention", "sliced"},
                   {"layernorm", NULL, NULL}};
    unsigned k = draw(sizeof kernels / sizeof *kernels);
    const ocl_section *s = section_like(kernels[k].section);
    if (kernels[k].op) put(d, "[%s]\nimpl = %s\n", kernels[k].op, kernels[k].impl);
    put(d, "[%s%s]\n", s->name, draw(4) ? "" : ".f32");
    put_all(d, s, 0, 0);
}

/* Sets by the lists, whole or not; and close to one that runs, so that single rules break. */
static void make_clblast(draft *d)
{
    static const char *const runs[] = {"GEMMK 0", "MWG 64",  "NWG 64", "KWG 32", "MDIMC 8", "NDIMC 8",
                                       "MDIMA 8", "NDIMB 8", "KWI 2",  "VWM 4",  "VWN 4",   "STRM 0",
                                       "STRN 0",  "SA 1",    "SB 1",   "KREG 1"};
    put(d, "[gemm]\nimpl = clblast\n");
    if (draw(2)) {
        const ocl_section *s = section_like("clblast_");
        put(d, "[%s%s]\n", s->name, draw(3) ? "" : ".f32");
        put_all(d, s, 1, draw(4) ? 0 : 8); /* not `auto` */
        return;
    }
    put(d, "[clblast_gemm_routine]\nXGEMM_MIN_INDIRECT_SIZE = 0\n[clblast_xgemm]\n");
    unsigned changed = draw(16), also = draw(16);
    for (unsigned i = 0; i < 16; i++) {
        char name[16], value[16], word[32];
        const ocl_section *s = section_like("clblast_xgemm");
        sscanf(runs[i], "%15s %15s", name, value);
        while (strcmp(s->name, "clblast_xgemm") != 0) s = section_like("clblast_xgemm");
        for (int t = 0; t < s->count; t++)
            if (!strcmp(s->tunables[t].name, name)) choice_of(&s->tunables[t], draw(8) ? 1 : 0, word, sizeof word);
        put(d, "%s = %s\n", name, i == changed || i == also ? word : value);
    }
}

static void make_shape(draft *d)
{
    static const struct {
        const char *text;
        bool wrong;
    } shapes[] = {{" M=64 N=64 K=48", false},
                  {" N=33 K=20", false},
                  {" M=64", false},
                  {" K=1 M=1 N=1", false},
                  {" M=0", true},
                  {" M=7 M=8", true},
                  {" M=-1 N=2", true},
                  {" Z=3", true},
                  {" M=", true},
                  {" M=99999999999", true},
                  {" M=6 4", true},
                  {" M=64,N=64", true},
                  {" m=64", true},
                  {" M=0x40", true},
                  {" M=64 ]", true},
                  {" M=1e3", true}};
    static const char *const kernels[] = {"gemm_cpu",      "gemm_gpu",   "conv3x3_cpu",
                                          "attention_cpu", "norm_apply", "layernorm"};
    for (unsigned blocks = 1 + draw(3); blocks > 0; blocks--) {
        unsigned i = draw(draw(3) ? 4 : sizeof shapes / sizeof *shapes);
        const ocl_section *s = section_like(kernels[draw(sizeof kernels / sizeof *kernels)]);
        put(d, "[%s%s%s]\n", s->name, draw(3) ? "" : ".f32", shapes[i].text);
        put_all(d, s, 0, 3);
        d->wrong = d->wrong || shapes[i].wrong;
    }
}

static void make_bytes(draft *d)
{
    for (unsigned blocks = 1 + draw(3); blocks > 0; blocks--) {
        const ocl_section *s = section_like("");
        static const char *const precisions[] = {"", "", "", ".f32", ".f16", ".bf16", ".f8"};
        put(d, "[%s%s]%s\n", s->name, precisions[draw(7)], draw(30) ? "" : " x");
        put_all(d, s, 0, 2);
    }
    for (unsigned holes = 1 + draw(3); holes > 0; holes--) d->text[draw((unsigned)d->n)] = (char)draw(256);
}

/* --- running what is accepted --- */

static void (*const make[KINDS])(draft *d) = {make_wrong_type, make_beyond, make_combination,
                                              make_clblast,    make_shape,  make_bytes};

/* Does a file say something about an op? */
static bool speaks_of(const char *file, const char *op)
{
    static const char *const about[][2] = {{"gemm", "[clblast"}, {"conv3x3", "[winograd"}, {"attention", "[softmax"}};
    char text[TEXT_MAX + 1] = "", own[24];
    FILE *f = fopen(file, "r");
    size_t n = f ? fread(text, 1, TEXT_MAX, f) : 0;
    if (f) fclose(f);
    for (size_t i = 0; i < n; i++)
        if (!text[i]) text[i] = ' ';
    snprintf(own, sizeof own, "[%s", op);
    for (size_t i = 0; i < sizeof about / sizeof *about; i++)
        if (!strcmp(about[i][0], op) && strstr(text, about[i][1])) return true;
    return strstr(text, own) != NULL;
}

/* The ops that a file speaks of, at a small shape: correct, or refused for their values. 0: so. */
static int run_ops(const char *file)
{
    static const char *const ids[] = {"gemm f32 f16 1 64 64 48 1 0", "conv3x3 f32 f32 1 5 7 8 12 1 0 0 0 0",
                                      "attention f32 f32 1 20 20 2 12 0", "layernorm f32 f32 9 40"};
    int bad = 0;
    config *c = NULL;
    ocl *o = NULL;
    if (find_device() || config_open(&c, ops_sections, &device.info, file, NULL, 0)) return 1;
    int err = ocl_open(&o, &device, c, false); /* [device] may be wrong for this one */
    if (err && err != SDCL_EUSAGE) fprintf(stderr, "# %s\n", sdcl_last_error());
    if (err) bad = err != SDCL_EUSAGE;
    else ocl_build_apart(o);
    for (size_t i = 0; o && i < sizeof ids / sizeof *ids; i++) {
        check_key key = {0}; /* all f32, but for weights */
        check_result r;
        for (const check_keyed *const *k = check_keyed_ops; *k; k++)
            if (!strncmp((*k)->op, ids[i], strlen((*k)->op))) key.op = *k;
        if (!speaks_of(file, key.op->op)) continue;
        const char *s = ids[i] + strlen(key.op->op);
        key.weights = !strncmp(s, " f32 f16", 8) ? F16 : F32;
        s += strlen(" f32 f32");
        for (int v = 0; v < key.op->values; v++) key.v[v] = (int)strtol(s, (char **)(uintptr_t)&s, 10);
        check_run_key(o, &key, FILL_UNIFORM, 1, NULL, &r);
        bool refused = r.unfit &&
                       (strstr(r.why, "does not fit") || strstr(r.why, "breaks a rule") || strstr(r.why, "but not"));
        if (r.ok || refused) continue;
        fprintf(stderr, "# %s: %s\n", ids[i], r.why);
        bad = 1;
    }
    ocl_close(&o);
    config_close(&c);
    return bad;
}

static void run_apart(const char *text)
{
    pid_t pid;
    int status = 0;
    char self[] = "/proc/self/exe";
    char *arguments[] = {self, path, NULL};
    assert_int_equal(posix_spawn(&pid, self, NULL, NULL, arguments, environ), 0);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFSIGNALED(status)) fail_msg("crashed: %s, with\n%s", strsignal(WTERMSIG(status)), text);
    if (WEXITSTATUS(status)) fail_msg("a wrong result, with\n%s", text);
}

static void test_mutated(void **state)
{
    int refused[KINDS] = {0}, ran[KINDS] = {0}, all = 0, runs = 0;
    const char *most = getenv("SDCL_MUTATED_RUNS");
    (void)state;
    for (int i = 0; i < FILES; i++) {
        int kind = i % KINDS;
        draft d = {.n = 0};
        char place[340];
        config *c = NULL;
        make[kind](&d);
        FILE *f = fopen(path, "wb");
        assert_non_null(f);
        assert_int_equal(fwrite(d.text, 1, d.n, f), d.n);
        assert_int_equal(fclose(f), 0);
        int err = config_open(&c, ops_sections, &device.info, path, NULL, 0);
        snprintf(place, sizeof place, "%s:", path);
        if (err && (err != SDCL_EUSAGE || !strstr(sdcl_last_error(), place)))
            fail_msg("file %d: status %d, %s\n%s", i, err, sdcl_last_error(), d.text);
        if (!err && d.wrong) fail_msg("file %d is accepted:\n%s", i, d.text);
        refused[kind] += err != 0;
        all += err != 0;
        config_close(&c);
        if (err || runs >= (most ? atoi(most) : RUNS)) continue;
        runs++;
        ran[kind]++;
        run_apart(d.text);
    }
    for (int k = 0; k < KINDS; k++) print_message("# kind %d: %d refused, ops ran with %d\n", k, refused[k], ran[k]);
    assert_true(all > FILES / 3 && FILES - all > FILES / 6);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_mutated)};
    if (argc == 2) return run_ops(argv[1]);
    return cmocka_run_group_tests(tests, open_device, close_device);
}
