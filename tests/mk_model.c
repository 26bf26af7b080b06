/* SPDX-License-Identifier: MIT */
/* Writes a model with random weights, for trying the loader and other programs by hand.
 *
 *   mk_model [--small] [--f32] compvis|folder|early-folder PATH
 *
 * Without --small it has the size of Stable Diffusion v1: 2.1 GB, with --f32 4.3 GB. PATH must not be there, if it is a folder. */
#include "base/error.h"
#include "model_writer.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    static const char *const forms[] = {"compvis", "folder", "early-folder"};
    bool small = false, f32 = false;
    int form = -1, at = 1;
    for (; at < argc && argv[at][0] == '-'; at++)
        if (!strcmp(argv[at], "--small")) small = true;
        else if (!strcmp(argv[at], "--f32")) f32 = true;
        else break;
    for (int i = 0; at < argc && i < 3; i++)
        if (!strcmp(argv[at], forms[i])) form = i;
    if (form < 0 || at + 2 != argc) {
        fputs("usage: mk_model [--small] [--f32] compvis|folder|early-folder PATH\n", stderr);
        return 2;
    }
    model *m = NULL;
    if (small) m = small_model();
    else if (model_open_random(&m, NULL, NULL, NULL)) {
        fprintf(stderr, "mk_model: %s\n", sdcl_last_error());
        return 1;
    }
    model_write(m, argv[at + 1], (writer_form)form, f32);
    model_close(&m);
    return 0;
}
