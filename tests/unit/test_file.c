/* SPDX-License-Identifier: MIT */
/* What can stand where a model file should be: refused at once, by its kind; and small files read whole. */
#include "io/file.h"

#include "base/printable.h"
#include "sdcl.h"
#include "st_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Neither the container nor the small-file reader takes it. */
static void assert_no_file(const char *path, const char *says)
{
    char *data;
    size_t n = 1;
    alarm(10); /* an open that waits for a writer ends the program */
    st_assert_refused(path, says);
    assert_int_equal(file_read_small(path, 1 << 20, &data, &n), SDCL_EMODEL);
    alarm(0);
    assert_null(data);
    assert_int_equal(n, 0);
    assert_non_null(strstr(sdcl_last_error(), path));
    assert_non_null(strstr(sdcl_last_error(), says));
}

static void assert_placeholder(const char *text, const char *says)
{
    const char *path = st_path("placeholder.safetensors");
    st_write_bytes(path, text, strlen(text));
    assert_no_file(path, says);
    assert_true(strlen(sdcl_last_hint()) > 0);
}

static void test_missing(void **state)
{
    (void)state;
    assert_no_file(st_path("absent.safetensors"), "No such file");
}

static void test_missing_folder(void **state)
{
    (void)state;
    assert_no_file(st_path("absent/model.safetensors"), "No such file");
}

static void test_empty_path(void **state)
{
    (void)state;
    assert_no_file("", "No such file");
}

static void test_file_as_folder(void **state)
{
    (void)state;
    st_write_bytes(st_path("plain"), "x", 1);
    assert_no_file(st_path("plain/model.safetensors"), "Not a directory");
}

static void test_folder(void **state)
{
    (void)state;
    assert_int_equal(mkdir(st_path("folder.safetensors"), 0700), 0);
    assert_no_file(st_path("folder.safetensors"), "is a folder, expected a regular file");
}

static void test_fifo(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(st_path("fifo"), 0600), 0);
    assert_no_file(st_path("fifo"), "is a FIFO, expected a regular file");
}

static void test_fifo_with_a_silent_writer(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(st_path("silent"), 0600), 0);
    int writer = open(st_path("silent"), O_RDWR | O_NONBLOCK);
    assert_true(writer >= 0);
    assert_no_file(st_path("silent"), "is a FIFO, expected a regular file");
    close(writer);
}

static void test_devices(void **state)
{
    (void)state;
    assert_no_file("/dev/zero", "is a device, expected a regular file");
    assert_no_file("/dev/null", "is a device, expected a regular file");
}

static void test_socket(void **state)
{
    (void)state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = st_path("socket");
    if (strlen(path) >= sizeof address.sun_path) skip();
    strcpy(address.sun_path, path);
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(s >= 0);
    assert_int_equal(bind(s, (struct sockaddr *)&address, sizeof address), 0);
    assert_no_file(path, "cannot open");
    close(s);
}

static void test_dangling_link(void **state)
{
    (void)state;
    assert_int_equal(symlink("nowhere", st_path("dangling")), 0);
    assert_no_file(st_path("dangling"), "No such file");
}

static void test_link_to_itself(void **state)
{
    (void)state;
    assert_int_equal(symlink("loop", st_path("loop")), 0);
    assert_no_file(st_path("loop"), "symbolic links");
}

static void test_link_to_a_device(void **state)
{
    (void)state;
    assert_int_equal(symlink("/dev/zero", st_path("zero")), 0);
    assert_no_file(st_path("zero"), "is a device");
}

static void test_git_lfs_pointer(void **state)
{
    (void)state;
    assert_placeholder("version https://git-lfs.github.com/spec/v1\n"
                       "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n",
                       "is a Git-LFS pointer");
}

static void test_html_page(void **state)
{
    (void)state;
    assert_placeholder("<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>", "is a web page");
    assert_placeholder("<!doctype HTML><body>404</body>", "is a web page");
    assert_placeholder("<HTML><body>404</body></HTML>", "is a web page");
    assert_placeholder("\n \r\n\t<html lang=\"en\">", "is a web page");
}

static void test_text_that_only_resembles_a_placeholder(void **state)
{
    (void)state;
    static const char *const texts[] = {"version 1", "<htm", "<", "#version: 0.2\n", "{\"a\": \"<html>\"}", ""};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char *data;
        size_t n;
        st_write_bytes(st_path("text"), texts[i], strlen(texts[i]));
        assert_int_equal(file_read_small(st_path("text"), 64, &data, &n), 0);
        assert_string_equal(data, texts[i]);
        assert_int_equal(n, strlen(texts[i]));
        free(data);
    }
}

static void test_small_file_up_to_its_limit(void **state)
{
    (void)state;
    char *data;
    size_t n;
    const char *path = st_path("small");
    st_write_bytes(path, "a\0bc", 4);
    assert_int_equal(file_read_small(path, 4, &data, &n), 0);
    assert_int_equal(n, 4);
    assert_memory_equal(data, "a\0bc\0", 5);
    free(data);
    assert_int_equal(file_read_small(path, 3, &data, &n), SDCL_EMODEL);
    assert_null(data);
    assert_non_null(strstr(sdcl_last_error(), "is 4 bytes, expected at most 3"));
}

static void test_huge_sparse_file_is_not_read(void **state)
{
    (void)state;
    char *data;
    size_t n;
    const char *path = st_path("sparse");
    st_write_bytes(path, "{}", 2);
    assert_int_equal(truncate(path, (off_t)1 << 40), 0);
    assert_int_equal(file_read_small(path, 1 << 20, &data, &n), SDCL_EMODEL);
    assert_null(data);
}

static void test_open_closes_on_failure(void **state)
{
    (void)state;
    int probe = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(probe);
    for (int i = 0; i < 3; i++) {
        int fd = 99;
        uint64_t size;
        assert_int_equal(file_open(&fd, &size, "/dev/null"), SDCL_EMODEL);
        assert_int_equal(fd, -1);
    }
    int again = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(again, probe); /* the lowest free descriptor is the same as before */
    close(again);
}

static void test_descriptor_is_not_inherited(void **state)
{
    (void)state;
    int fd;
    uint64_t size;
    st_write_bytes(st_path("small"), "abcd", 4);
    assert_int_equal(file_open(&fd, &size, st_path("small")), 0);
    assert_int_equal(size, 4);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    close(fd);
}

static void test_read_at(void **state)
{
    (void)state;
    int fd;
    uint64_t size;
    char got[4] = "....";
    const char *path = st_path("small");
    st_write_bytes(path, "abcd", 4);
    assert_int_equal(file_open(&fd, &size, path), 0);
    assert_int_equal(file_read_at(fd, path, 2, 2, got), 0);
    assert_memory_equal(got, "cd..", 4);
    assert_int_equal(file_read_at(fd, path, 4, 0, got), 0);
    assert_int_equal(file_read_at(fd, path, 2, 3, got), SDCL_EMODEL);
    assert_non_null(strstr(sdcl_last_error(), "ends at byte 4, expected 5"));
    assert_int_equal(file_read_at(fd, path, 100, 1, got), SDCL_EMODEL);
    assert_int_equal(file_read_at(fd, path, UINT64_MAX, 2, got), SDCL_EINTERNAL);
    assert_int_equal(file_read_at(fd, path, INT64_MAX, 1, got), SDCL_EINTERNAL);
    close(fd);
}

static void test_printable(void **state)
{
    (void)state;
    char shown[PRINTABLE_MAX], text[3 * PRINTABLE_MAX];
    assert_string_equal(printable(shown, ""), "");
    assert_string_equal(printable(shown, "conv_in.weight"), "conv_in.weight");
    assert_string_equal(printable(shown, "a\x1b[2J\n\x7f"), "a\\x1b[2J\\x0a\\x7f");
    assert_string_equal(printable(shown, "\xc3\xa4"), "\\xc3\\xa4");
    for (size_t n = 0; n < sizeof text; n++) {
        memset(text, n % 2 ? '\n' : 'x', n);
        text[n] = 0;
        assert_true(strlen(printable(shown, text)) < PRINTABLE_MAX);
        assert_int_equal(strcmp(shown, text) == 0, n % 2 == 0 && n <= 120);
    }
}

static void test_has_control(void **state)
{
    (void)state;
    assert_false(has_control(""));
    assert_false(has_control("a b~"));
    assert_false(has_control("\xc3\xa4\xc2\xa0\xe2\x82\xac"));
    assert_true(has_control("a\n"));
    assert_true(has_control("\x1b"));
    assert_true(has_control("\x7f"));
    assert_true(has_control("a\xc2\x80"));
    assert_true(has_control("a\xc2\x9f"));
}

#define CASE(f) cmocka_unit_test(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_missing),
        CASE(test_missing_folder),
        CASE(test_empty_path),
        CASE(test_file_as_folder),
        CASE(test_folder),
        CASE(test_fifo),
        CASE(test_fifo_with_a_silent_writer),
        CASE(test_devices),
        CASE(test_socket),
        CASE(test_dangling_link),
        CASE(test_link_to_itself),
        CASE(test_link_to_a_device),
        CASE(test_git_lfs_pointer),
        CASE(test_html_page),
        CASE(test_text_that_only_resembles_a_placeholder),
        CASE(test_small_file_up_to_its_limit),
        CASE(test_huge_sparse_file_is_not_read),
        CASE(test_open_closes_on_failure),
        CASE(test_descriptor_is_not_inherited),
        CASE(test_read_at),
        CASE(test_printable),
        CASE(test_has_control),
    };
    return cmocka_run_group_tests(tests, st_folder_make, st_folder_remove);
}
