/* SPDX-License-Identifier: MIT */
/* Device binaries on disk: what was written comes back, anything else does not. */
#include "ocl/binary_file.h"
#include "scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FILE_BYTES = 4096 };

static const char key[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
static const char other_key[] = "ff112233445566778899aabbccddeeff00112233445566778899aabbccddee00";
static const char binary[] = "\177ELF\0binary";

static scratch s;
static char path[400];

static int setup(void **state)
{
    (void)state;
    if (!scratch_open(&s)) return -1;
    snprintf(path, sizeof path, "%s/%s.bin", s.folder, key);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    scratch_close(&s);
    return 0;
}

static bool is_there(const char *k)
{
    size_t size;
    void *bytes = binary_read(s.folder, k, &size);
    free(bytes);
    return bytes != NULL;
}

static void write_binary(void)
{
    assert_true(binary_write(s.folder, key, binary, sizeof binary));
    assert_true(is_there(key));
}

static size_t read_file(char bytes[FILE_BYTES])
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(bytes, 1, FILE_BYTES, f);
    assert_int_equal(fclose(f), 0);
    return n;
}

/* In place: owner and mode stay. */
static void write_file(const char *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static int files(void)
{
    int n = 0;
    DIR *d = opendir(s.folder);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void test_key(void **state)
{
    (void)state;
    char a[BINARY_KEY], b[BINARY_KEY];
    binary_key(a, (const char *const[]){"kernel", "-DA=1"}, 2);
    /* printf 'sdcl-binary 1\0kernel\0-DA=1\0' | sha256sum */
    assert_string_equal(a, "03f3a3aa3795ca12251ccb2dcd8f38ece31c07d9d3846e37b6aaccb235c474fa");
    binary_key(b, (const char *const[]){"kernel", "-DA=2"}, 2);
    assert_string_not_equal(a, b);
    binary_key(b, (const char *const[]){"kernel-", "DA=1"}, 2);
    assert_string_not_equal(a, b);
    binary_key(b, (const char *const[]){"kernel", "-DA=1", ""}, 3);
    assert_string_not_equal(a, b);
}

static void test_round_trip(void **state)
{
    (void)state;
    struct stat st;
    static unsigned char written[100000];
    for (size_t i = 0; i < sizeof written; i++) written[i] = (unsigned char)(i * 7 ^ i >> 8);
    const size_t sizes[] = {1, sizeof written, 13};
    assert_false(is_there(key));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t n = 0;
        assert_true(binary_write(s.folder, key, written + i, sizes[i] - i));
        unsigned char *read = binary_read(s.folder, key, &n);
        assert_non_null(read);
        assert_int_equal(n, sizes[i] - i);
        assert_memory_equal(read, written + i, n);
        free(read);
        assert_int_equal(files(), 1);
    }
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_false(is_there(other_key));
    assert_false(binary_write(s.folder, key, written, 0));
    assert_true(is_there(key));
}

static void test_other_lengths(void **state)
{
    (void)state;
    char bytes[FILE_BYTES];
    write_binary();
    size_t n = read_file(bytes);
    for (size_t i = 0; i < n; i++) {
        write_file(bytes, i);
        if (is_there(key)) fail_msg("taken with %zu of %zu bytes", i, n);
    }
    bytes[n] = 0;
    write_file(bytes, n + 1);
    assert_false(is_there(key));
    write_file(bytes, n);
    assert_true(is_there(key));
}

static void test_flipped_bits(void **state)
{
    (void)state;
    char bytes[FILE_BYTES];
    write_binary();
    size_t n = read_file(bytes);
    assert_true(n > sizeof binary);
    for (size_t bit = 0; bit < 8 * n; bit++) {
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
        write_file(bytes, n);
        if (is_there(key)) fail_msg("taken with bit %zu of byte %zu flipped", bit % 8, bit / 8);
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
    }
    write_binary();
}

static void test_other_version(void **state)
{
    (void)state;
    char bytes[FILE_BYTES];
    write_binary();
    size_t n = read_file(bytes);
    assert_memory_equal(bytes, "sdcl-binary 1 ", 14);
    bytes[12] = '2';
    write_file(bytes, n);
    assert_false(is_there(key));
    write_binary();
}

static void test_other_key(void **state)
{
    (void)state;
    char other_path[400];
    write_binary();
    snprintf(other_path, sizeof other_path, "%s/%s.bin", s.folder, other_key);
    assert_int_equal(rename(path, other_path), 0);
    assert_false(is_there(key));
    assert_false(is_there(other_key));
}

static void test_no_regular_file(void **state)
{
    (void)state;
    struct stat st;
    char target[400];
    write_binary();
    snprintf(target, sizeof target, "%s/target", s.folder);
    assert_int_equal(rename(path, target), 0);
    assert_int_equal(symlink(target, path), 0);
    assert_false(is_there(key));
    assert_true(binary_write(s.folder, key, "new", 3)); /* replaces the link, not its target */
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISREG(st.st_mode));
    assert_int_equal(rename(target, path), 0);
    assert_true(is_there(key));

    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_false(is_there(key));
    write_binary();

    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_false(is_there(key));
    assert_false(binary_write(s.folder, key, binary, sizeof binary));
    assert_int_equal(files(), 1);
}

static void test_others_may_write(void **state)
{
    (void)state;
    write_binary();
    assert_int_equal(chmod(path, 0620), 0);
    assert_false(is_there(key));
    assert_int_equal(chmod(path, 0602), 0);
    assert_false(is_there(key));
    write_binary();
}

static void test_other_owner(void **state)
{
    (void)state;
    write_binary();
    if (chown(path, geteuid() + 1, getegid())) skip(); /* only root can give files away */
    assert_false(is_there(key));
    write_binary();
}

static void test_no_folder(void **state)
{
    (void)state;
    char folder[300];
    size_t size;
    snprintf(folder, sizeof folder, "%s/none", s.folder);
    assert_false(binary_write(folder, key, binary, sizeof binary));
    assert_null(binary_read(folder, key, &size));
    write_binary();
    assert_false(binary_write(path, key, binary, sizeof binary)); /* a file is no folder */
    assert_null(binary_read(path, key, &size));
    if (!geteuid()) return; /* root writes everywhere */
    assert_int_equal(chmod(s.folder, 0500), 0);
    assert_false(binary_write(s.folder, key, binary, sizeof binary));
    assert_true(is_there(key));
    assert_int_equal(chmod(s.folder, 0700), 0);
}

/* Writer i writes bytes of value i: what a reader gets is one writer's work from end to end. */
static void test_concurrent_writers(void **state)
{
    (void)state;
    enum { WRITERS = 8, TIMES = 6, BYTES = 50000 };
    pid_t children[WRITERS];
    int seen = 0, running = WRITERS;
    for (int i = 0; i < WRITERS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i]) continue;
        static char bytes[BYTES];
        bool written = true;
        memset(bytes, i + 1, sizeof bytes);
        for (int k = 0; k < TIMES; k++) written &= binary_write(s.folder, key, bytes, (size_t)(BYTES - i));
        _exit(written ? 0 : 1);
    }
    while (running) {
        size_t size = 0;
        char *bytes = binary_read(s.folder, key, &size);
        if (!bytes) assert_int_equal(seen, 0); /* once there, always there */
        for (size_t i = 0; bytes && i < size; i++)
            if (bytes[i] != (char)(BYTES + 1 - size)) fail_msg("byte %zu is %d", i, bytes[i]);
        seen += bytes != NULL;
        free(bytes);
        for (int i = 0; i < WRITERS; i++) {
            int status;
            if (!children[i] || !waitpid(children[i], &status, WNOHANG)) continue;
            assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
            children[i] = 0;
            running--;
        }
    }
    assert_true(is_there(key));
    assert_int_equal(files(), 1);
}

static void touch(const char *name, time_t seconds)
{
    char file[400];
    const struct timespec times[2] = {{seconds, 0}, {seconds, 0}};
    snprintf(file, sizeof file, "%s/%s", s.folder, name);
    FILE *f = fopen(file, "wb");
    assert_non_null(f);
    assert_int_equal(futimens(fileno(f), times), 0);
    assert_int_equal(fclose(f), 0);
}

static bool exists(const char *name)
{
    char file[400];
    snprintf(file, sizeof file, "%s/%s", s.folder, name);
    return !access(file, F_OK);
}

static void test_number_of_files(void **state)
{
    (void)state;
    char name[100];
    touch("README", 1);
    write_binary();
    for (int i = 1; i < BINARY_FILES_MAX; i++) {
        snprintf(name, sizeof name, "%064x.bin", (unsigned)i);
        touch(name, 1000 + (i * 37) % BINARY_FILES_MAX);
    }
    write_binary();
    assert_int_equal(files(), 1 + BINARY_FILES_MAX);
    assert_true(binary_write(s.folder, other_key, binary, sizeof binary));
    assert_int_equal(files(), 1 + BINARY_FILES_MAX);
    /* 37 * 173 = 1 mod 256: the oldest; then comes 2 * 173 mod 256 */
    snprintf(name, sizeof name, "%064x.bin", 173u);
    assert_false(exists(name));
    snprintf(name, sizeof name, "%064x.bin", 90u);
    assert_true(exists(name));
    assert_true(exists("README"));
    assert_true(is_there(key) && is_there(other_key));

    /* A file that is used is not old. */
    snprintf(name, sizeof name, "%s.bin", key);
    const struct timespec old[2] = {{1, 0}, {1, 0}};
    assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
    assert_true(is_there(key));
    touch("0000000000000000000000000000000000000000000000000000000000000fff.bin.aBcDeF", 2);
    assert_true(binary_write(s.folder, other_key, binary, sizeof binary));
    assert_true(exists(name));
    assert_false(exists("0000000000000000000000000000000000000000000000000000000000000fff.bin.aBcDeF"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_key),           TEST(test_round_trip), TEST(test_other_lengths),      TEST(test_flipped_bits),
        TEST(test_other_version), TEST(test_other_key),  TEST(test_no_regular_file),    TEST(test_others_may_write),
        TEST(test_other_owner),   TEST(test_no_folder),  TEST(test_concurrent_writers), TEST(test_number_of_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
