/* SPDX-License-Identifier: MIT */
/* Runs the op harness on a device.
 *
 *   check [--op NAME] [--impl NAME] [--dtype f32|f16|bf16] [--shape N] [--device D] [--set S.K=V] [--seed N] [--minimal] [--bench] [--list]
 *
 * Every op, every implementation it can be forced to, every precision, every fill; without --set and --bench the variants too. --minimal: the first shapes
 * alone, one fill (for simulators). Ends with "N passed, N failed"; exit 1 if anything failed, 2 if something is asked for that is not there. Without --dtype,
 * --minimal and --bench f16 is checked in a process of its own, beside f32 and bf16: most of it is compiling, which PoCL does on one core. */
#include "check/check.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MINIMAL_CASES = 4, SETS_MAX = 16 };

typedef struct options {
    const char *op, *impl, *dt, *device, *set[SETS_MAX + 2];
    int sets, shape;
    uint64_t seed;
    bool minimal, bench, list;
} options;

typedef struct totals {
    int passed, failed, unfit;
} totals;

static void report(const check_op *op, const char *impl, const check_case *c, const check_result *r, totals *sum)
{
    static const char *const fills[] = {"uniform", "tiny", "offset", "constant"};
    char shape[96];
    op->describe(c->index, shape, sizeof shape);
    sum->passed += r->ok;
    sum->unfit += r->unfit;
    sum->failed += !r->ok && !r->unfit;
    if (r->ms > 0)
        printf("%-12s %-9s %s %-40s %9.3f ms %8.1f GFLOP/s %7.1f GB/s  NMSE %.1e\n", op->name, impl,
               precision_word(c->dt), shape, r->ms, r->gflops / r->ms * 1e3, r->gbytes / r->ms * 1e3, r->nmse);
    else if (!r->ok && !r->unfit)
        printf("not ok - %s %s %s %s %s: %s\n", op->name, impl, precision_word(c->dt), shape, fills[c->fill], r->why);
    fflush(stdout);
}

/* variant: its values, or "". */
static void run_cases(ocl *o, const check_op *op, const char *impl, const char *variant, const options *g, totals *sum)
{
    int first = g->bench ? op->cases : 0, end = g->bench ? op->cases + op->bench_cases : op->cases;
    if (g->minimal && end > MINIMAL_CASES) end = MINIMAL_CASES;
    int before = sum->passed + sum->failed, failed = sum->failed, unfit = sum->unfit;
    static const dtype precisions[] = {F32, F16, BF16};
    for (int p = 0; p < 3; p++) {
        dtype dt = precisions[p];
        if ((g->dt && strcmp(g->dt, precision_word(dt))) || (dt == BF16) != !strcmp(impl, "matrix")) continue;
        for (int i = first; i < end; i++) {
            if (g->shape >= 0 && i != g->shape) continue;
            for (int f = 0; f < (g->bench || g->minimal ? 1 : FILL_COUNT); f++) {
                check_case c = {.op = op->name, .index = i, .dt = dt, .fill = (check_fill)f};
                check_result r;
                check_run(o, op, &c, g->seed, g->bench, &r);
                report(op, impl, &c, &r, sum);
            }
        }
    }
    int ran = sum->passed + sum->failed - before;
    if (!g->bench && ran && failed == sum->failed)
        printf("ok - %s %s%s%s%s%s: %d cases\n", op->name, impl, *variant ? " " : "", variant, g->dt ? " " : "",
               g->dt ? g->dt : "", ran);
    if (sum->unfit > unfit) printf("# %s %s: %d cases do not fit this device\n", op->name, impl, sum->unfit - unfit);
}

/* One op on one implementation ("" where there is no choice), in a session of its own: the configuration differs. */
static int run_impl(const ocl_device *device, const check_op *op, const char *impl, const char *variant, options *g,
                    totals *sum)
{
    int err = 0, sets = g->sets;
    char forced[64];
    config *values = NULL;
    ocl *o = NULL;
    if (*impl) {
        snprintf(forced, sizeof forced, "%s.impl=%s", op->section, impl);
        g->set[sets++] = forced;
    }
    if (*variant) g->set[sets++] = variant;
    TRY(config_open(&values, ops_sections, &device->info, NULL, g->set, sets));
    TRY(ocl_open(&o, device, values, false));
    run_cases(o, op, *impl ? impl : "-", variant, g, sum);
    const char *undeclared = ocl_undeclared(o);
    sum->failed += undeclared != NULL;
    if (undeclared)
        printf("not ok - %s, or another kernel of its program, uses a function that cl/builtins.h does not declare\n",
               undeclared);
out:
    ocl_close(&o);
    config_close(&values);
    return err;
}

static int run_op(const ocl_device *device, const check_op *op, options *g, totals *sum)
{
    int err = 0;
    char impls[128], *rest = impls;
    snprintf(impls, sizeof impls, "%s", check_impls(op));
    if (!*impls) return run_impl(device, op, "", "", g, sum);
    for (char *impl; !err && (impl = strsep(&rest, " "));) {
        if (g->impl && strcmp(g->impl, impl) != 0) continue;
        err = run_impl(device, op, impl, "", g, sum);
        for (const check_variant *v = check_variants; !err && v->op && !g->sets && !g->bench; v++)
            if (!strcmp(v->op, op->name) && !strcmp(v->impl, impl)) err = run_impl(device, op, impl, v->set, g, sum);
    }
    return err;
}

static void list(void)
{
    for (const check_op *const *op = check_ops; *op; op++)
        for (int i = 0; i < (*op)->cases + (*op)->bench_cases; i++) {
            char shape[96];
            (*op)->describe(i, shape, sizeof shape);
            printf("%-12s %2d %s%s\n", (*op)->name, i, shape, i >= (*op)->cases ? " (bench)" : "");
        }
}

static int parse(int argc, char **argv, options *g)
{
    static const struct option names[] = {
        {"op", 1, 0, 'o'},    {"impl", 1, 0, 'i'},   {"dtype", 1, 0, 't'}, {"shape", 1, 0, 's'},
        {"set", 1, 0, 'S'},   {"device", 1, 0, 'd'}, {"seed", 1, 0, 'r'},  {"minimal", 0, 0, 'm'},
        {"bench", 0, 0, 'b'}, {"list", 0, 0, 'l'},   {0, 0, 0, 0}};
    *g = (options){.shape = -1, .seed = 1};
    for (int c; (c = getopt_long(argc, argv, "", names, NULL)) >= 0;) switch (c) {
        case 'o': g->op = optarg; break;
        case 'i': g->impl = optarg; break;
        case 't': g->dt = optarg; break;
        case 's': g->shape = atoi(optarg); break;
        case 'd': g->device = optarg; break;
        case 'r': g->seed = strtoull(optarg, NULL, 10); break;
        case 'm': g->minimal = true; break;
        case 'b': g->bench = true; break;
        case 'l': g->list = true; break;
        case 'S':
            if (g->sets < SETS_MAX) {
                g->set[g->sets++] = optarg;
                break;
            } /* fall through */
        default: return 2;
        }
    return 0;
}

static bool among(const char *word, const char *words)
{
    size_t n = strlen(word);
    for (const char *at = words; *at && n; at += strcspn(at, " "), at += *at == ' ')
        if (strcspn(at, " ") == n && !strncmp(at, word, n)) return true;
    return false;
}

/* Is there what was asked for? To test nothing would be no answer. */
static bool exists(const options *g)
{
    bool found = false;
    for (const check_op *const *op = check_ops; *op; op++)
        found |= (!g->op || !strcmp(g->op, (*op)->name)) && (!g->impl || among(g->impl, check_impls(*op))) &&
                 g->shape < (*op)->cases + (*op)->bench_cases;
    if (found && (!g->dt || among(g->dt, "f32 f16 bf16"))) return true;
    fprintf(stderr,
            "no such op, implementation, shape or precision; ops, shapes and implementations, in f32, f16 or bf16:\n");
    for (const check_op *const *op = check_ops; *op; op++)
        fprintf(stderr, "  %-12s 0-%-2d %s\n", (*op)->name, (*op)->cases + (*op)->bench_cases - 1, check_impls(*op));
    return false;
}

static int run(options *g, totals *sum)
{
    int err = 0, count = 0, index = 0;
    ocl_device *devices = NULL;
    TRY(ocl_device_list(&devices, &count));
    TRY(ocl_device_choose(devices, count, g->device, &index));
    printf("# %s, seed %llu\n", devices[index].info.name, (unsigned long long)g->seed);
    for (const check_op *const *op = check_ops; *op; op++)
        if (!g->op || !strcmp(g->op, (*op)->name)) TRY(run_op(&devices[index], *op, g, sum));
out:
    if (err) printf("not ok - %s\n", sdcl_last_error());
    fflush(stdout);
    free(devices);
    return err;
}

/* f32; then bf16 with the CPU's matrix instructions, where it has any, and with the layouts of each kind of them in plain C. */
static int run_floats(options *g, totals *sum)
{
    int err = 0, sets = g->sets;
    g->dt = "f32";
    TRY(run(g, sum));
    g->dt = "bf16";
    TRY(run(g, sum));
    if (sets == SETS_MAX) goto out;
    for (int i = 0; i < 2; i++) {
        g->set[sets] = i ? "gemm.matrix=amx_plain" : "gemm.matrix=plain";
        g->sets = sets + 1;
        TRY(run(g, sum));
    }
out:
    g->sets = sets;
    return err;
}

/* f16 in a child, which sends its totals at its end; one that does not has crashed. */
static int run_both(options *g, totals *sum)
{
    int ends[2], status = 0;
    totals half = {0};
    fflush(stdout);
    if (pipe(ends)) return -1;
    pid_t child = fork();
    if (child < 0) return -1;
    if (!child) g->dt = "f16";
    int err = child ? run_floats(g, sum) : run(g, &half);
    if (!child) exit(err || write(ends[1], &half, sizeof half) != sizeof half);
    close(ends[1]);
    bool told = read(ends[0], &half, sizeof half) == sizeof half;
    close(ends[0]);
    if (waitpid(child, &status, 0) != child || status || !told) {
        printf("not ok - f16: the process ended with status %#x\n", (unsigned)status);
        err = -1;
    }
    sum->passed += half.passed;
    sum->failed += half.failed;
    return err;
}

int main(int argc, char **argv)
{
    options g;
    totals sum = {0};
    if (parse(argc, argv, &g) || !exists(&g)) return 2;
    if (g.list) {
        list();
        return 0;
    }
    int err = g.dt || g.minimal || g.bench ? run(&g, &sum) : run_both(&g, &sum);
    sum.failed += err != 0;
    printf("%d passed, %d failed\n", sum.passed, sum.failed);
    return sum.failed || !sum.passed;
}
