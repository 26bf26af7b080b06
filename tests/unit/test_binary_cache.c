/* SPDX-License-Identifier: MIT */
/* The cache of compiled programs: for which drivers and where it is kept, and that sessions take programs from it. */
#include "ocl/binary_cache.h"
#include "scratch.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The loader's functions, watched: rusticl aborts where others refuse a binary, and PoCL must not be asked for one. */
static bool refuse_binaries;
static int binaries_asked_for;

cl_program clCreateProgramWithBinary(cl_context context, cl_uint count, const cl_device_id *devices,
                                     const size_t *sizes, const unsigned char **binaries, cl_int *taken, cl_int *code)
{
    cl_program (*next)(cl_context, cl_uint, const cl_device_id *, const size_t *, const unsigned char **, cl_int *,
                       cl_int *);
    *(void **)&next = dlsym(RTLD_NEXT, "clCreateProgramWithBinary");
    if (!refuse_binaries) return next(context, count, devices, sizes, binaries, taken, code);
    *taken = *code = CL_INVALID_BINARY;
    return NULL;
}

cl_int clGetProgramInfo(cl_program program, cl_program_info what, size_t size, void *value, size_t *full_size)
{
    cl_int (*next)(cl_program, cl_program_info, size_t, void *, size_t *);
    *(void **)&next = dlsym(RTLD_NEXT, "clGetProgramInfo");
    binaries_asked_for += what == CL_PROGRAM_BINARY_SIZES || what == CL_PROGRAM_BINARIES;
    return next(program, what, size, value, full_size);
}

static const ocl_section *const sections[] = {&device_section, NULL};

static scratch s;
static char folder[300];

static int setup(void **state)
{
    (void)state;
    if (!scratch_open(&s)) return -1;
    snprintf(folder, sizeof folder, "%s/sdcl", s.folder);
    return setenv("XDG_CACHE_HOME", s.folder, 1);
}

static int teardown(void **state)
{
    (void)state;
    scratch_close(&s);
    return 0;
}

/* --- for whom --- */

static int open_cache(char **where, const char *platform, const char *type, const char *set)
{
    config *c = NULL;
    ocl_device d = {0};
    snprintf(d.info.platform, sizeof d.info.platform, "%s", platform);
    snprintf(d.info.type, sizeof d.info.type, "%s", type);
    assert_int_equal(config_open(&c, sections, NULL, NULL, &set, 1), 0);
    int err = binary_cache_open(where, &d, c);
    config_close(&c);
    return err;
}

static bool kept(const char *platform, const char *type, const char *set)
{
    char *where = NULL;
    assert_int_equal(open_cache(&where, platform, type, set), 0);
    if (where) assert_string_equal(where, folder);
    free(where);
    return where != NULL;
}

static void test_drivers(void **state)
{
    (void)state;
    static const char *const keepers[] = {"NVIDIA CUDA", "Intel(R) OpenCL HD Graphics", "Intel(R) OpenCL Graphics",
                                          "Intel(R) OpenCL", "rusticl"};
    static const char *const others[] = {"AMD Accelerated Parallel Processing", "Oclgrind", "ARM Platform", ""};
    for (size_t i = 0; i < sizeof keepers / sizeof *keepers; i++) {
        assert_false(kept(keepers[i], "gpu", "device.binary_cache=auto"));
        assert_false(kept(keepers[i], "gpu", "device.binary_cache=off"));
        assert_true(kept(keepers[i], "gpu", "device.binary_cache=on"));
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_true(kept(others[i], "gpu", "device.binary_cache=auto"));
        assert_false(kept(others[i], "gpu", "device.binary_cache=off"));
        assert_true(kept(others[i], "gpu", "device.binary_cache=on"));
    }
    assert_true(kept("Intel(R) OpenCL", "cpu", "device.binary_cache=auto"));
}

static void test_never_for_pocl(void **state)
{
    (void)state;
    char *where = NULL;
    assert_false(kept("Portable Computing Language", "cpu", "device.binary_cache=auto"));
    assert_false(kept("Portable Computing Language", "cpu", "device.binary_cache=off"));
    assert_int_equal(open_cache(&where, "Portable Computing Language", "cpu", "device.binary_cache=on"), SDCL_EUSAGE);
    assert_null(where);
    assert_non_null(strstr(sdcl_last_error(), "[device] binary_cache cannot be on for PoCL"));
    assert_true(*sdcl_last_hint() != 0);
}

/* --- where --- */

static bool has_folder(void)
{
    char *where = NULL;
    assert_int_equal(open_cache(&where, "Oclgrind", "gpu", "device.binary_cache=on"), 0);
    free(where);
    return where != NULL;
}

static void test_folder(void **state)
{
    (void)state;
    struct stat st;
    char cache[280], *where = NULL, *home = getenv("HOME"), *old = home ? strdup(home) : NULL;
    assert_true(has_folder());
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);

    /* Only absolute paths count; without one it is ~/.cache, which need not be there. */
    setenv("HOME", s.folder, 1);
    snprintf(cache, sizeof cache, "%s/.cache", s.folder);
    const char *const without[] = {NULL, "", "tests"};
    for (size_t i = 0; i < sizeof without / sizeof *without; i++) {
        if (without[i]) setenv("XDG_CACHE_HOME", without[i], 1);
        else unsetenv("XDG_CACHE_HOME");
        assert_int_equal(open_cache(&where, "Oclgrind", "gpu", "device.binary_cache=on"), 0);
        assert_non_null(where);
        assert_int_equal(strncmp(where, cache, strlen(cache)), 0);
        assert_string_equal(where + strlen(cache), "/sdcl");
        assert_int_equal(stat(cache, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
        free(where);
    }
    unsetenv("HOME");
    assert_false(has_folder());
    if (old) setenv("HOME", old, 1);
    free(old);
}

static void test_unusable_folder(void **state)
{
    (void)state;
    char missing[300];
    assert_true(has_folder());
    assert_int_equal(chmod(folder, 0770), 0);
    assert_false(has_folder());
    assert_int_equal(chmod(folder, 0702), 0);
    assert_false(has_folder());
    assert_int_equal(chmod(folder, 0700), 0);
    assert_true(has_folder());
    if (!chown(folder, geteuid() + 1, getegid())) { /* only root can give it away */
        assert_false(has_folder());
    }
    assert_int_equal(rmdir(folder), 0);
    FILE *f = fopen(folder, "wb");
    assert_non_null(f);
    fclose(f);
    assert_false(has_folder());
    snprintf(missing, sizeof missing, "%s/no/such", s.folder);
    setenv("XDG_CACHE_HOME", missing, 1);
    assert_false(has_folder());
}

/* --- with drivers: in a process each, because a loader reads its environment once --- */

enum { NO_DEVICE = 77 };

/* In a child there is no cmocka: it says what is wrong and ends. */
#define CHECK(x)                                                                                                       \
    do {                                                                                                               \
        if (!(x)) {                                                                                                    \
            fprintf(stderr, "%s:%d: %s (last error: %s)\n", __FILE__, __LINE__, #x, sdcl_last_error());                \
            _exit(1);                                                                                                  \
        }                                                                                                              \
    } while (0)

static void in_child(void (*run)(void))
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        run();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status)) fail_msg("killed by signal %d", WTERMSIG(status));
    if (WEXITSTATUS(status) == NO_DEVICE) skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void write_source(const char *name, const char *text)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", s.folder, name);
    FILE *f = fopen(path, "w");
    CHECK(f && fputs(text, f) >= 0 && !fclose(f));
}

/* The device of a platform; ends the process where there is none. Kernels come from the scratch folder from now on. */
static ocl_device device_on(const char *platform)
{
    int count;
    ocl_device *list, d;
    write_source("common.h", "\n");
    write_source("probe.cl", "__kernel void probe(__global int *y)\n{\n    y[get_global_id(0)] = VALUE;\n}\n");
    write_source("other.cl", "__kernel void other(__global int *y)\n{\n    y[get_global_id(0)] = VALUE;\n}\n");
    setenv("SDCL_CL_DIR", s.folder, 1);
    CHECK(!ocl_device_list(&list, &count));
    for (int i = 0; i < count; i++)
        if (strstr(list[i].info.platform, platform)) {
            d = list[i];
            free(list);
            return d;
        }
    _exit(NO_DEVICE);
}

/* What a kernel writes in a new session: the value that its program was compiled with. */
static int value_of(const ocl_device *d, const char *kernel, const char *set, const char *options)
{
    int value = 0;
    ocl *o;
    config *c;
    ocl_kernel *k;
    cl_mem y;
    CHECK(!config_open(&c, sections, NULL, NULL, &set, 1));
    CHECK(!ocl_open(&o, d, c, false));
    CHECK(!ocl_kernel_get(o, &k, kernel, options) && !ocl_build_wait(o));
    CHECK(!ocl_buffer_new(o, &y, sizeof value));
    const ocl_arg args[] = {ARG(y)};
    CHECK(!ocl_run(o, 0, k, "test", (ocl_grid){{1, 1, 1}, {1, 1, 1}, 0}, args, 1));
    CHECK(!ocl_read(o, y, 0, sizeof value, &value));
    ocl_buffer_free(o, &y);
    ocl_close(&o);
    config_close(&c);
    return value;
}

/* How many files there are; *added: the key of one that is not among the `known`. */
static int list_keys(char added[BINARY_KEY], char known[][BINARY_KEY], int count)
{
    int n = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        if (e->d_name[0] == '.') continue;
        bool is_known = false;
        n++;
        CHECK(strlen(e->d_name) == BINARY_KEY - 1 + 4 && !strcmp(e->d_name + BINARY_KEY - 1, ".bin"));
        for (int i = 0; i < count; i++) is_known |= !strncmp(e->d_name, known[i], BINARY_KEY - 1);
        if (!is_known) snprintf(added, BINARY_KEY, "%.64s", e->d_name);
    }
    if (dir) closedir(dir);
    return n;
}

static bool put(const char *key, const char *from_key)
{
    size_t size;
    void *program = binary_read(folder, from_key, &size);
    bool done = program && binary_write(folder, key, program, size);
    free(program);
    return done;
}

static void rusticl(void)
{
    static const char on[] = "device.binary_cache=on", off[] = "device.binary_cache=off";
    static const char one[] = "-DVALUE=1", two[] = "-DVALUE=2", three[] = "-DVALUE=3";
    enum { ONE, TWO, OTHER, LAST };
    char keys[4][BINARY_KEY], path[400];
    setenv("OCL_ICD_VENDORS", "rusticl.icd", 0); /* not where the runner chose another */
    setenv("RUSTICL_ENABLE", "llvmpipe", 0);
    ocl_device d = device_on("rusticl");

    CHECK(value_of(&d, "probe", "device.binary_cache=auto", one) == 1 && value_of(&d, "probe", off, one) == 1);
    CHECK(list_keys(keys[ONE], keys, 0) == 0 && !binaries_asked_for);
    CHECK(value_of(&d, "probe", on, one) == 1 && list_keys(keys[ONE], keys, 0) == 1 && binaries_asked_for);
    binaries_asked_for = 0;
    CHECK(value_of(&d, "probe", on, one) == 1 && list_keys(keys[LAST], keys, 1) == 1 && !binaries_asked_for);
    CHECK(value_of(&d, "probe", on, two) == 2 && list_keys(keys[TWO], keys, 1) == 2);
    CHECK(value_of(&d, "other", on, three) == 3 && list_keys(keys[OTHER], keys, 2) == 3);
    snprintf(path, sizeof path, "%s/%s.bin", folder, keys[ONE]);

    /* Another program under the key shows where a session takes it from. */
    CHECK(put(keys[ONE], keys[TWO]));
    CHECK(value_of(&d, "probe", on, one) == 2);
    CHECK(value_of(&d, "probe", off, one) == 1);

    /* A damaged file, a program without the kernel, one that the driver does not take: from source, and replaced. */
    CHECK(!truncate(path, 200));
    CHECK(value_of(&d, "probe", on, one) == 1 && put(keys[ONE], keys[ONE]));
    CHECK(put(keys[ONE], keys[OTHER]));
    CHECK(value_of(&d, "probe", on, one) == 1);
    CHECK(put(keys[ONE], keys[TWO]));
    refuse_binaries = true;
    CHECK(value_of(&d, "probe", on, one) == 1);
    refuse_binaries = false;
    binaries_asked_for = 0;
    CHECK(value_of(&d, "probe", on, one) == 1 && !binaries_asked_for);

    /* Another driver, another file. */
    snprintf(d.info.driver, sizeof d.info.driver, "next");
    CHECK(value_of(&d, "probe", on, one) == 1 && list_keys(keys[LAST], keys, 3) == 4);
}

static void test_rusticl(void **state)
{
    (void)state;
    in_child(rusticl);
}

static void pocl(void)
{
    ocl *o = NULL;
    config *c;
    const char *on = "device.binary_cache=on";
    setenv("OCL_ICD_VENDORS", "pocl.icd", 0);
    ocl_device d = device_on("Portable Computing Language");
    CHECK(value_of(&d, "probe", "device.binary_cache=auto", "-DVALUE=3") == 3);
    CHECK(access(folder, F_OK) && !binaries_asked_for);
    CHECK(!config_open(&c, sections, NULL, NULL, &on, 1));
    CHECK(ocl_open(&o, &d, c, false) == SDCL_EUSAGE && !o);
    config_close(&c);
}

static void test_pocl(void **state)
{
    (void)state;
    in_child(pocl);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_drivers),         TEST(test_never_for_pocl), TEST(test_folder),
        TEST(test_unusable_folder), TEST(test_rusticl),        TEST(test_pocl),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
