/* SPDX-License-Identifier: MIT */
#include "default_device.h"

#include "base/error.h"
#include "ops/ops.h"

#include <stdlib.h>

int default_device_open(config **values, ocl **o, const char *file, const char *const *set)
{
    int err = 0, count = 0, index = 0, sets = 0;
    ocl_device *list = NULL;
    while (set && set[sets]) sets++;
    TRY(ocl_device_list(&list, &count));
    TRY(ocl_device_choose(list, count, NULL, &index));
    TRY(config_open(values, ops_sections, &list[index].info, file, set, sets));
    TRY(ocl_open(o, &list[index], *values, false));
out:
    free(list);
    return err;
}

typedef struct fixture {
    config *values;
    ocl *o;
} fixture;

int default_device_setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    *state = f;
    return f ? default_device_open(&f->values, &f->o, NULL, NULL) : -1;
}

int default_device_teardown(void **state)
{
    fixture *f = *state;
    if (!f) return 0;
    ocl_close(&f->o);
    config_close(&f->values);
    free(f);
    return 0;
}

ocl *default_device_of(void **state) { return ((fixture *)*state)->o; }
