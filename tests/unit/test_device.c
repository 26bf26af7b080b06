/* SPDX-License-Identifier: MIT */
/* Listing and choosing devices, errors by name, and the INI files that the binary carries. */
#include "ocl/config_internal.h"
#include "ocl/embedded.h"
#include "ocl/ocl.h"
#include "ops/ops.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <CL/cl_ext.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- choosing, on devices that need not exist --- */

static ocl_device made(int index, const char *type, const char *name, unsigned units, unsigned mhz, int unified)
{
    ocl_device d = {.info = {.index = index, .compute_units = units, .clock_mhz = mhz, .unified_memory = unified}};
    d.cpu = !strcmp(type, "cpu");
    snprintf(d.info.type, sizeof d.info.type, "%s", type);
    snprintf(d.info.name, sizeof d.info.name, "%s", name);
    return d;
}

enum { CPU, INTEGRATED, SMALL, LARGE, BOARD, MACHINE };

static void machine(ocl_device list[MACHINE])
{
    list[CPU] = made(CPU, "cpu", "pthread-AMD EPYC", 128, 3000, 1);
    list[INTEGRATED] = made(INTEGRATED, "gpu", "Intel UHD Graphics", 96, 4000, 1);
    list[SMALL] = made(SMALL, "gpu", "NVIDIA GeForce GTX 1050", 5, 1400, 0);
    list[LARGE] = made(LARGE, "gpu", "NVIDIA GeForce RTX 4090", 128, 2500, 0);
    list[BOARD] = made(BOARD, "accelerator", "Alveo 4090", 4000, 9000, 0);
    snprintf(list[CPU].info.platform, sizeof list[CPU].info.platform, "Portable Computing Language");
    snprintf(list[BOARD].info.vendor, sizeof list[BOARD].info.vendor, "Xilinx");
}

static int choose(const ocl_device *list, int count, const char *want)
{
    int index = -1, err = ocl_device_choose(list, count, want, &index);
    return err ? err * 100 : index;
}

static void test_best(void **state)
{
    (void)state;
    ocl_device list[MACHINE];
    machine(list);
    assert_int_equal(choose(list, MACHINE, NULL), LARGE);
    assert_int_equal(choose(list, LARGE, NULL), SMALL); /* discrete before shared memory */
    assert_int_equal(choose(list, SMALL, NULL), INTEGRATED);
    assert_int_equal(choose(list, INTEGRATED, NULL), CPU);
    ocl_device rest[] = {list[BOARD], list[CPU]};
    assert_int_equal(choose(rest, 2, NULL), 1); /* a CPU before an accelerator */
    assert_int_equal(choose(rest, 1, NULL), 0);
}

static void test_equal_devices(void **state)
{
    (void)state;
    ocl_device list[] = {made(0, "gpu", "A", 8, 1000, 0), made(1, "gpu", "B", 8, 1000, 0)};
    assert_int_equal(choose(list, 2, NULL), 0);
    list[0].info.clock_mhz = 0; /* not told */
    assert_int_equal(choose(list, 2, NULL), 1);
}

static void test_index(void **state)
{
    (void)state;
    ocl_device list[MACHINE];
    machine(list);
    for (int i = 0; i < MACHINE; i++) {
        char want[8];
        snprintf(want, sizeof want, "%d", i);
        assert_int_equal(choose(list, MACHINE, want), i);
    }
    assert_int_equal(choose(list, MACHINE, "5"), SDCL_EDEVICE * 100);
    assert_int_equal(choose(list, MACHINE, "4090"), SDCL_EDEVICE * 100); /* a number is never a name */
    assert_int_equal(choose(list, MACHINE, "18446744073709551616"), SDCL_EDEVICE * 100);
    assert_int_equal(choose(list, MACHINE, "-1"), SDCL_EDEVICE * 100);
}

static void test_name(void **state)
{
    (void)state;
    ocl_device list[MACHINE];
    machine(list);
    assert_int_equal(choose(list, MACHINE, "epyc"), CPU);
    assert_int_equal(choose(list, MACHINE, "GTX 1050"), SMALL);
    assert_int_equal(choose(list, MACHINE, "geforce"), LARGE); /* the best of two */
    assert_int_equal(choose(list, MACHINE, "portable"), CPU);
    assert_int_equal(choose(list, MACHINE, "xilinx"), BOARD);
    assert_int_equal(choose(list, MACHINE, "radeon"), SDCL_EDEVICE * 100);
    assert_int_equal(choose(list, MACHINE, ""), SDCL_EDEVICE * 100);
}

static void test_missing_device_lists_the_others(void **state)
{
    (void)state;
    ocl_device list[MACHINE];
    machine(list);
    assert_int_equal(choose(list, MACHINE, "radeon"), SDCL_EDEVICE * 100);
    assert_string_equal(sdcl_last_error(), "no device 'radeon'; there are:\n"
                                           "  0: pthread-AMD EPYC (cpu, Portable Computing Language)\n"
                                           "  1: Intel UHD Graphics (gpu, )\n"
                                           "  2: NVIDIA GeForce GTX 1050 (gpu, )\n"
                                           "  and 2 more");
    assert_non_null(strstr(sdcl_last_hint(), "sdcl devices"));
}

static void test_no_device_at_all(void **state)
{
    (void)state;
    assert_int_equal(choose(NULL, 0, NULL), SDCL_EDEVICE * 100);
    assert_string_equal(sdcl_last_error(), "no OpenCL device found");
    assert_non_null(strstr(sdcl_last_hint(), "pocl-opencl-icd"));
    assert_non_null(strstr(sdcl_last_hint(), "intel-opencl-icd"));
    assert_int_equal(choose(NULL, 0, "0"), SDCL_EDEVICE * 100);
    assert_int_equal(sdcl_exit_code(SDCL_EDEVICE), 4);
}

/* --- this machine --- */

static void test_list(void **state)
{
    (void)state;
    ocl_device *list = NULL;
    int count = 0;
    assert_int_equal(ocl_device_list(&list, &count), 0);
    assert_true(count > 0); /* the tests need a device: PoCL */
    for (int i = 0; i < count; i++) {
        const sdcl_device *d = &list[i].info;
        assert_int_equal(d->index, i);
        assert_true(*d->name && *d->name != ' ' && d->name[strlen(d->name) - 1] != ' ');
        assert_true(*d->vendor && *d->driver && *d->platform);
        assert_memory_equal(d->version, "OpenCL ", 7);
        assert_true(!strcmp(d->type, "gpu") || !strcmp(d->type, "cpu") || !strcmp(d->type, "accelerator"));
        assert_int_equal(list[i].cpu, !strcmp(d->type, "cpu"));
        assert_true(d->compute_units > 0 && d->max_work_group > 0 && list[i].max_items[2] > 0);
        assert_true(d->local_bytes > 0 && d->max_alloc_bytes > 0 && d->max_alloc_bytes <= d->global_bytes);
        assert_non_null(list[i].platform);
        assert_non_null(list[i].id);
    }
    int index = -1;
    assert_int_equal(ocl_device_choose(list, count, NULL, &index), 0);
    assert_in_range(index, 0, count - 1);
    free(list);
}

static void test_list_is_stable(void **state)
{
    (void)state;
    ocl_device *a = NULL, *b = NULL;
    int na = 0, nb = 0;
    assert_int_equal(ocl_device_list(&a, &na), 0);
    assert_int_equal(ocl_device_list(&b, &nb), 0);
    assert_int_equal(na, nb);
    for (int i = 0; i < na; i++) assert_ptr_equal(a[i].id, b[i].id);
    free(a);
    free(b);
}

static int count_without_drivers(void)
{
    ocl_device *list = NULL;
    int count = -1, err = ocl_device_list(&list, &count);
    return err || list ? 99 : count;
}

/* Runs the program again, because the loader reads its variables once. */
static void test_no_driver(void **state)
{
    const char *self = *state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        setenv("OCL_ICD_VENDORS", "no-such-folder", 1);
        setenv("OCL_ICD_FILENAMES", "", 1);
        execl(self, self, "--count", (char *)NULL);
        _exit(98);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* --- errors --- */

static void test_error_names(void **state)
{
    (void)state;
    assert_string_equal(ocl_error_name(CL_SUCCESS), "CL_SUCCESS");
#define NAMED(code) assert_string_equal(ocl_error_name(code), #code)
    NAMED(CL_DEVICE_NOT_FOUND);
    NAMED(CL_MEM_OBJECT_ALLOCATION_FAILURE);
    NAMED(CL_OUT_OF_RESOURCES);
    NAMED(CL_OUT_OF_HOST_MEMORY);
    NAMED(CL_BUILD_PROGRAM_FAILURE);
    NAMED(CL_KERNEL_ARG_INFO_NOT_AVAILABLE);
    NAMED(CL_INVALID_VALUE);
    NAMED(CL_INVALID_BUILD_OPTIONS);
    NAMED(CL_INVALID_KERNEL_ARGS);
    NAMED(CL_INVALID_WORK_GROUP_SIZE);
    NAMED(CL_INVALID_BUFFER_SIZE);
    NAMED(CL_INVALID_DEVICE_PARTITION_COUNT);
    NAMED(CL_PLATFORM_NOT_FOUND_KHR);
#undef NAMED
    assert_string_equal(ocl_error_name(-72), "CL_MAX_SIZE_RESTRICTION_EXCEEDED"); /* OpenCL 2.2 */
    assert_string_equal(ocl_error_name(-20), "unknown OpenCL error");
    assert_string_equal(ocl_error_name(1), "unknown OpenCL error");
}

/* Every code of the headers' two ranges has a name. */
static void test_error_table_has_no_gap(void **state)
{
    (void)state;
    for (cl_int code = -72; code <= 0; code++) {
        bool gap = code < -19 && code > -30;
        assert_int_equal(!strncmp(ocl_error_name(code), "CL_", 3), !gap);
    }
}

static void test_fail(void **state)
{
    (void)state;
    const char *call = "clEnqueueNDRangeKernel(queue, f(x), 0)";
    assert_int_equal(ocl_fail(CL_INVALID_KERNEL_ARGS, call, "f", 1), SDCL_EDEVICE);
    assert_string_equal(sdcl_last_error(), "clEnqueueNDRangeKernel: CL_INVALID_KERNEL_ARGS (-52)");
    assert_int_equal(ocl_fail(CL_OUT_OF_RESOURCES, call, "f", 1), SDCL_ENOMEM);
    assert_string_equal(sdcl_last_error(), "clEnqueueNDRangeKernel: CL_OUT_OF_RESOURCES (-5)");
    assert_true(*sdcl_last_hint() != 0);
    assert_int_equal(ocl_fail(CL_MEM_OBJECT_ALLOCATION_FAILURE, "clCreateBuffer", "f", 1), SDCL_ENOMEM);
    assert_int_equal(ocl_fail(CL_OUT_OF_HOST_MEMORY, "clCreateBuffer", "f", 1), SDCL_ENOMEM);
    assert_int_equal(ocl_fail(-9999, "clFinish", "f", 1), SDCL_EDEVICE);
    assert_string_equal(sdcl_last_error(), "clFinish: unknown OpenCL error (-9999)");
}

/* --- what the binary carries --- */

static bool has_match(const char *text) { return strstr(text, "\nmatch") != NULL; }

static void test_shipped_files_are_valid(void **state)
{
    (void)state;
    int general = 0;
    for (const embedded_file *e = embedded_configs; e->name; e++) {
        config *c = NULL;
        assert_int_equal(config_open(&c, ops_sections, NULL, NULL, NULL, 0), 0);
        if (config_apply_text(c, "configs/", e->name, e->text, e->size, has_match(e->text)))
            fail_msg("%s", sdcl_last_error());
        config_close(&c);
        general += !has_match(e->text);
    }
    assert_int_equal(general, 5); /* cpu, gpu and three vendors: any other file needs a match, else nothing reads it */
}

static void test_defaults_are_choices(void **state)
{
    (void)state;
    config *c = NULL;
    assert_int_equal(config_open(&c, ops_sections, NULL, NULL, NULL, 0), 0);
    for (int s = 0; s < c->count; s++)
        for (int k = 0; k < c->sections[s]->count; k++) {
            const config_key *key = &c->keys[s][k];
            bool found = false;
            int i = 0;
            for (const char *w = key->words; *w; w += strlen(w) + 1, i++)
                found |= (!key->numbers ? i : !strcmp(w, "auto") ? OCL_AUTO : atoi(w)) == key->tunable->value;
            if (!found) fail_msg("%s.%s: default %d", c->sections[s]->name, key->tunable->name, key->tunable->value);
        }
    config_close(&c);
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "--count")) return count_without_drivers();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_best),
        cmocka_unit_test(test_equal_devices),
        cmocka_unit_test(test_index),
        cmocka_unit_test(test_name),
        cmocka_unit_test(test_missing_device_lists_the_others),
        cmocka_unit_test(test_no_device_at_all),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_list_is_stable),
        cmocka_unit_test_prestate(test_no_driver, argv[0]),
        cmocka_unit_test(test_error_names),
        cmocka_unit_test(test_error_table_has_no_gap),
        cmocka_unit_test(test_fail),
        cmocka_unit_test(test_shipped_files_are_valid),
        cmocka_unit_test(test_defaults_are_choices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
