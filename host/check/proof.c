/* SPDX-License-Identifier: MIT */
#include "check/proof.h"

#include "base/cache_folder.h"
#include "base/strbuf.h"
#include "ocl/answers.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

enum { KERNELS_MAX = 256, KINDS_MAX = 256, KNOWN_MAX = 1 << 16, LINE = 17 };

typedef struct kind {
    uint64_t sum;
    const char *op; /* the step's */
    check_key key;  /* key.op NULL: the op's smallest case instead */
    double flops;
    const ocl_kernel *kernel[STEP_KERNELS_MAX];
    char name[64]; /* of the first one, or of the implementation */
    bool proven;   /* by a case that ran just these */
} kind;

struct proof {
    ocl *o;
    char *path; /* owned; NULL: nothing is remembered */
    uint64_t *known;
    size_t known_count;
    struct {
        const ocl_kernel *kernel;
        uint64_t sum;
    } hashes[KERNELS_MAX];
    int hash_count;
    kind kinds[KINDS_MAX];
    int kind_count;
};

static void read_known(proof *p)
{
    char line[LINE + 2];
    FILE *f = fopen(p->path, "r");
    if (!f) return;
    p->known = malloc(KNOWN_MAX * sizeof *p->known);
    while (p->known && p->known_count < KNOWN_MAX && fgets(line, sizeof line, f)) {
        char *end;
        unsigned long long sum = strtoull(line, &end, 16);
        if (end == line + LINE - 1 && *end == '\n') p->known[p->known_count++] = sum;
    }
    fclose(f);
}

int proof_open(proof **out_proof, ocl *o)
{
    strbuf path = {0};
    proof *p = calloc(1, sizeof *p);
    *out_proof = NULL;
    if (!p) return FAIL(SDCL_ENOMEM, "out of memory");
    p->o = o;
    char *folder = cache_folder();
    if (folder) {
        strbuf_printf(&path, "%s/proof-%016llx", folder, (unsigned long long)ocl_device_sum(ocl_device_of(o)));
        p->path = path.failed ? NULL : path.s;
    }
    free(folder);
    if (p->path) read_known(p);
    *out_proof = p;
    return 0;
}

void proof_close(proof **p_)
{
    proof *p = *p_;
    if (!p) return;
    free(p->path);
    free(p->known);
    free(p);
    *p_ = NULL;
}

static bool is_known(const proof *p, uint64_t sum)
{
    for (size_t i = 0; i < p->known_count; i++)
        if (p->known[i] == sum) return true;
    return false;
}

static int kernel_sum(proof *p, const ocl_kernel *k, uint64_t *sum)
{
    for (int i = 0; i < p->hash_count; i++)
        if (p->hashes[i].kernel == k) {
            *sum = p->hashes[i].sum;
            return 0;
        }
    int err = ocl_kernel_hash(k, sum);
    if (err || p->hash_count == KERNELS_MAX) return err;
    p->hashes[p->hash_count].kernel = k;
    p->hashes[p->hash_count++].sum = *sum;
    return 0;
}

static int step_kernels(const step *s)
{
    int n = 0;
    while (n < STEP_KERNELS_MAX && s->kernel[n]) n++;
    return n;
}

/* Implementation and kernels of a step. */
static int step_sum(proof *p, const step *s, uint64_t *sum)
{
    int err = 0, n = step_kernels(s);
    uint64_t sums[STEP_KERNELS_MAX + 2] = {XXH3_64bits(s->op->name, strlen(s->op->name)),
                                           XXH3_64bits(s->impl->name, strlen(s->impl->name))};
    for (int i = 0; i < n; i++) TRY(kernel_sum(p, s->kernel[i], &sums[2 + i]));
    *sum = XXH3_64bits(sums, sizeof sums);
out:
    return err;
}

int proof_collect(proof *p, const plan *from)
{
    int err = 0;
    for (int i = 0; i < plan_steps(from); i++) {
        uint64_t sum;
        int at = 0;
        const step *s = plan_step(from, i);
        double flops = s->op->flops ? s->op->flops(s) : 0;
        TRY(step_sum(p, s, &sum));
        if (is_known(p, sum)) continue;
        while (at < p->kind_count && p->kinds[at].sum != sum) at++;
        if (at == KINDS_MAX || (at < p->kind_count && p->kinds[at].flops <= flops)) continue;
        p->kinds[at] = (kind){.sum = sum, .op = s->op->name, .flops = flops};
        check_key_of(from, s, &p->kinds[at].key);
        memcpy(p->kinds[at].kernel, s->kernel, sizeof s->kernel);
        snprintf(p->kinds[at].name, sizeof p->kinds[at].name, "%s",
                 s->kernel[0] ? ocl_kernel_name(s->kernel[0]) : s->impl->name);
        if (at == p->kind_count) p->kind_count++;
    }
out:
    return err;
}

int proof_waiting(const proof *p) { return p->kind_count; }

/* Appended in one write: processes at the same time do no harm. */
static void remember(const proof *p)
{
    strbuf text = {0};
    for (int i = 0; i < p->kind_count; i++)
        if (p->kinds[i].proven) strbuf_printf(&text, "%016llx\n", (unsigned long long)p->kinds[i].sum);
    int fd = p->path && !text.failed ? open(p->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    if (fd >= 0) {
        if (write(fd, text.s, text.n) < 0) unlink(p->path);
        close(fd);
    }
    strbuf_free(&text);
}

/* The op whose cases show what a step computes, and with which of them to begin: the smallest, or for parts of group normalisation the last, where all are
 * steps of their own. */
static const check_op *case_of(const char *op, int *first)
{
    bool part = !strcmp(op, "norm_apply") || !strcmp(op, "groupnorm_piece") || !strcmp(op, "groupnorm_merge");
    if (part) op = "groupnorm";
    for (const check_op *const *c = check_ops; *c; c++)
        if (!strcmp((*c)->name, op)) {
            *first = part ? (*c)->cases - 1 : 0;
            return *c;
        }
    return NULL;
}

/* Did a case run the kernels of the kind? */
static bool ran(const kind *k, const check_result *r)
{
    for (int i = 0; i < STEP_KERNELS_MAX && k->kernel[i]; i++) {
        int at = 0;
        while (at < CHECK_KERNELS_MAX && r->kernel[at] && r->kernel[at] != k->kernel[i]) at++;
        if (at == CHECK_KERNELS_MAX || !r->kernel[at]) return false;
    }
    return true;
}

static int prove(const proof *p, kind *k)
{
    check_result r = {.ok = true};
    char shape[96] = "";
    if (k->key.op) {
        check_run_key(p->o, &k->key, FILL_UNIFORM, 1, NULL, &r);
        k->key.op->describe(k->key.v, shape, sizeof shape);
        k->proven = !r.unfit && ran(k, &r);
    } else {
        int first;
        const check_op *op = case_of(k->op, &first);
        if (!op) return 0;
        /* Until a case runs the step's kernels. Small steps of a plan of halves may be all f32, and weights be halves in any plan. */
        for (int i = 0; i < 3 * op->cases && !k->proven; i++) {
            int index = (first + i / 3) % op->cases;
            check_case c = {
                .op = k->op, .index = index, .dt = i % 3 == 1 ? F32 : k->key.dt, .half_weights = i % 3 == 2};
            check_run(p->o, op, &c, 1, false, &r);
            op->describe(index, shape, sizeof shape);
            if (!r.ok && !r.unfit) break;
            k->proven = !r.unfit && ran(k, &r);
        }
    }
    if (r.ok || r.unfit) return 0;
    int err = FAIL(SDCL_ERESULT, "%s computes wrongly with kernel %s: %s %s: %s", ocl_device_of(p->o)->info.name,
                   k->name, k->op, shape, r.why);
    error_hint("'sdcl selftest' tests everything; an update of the driver, another --device or another implementation "
               "(--set %s.impl=...) may help",
               k->op);
    return err;
}

int proof_run(proof *p)
{
    int err = 0;
    for (int i = 0; i < p->kind_count; i++) TRY(prove(p, &p->kinds[i]));
    remember(p);
    p->kind_count = 0;
out:
    return err;
}
