/* SPDX-License-Identifier: MIT */
/* Prints docs/kernels.md: every section of the INI files with its keys, from the declarations that the program itself is compiled with.
 *   kernel_docs CL_FOLDER      where a section's kernel is looked for, to tell kernels from ops */
#include "ops/ops.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The default is a number, or the index of a word. */
static void print_default(const ocl_tunable *t)
{
    const char *word = t->choices + strspn(t->choices, " ");
    if (strchr("-0123456789", *word)) {
        printf("%d", t->value);
        return;
    }
    for (int i = 0; i < t->value; i++) {
        word += strcspn(word, " ");
        word += strspn(word, " ");
    }
    printf("%.*s", (int)strcspn(word, " "), word);
}

static void print_keys(const ocl_section *s)
{
    puts("| key | default | choices | meaning |\n|---|---|---|---|");
    for (int i = 0; i < s->count; i++) {
        const ocl_tunable *t = &s->tunables[i];
        printf("| `%s` | ", t->name);
        print_default(t);
        printf(" | %s | %s |\n", t->choices, t->meaning);
    }
}

static bool is_kernel(const char *folder, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s.cl", folder, name);
    return !access(path, R_OK);
}

int main(int argc, char **argv)
{
    if (argc != 2) return 2;
    puts("# What can be tuned\n\n"
         "<!-- Made by `make docs/kernels.md` from the declarations in host/; `make check` fails when this page is out "
         "of date. "
         "-->\n\n"
         "Each heading is a section of an INI file. Defaults are those that are built in; `sdcl config --show-origin` "
         "prints the value in force on a device\n"
         "and the file that it comes from, `sdcl config --for-device NAME` those of another device. "
         "[tuning.md](tuning.md) says how to set them.\n"
         "A kernel's section can be given for one precision (`[gemm_gpu.f16]`), which wins over the one for all, and "
         "for a shape\n"
         "(`[gemm_gpu M=4096 N=320 K=320]`), which serves shapes near it too. A combination that does not fit the "
         "device is refused with its section.\n\n"
         "The sizes are those of one image, and one that is left out is any. M, N and K of a product are rows, columns "
         "(GEGLU: of both halves) and summed\n"
         "values; of a 3x3 convolution output pixels, output channels and input channels; of attention queries, keys "
         "and the size of a head; of a normalisation,\n"
         "which has no K, rows and channels.\n\n"
         "## Ops and the device");
    for (int kernels = 0; kernels <= 1; kernels++) {
        if (kernels) puts("\n## Kernels");
        for (const ocl_section *const *s = ops_sections; *s; s++) {
            if (is_kernel(argv[1], (*s)->name) != kernels) continue;
            if (kernels) printf("\n### [%s]\n\n[cl/%s.cl](../cl/%s.cl)\n\n", (*s)->name, (*s)->name, (*s)->name);
            else printf("\n### [%s]\n\n", (*s)->name);
            print_keys(*s);
        }
    }
    return fflush(stdout) || ferror(stdout);
}
