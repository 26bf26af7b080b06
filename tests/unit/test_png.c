/* SPDX-License-Identifier: MIT */
/* PNG files: what is written can be read by libpng, nothing is half written, and hostile files are refused within bounds. */
#include "sdcl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <png.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { W = 40, H = 24, FILE_MAX = 1 << 16 };

static char folder[256], path[300];
static unsigned char rgb[W * H * 3];

static int setup(void **state)
{
    (void)state;
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/sdcl-png-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/picture.png", folder);
    uint32_t x = 1;
    for (size_t i = 0; i < sizeof rgb; i++) rgb[i] = (unsigned char)((x = x * 1664525u + 1013904223u) >> 24);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder); /* fails when a temporary file was left behind */
}

static int files_in_folder(void)
{
    int n = 0;
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) n += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
    closedir(d);
    return n;
}

static size_t slurp(unsigned char *to)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(to, 1, FILE_MAX, f);
    fclose(f);
    return n;
}

static void spill(const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* --- text of a file, as one string "key=value;" --- */

static char text[1 << 14];

static void add_text(void *user, const char *key, const char *value)
{
    (void)user;
    size_t n = strlen(text);
    snprintf(text + n, sizeof text - n, "%s=%s;", key, value);
}

static int read_text(void)
{
    text[0] = 0;
    return sdcl_png_text(path, add_text, NULL);
}

/* --- hand-made files --- */

static unsigned char made[FILE_MAX];
static size_t made_size;

static void put32(unsigned char *to, uint32_t v)
{
    for (int i = 0; i < 4; i++) to[i] = (unsigned char)(v >> (24 - 8 * i));
}

static void add_chunk(const char *type, const void *data, size_t n)
{
    unsigned char *at = made + made_size;
    put32(at, (uint32_t)n);
    memcpy(at + 4, type, 4);
    if (n) memcpy(at + 8, data, n);
    put32(at + 8 + n, (uint32_t)crc32(0, at + 4, (uInt)(n + 4)));
    made_size += n + 12;
}

static void begin_file(void)
{
    static const unsigned char ihdr[13] = {0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0};
    memcpy(made, "\x89PNG\r\n\x1a\n", 8);
    made_size = 8;
    add_chunk("IHDR", ihdr, sizeof ihdr);
}

static void end_file(void)
{
    add_chunk("IDAT", "not even zlib", 13);
    add_chunk("IEND", NULL, 0);
    spill(made, made_size);
}

static void file_with(const char *type, const void *data, size_t n)
{
    begin_file();
    add_chunk(type, data, n);
    end_file();
}

/* --- writing --- */

static void test_pixels_survive(void **state)
{
    (void)state;
    assert_int_equal(sdcl_png_write(path, rgb, W, H, NULL, 0), 0);
    png_image image = {.version = PNG_IMAGE_VERSION};
    assert_true(png_image_begin_read_from_file(&image, path));
    assert_int_equal(image.width, W);
    assert_int_equal(image.height, H);
    image.format = PNG_FORMAT_RGB;
    unsigned char back[sizeof rgb];
    assert_true(png_image_finish_read(&image, NULL, back, 0, NULL));
    assert_memory_equal(back, rgb, sizeof rgb);
    assert_int_equal(read_text(), 0);
    assert_string_equal(text, "");
}

static void test_file_mode_follows_the_umask(void **state)
{
    (void)state;
    mode_t old = umask(027);
    assert_int_equal(sdcl_png_write(path, rgb, W, H, NULL, 0), 0);
    umask(old);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
}

static void test_latin1_text_is_text_chunk(void **state)
{
    (void)state;
    static const unsigned char chunk[] = "tEXtparameters\0caf\xe9\nSteps: 1";
    unsigned char bytes[FILE_MAX];
    assert_int_equal(sdcl_png_write(path, rgb, W, H, "caf\xc3\xa9\nSteps: 1", 0), 0);
    size_t n = slurp(bytes);
    assert_non_null(memmem(bytes, n, chunk, sizeof chunk - 1));
    assert_int_equal(read_text(), 0);
    assert_string_equal(text, "parameters=caf\xc3\xa9\nSteps: 1;");
}

static void test_other_text_is_utf8_chunk(void **state)
{
    (void)state;
    static const unsigned char chunk[] = "iTXtparameters\0\0\0\0\0\xe7\x8b\x90 caf\xc3\xa9";
    unsigned char bytes[FILE_MAX];
    assert_int_equal(sdcl_png_write(path, rgb, W, H, "\xe7\x8b\x90 caf\xc3\xa9", 0), 0);
    size_t n = slurp(bytes);
    assert_non_null(memmem(bytes, n, chunk, sizeof chunk - 1));
    assert_int_equal(read_text(), 0);
    assert_string_equal(text, "parameters=\xe7\x8b\x90 caf\xc3\xa9;");
}

static void test_same_picture_same_bytes(void **state)
{
    (void)state;
    unsigned char a[FILE_MAX], b[FILE_MAX];
    assert_int_equal(sdcl_png_write(path, rgb, W, H, "x", 0), 0);
    size_t n = slurp(a);
    assert_int_equal(sdcl_png_write(path, rgb, W, H, "x", 1), 0);
    assert_int_equal(slurp(b), n);
    assert_memory_equal(a, b, n);
}

static void test_existing_file_is_kept(void **state)
{
    (void)state;
    unsigned char bytes[FILE_MAX];
    spill("mine", 4);
    assert_int_equal(sdcl_png_write(path, rgb, W, H, NULL, 0), SDCL_EOUTPUT);
    assert_int_equal(slurp(bytes), 4);
    assert_int_equal(files_in_folder(), 1);
    assert_non_null(strstr(sdcl_last_error(), "picture.png"));
}

static void test_force_replaces(void **state)
{
    (void)state;
    unsigned char bytes[FILE_MAX];
    spill("mine", 4);
    assert_int_equal(sdcl_png_write(path, rgb, W, H, NULL, 1), 0);
    assert_true(slurp(bytes) > 100);
    assert_int_equal(files_in_folder(), 1);
}

static void test_special_files_are_not_replaced(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(sdcl_png_write(path, rgb, W, H, NULL, 1), SDCL_EOUTPUT);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISFIFO(st.st_mode));
    assert_int_equal(sdcl_png_write(folder, rgb, W, H, NULL, 1), SDCL_EOUTPUT);
}

static void test_missing_folder(void **state)
{
    (void)state;
    char missing[400];
    snprintf(missing, sizeof missing, "%s/no/picture.png", folder);
    assert_int_equal(sdcl_png_write(missing, rgb, W, H, NULL, 0), SDCL_EOUTPUT);
    assert_non_null(strstr(sdcl_last_error(), "No such file"));
}

static void test_full_device_is_reported(void **state)
{
    (void)state;
    int fd = open("/dev/full", O_WRONLY);
    if (fd < 0) skip();
    assert_int_equal(sdcl_png_write_fd(fd, rgb, W, H, NULL), SDCL_EOUTPUT);
    assert_non_null(strstr(sdcl_last_error(), "No space left"));
    close(fd);
}

static void test_write_that_fails_half_way_leaves_nothing(void **state)
{
    (void)state;
    struct rlimit old, low;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    low = old;
    low.rlim_cur = 500;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &low);
    int status = sdcl_png_write(path, rgb, W, H, NULL, 0);
    setrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(status, SDCL_EOUTPUT);
    assert_int_equal(files_in_folder(), 0);
}

static void test_invalid_arguments(void **state)
{
    (void)state;
    assert_int_equal(sdcl_png_write(path, rgb, W, H, "\xff", 0), SDCL_EUSAGE);
    assert_int_equal(sdcl_png_write(path, rgb, 0, H, NULL, 0), SDCL_EUSAGE);
    assert_int_equal(sdcl_png_write(path, rgb, W, -1, NULL, 0), SDCL_EUSAGE);
    assert_int_equal(sdcl_png_write(path, NULL, W, H, NULL, 0), SDCL_EUSAGE);
    assert_int_equal(files_in_folder(), 0);
}

/* --- reading --- */

static void test_compressed_text(void **state)
{
    (void)state;
    unsigned char data[200] = "k\0", international[200] = "k\0\1\0en\0key\0";
    uLongf n = sizeof data - 3, m = sizeof international - 11;
    assert_int_equal(compress(data + 3, &n, (const Bytef *)"caf\xe9", 4), Z_OK);
    assert_int_equal(compress(international + 11, &m, (const Bytef *)"caf\xc3\xa9", 5), Z_OK);
    begin_file();
    add_chunk("zTXt", data, n + 3);
    add_chunk("iTXt", international, m + 11);
    end_file();
    assert_int_equal(read_text(), 0);
    assert_string_equal(text, "k=caf\xc3\xa9;k=caf\xc3\xa9;");
}

static void test_text_behind_the_pixels(void **state)
{
    (void)state;
    begin_file();
    add_chunk("IDAT", "x", 1);
    add_chunk("tEXt", "a\0b", 3);
    end_file();
    assert_int_equal(read_text(), 0);
    assert_string_equal(text, "a=b;");
}

static void test_invalid_bytes_become_replacements(void **state)
{
    (void)state;
    file_with("iTXt", "k\0\0\0\0\0a\xff\0b", 10);
    assert_int_equal(read_text(), 0);
    assert_string_equal(text, "k=a\xef\xbf\xbd\xef\xbf\xbd"
                              "b;");
}

static void test_every_truncation_is_refused(void **state)
{
    (void)state;
    unsigned char bytes[FILE_MAX];
    file_with("tEXt", "key\0value", 9);
    size_t n = slurp(bytes);
    for (size_t k = 0; k < n; k++) {
        spill(bytes, k);
        assert_int_equal(read_text(), SDCL_EUSAGE);
    }
}

static void test_every_flipped_byte_is_survived(void **state)
{
    (void)state;
    unsigned char bytes[FILE_MAX];
    file_with("zTXt", "key\0\0not compressed", 19);
    size_t n = slurp(bytes);
    for (size_t k = 0; k < n; k++) {
        bytes[k] ^= 0x80;
        spill(bytes, n);
        assert_int_equal(read_text(), SDCL_EUSAGE);
        bytes[k] ^= 0x80;
    }
}

static void test_lying_length(void **state)
{
    (void)state;
    static const uint32_t lengths[] = {100, 0x7fffffff, 0x80000000u, 0xffffffffu};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        file_with("tEXt", "a\0b", 3);
        put32(made + 33, lengths[i]);
        spill(made, made_size);
        assert_int_equal(read_text(), SDCL_EUSAGE);
    }
}

static void test_chunk_beyond_the_limit(void **state)
{
    (void)state;
    file_with("tEXt", "a\0b", 3);
    put32(made + 33, 9 << 20);
    spill(made, made_size);
    assert_int_equal(truncate(path, 16 << 20), 0);
    assert_int_equal(read_text(), SDCL_EUSAGE);
    assert_non_null(strstr(sdcl_last_error(), "limit"));
}

static void test_compression_bomb(void **state)
{
    (void)state;
    enum { BOMB = 9 << 20 };
    unsigned char *zeros = calloc(1, BOMB), *data = malloc(FILE_MAX);
    assert_non_null(zeros);
    assert_non_null(data);
    uLongf n = FILE_MAX - 400;
    memset(zeros, 'a', BOMB);
    memcpy(data, "k\0\0", 3);
    assert_int_equal(compress(data + 3, &n, zeros, BOMB), Z_OK);
    file_with("zTXt", data, n + 3);
    assert_int_equal(read_text(), SDCL_EUSAGE);
    assert_non_null(strstr(sdcl_last_error(), "compressed text beyond"));
    free(zeros);
    free(data);
}

static void test_wrong_checksum(void **state)
{
    (void)state;
    file_with("tEXt", "a\0b", 3);
    made[33 + 8 + 2] = 'c';
    spill(made, made_size);
    assert_int_equal(read_text(), SDCL_EUSAGE);
    assert_non_null(strstr(sdcl_last_error(), "checksum"));
}

static void test_malformed_text_chunks(void **state)
{
    (void)state;
    char long_key[100];
    memset(long_key, 'k', sizeof long_key);
    long_key[90] = 0;
    static const struct {
        const char *type, *data;
        size_t n;
    } bad[] = {{"tEXt", "no end", 6},    {"tEXt", "\0v", 2},         {"zTXt", "k\0", 2},
               {"zTXt", "k\0\1x", 4},    {"iTXt", "k\0", 2},         {"iTXt", "k\0\2\0\0\0x", 7},
               {"iTXt", "k\0\0\0en", 6}, {"iTXt", "k\0\1\0\0\0x", 7}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        file_with(bad[i].type, bad[i].data, bad[i].n);
        assert_int_equal(read_text(), SDCL_EUSAGE);
    }
    file_with("tEXt", long_key, sizeof long_key);
    assert_int_equal(read_text(), SDCL_EUSAGE);
}

static void test_what_is_no_png(void **state)
{
    (void)state;
    assert_int_equal(read_text(), SDCL_EUSAGE); /* missing */
    spill("GIF89a and more", 15);
    assert_int_equal(read_text(), SDCL_EUSAGE);
    assert_non_null(strstr(sdcl_last_error(), "not a PNG"));
    assert_int_equal(sdcl_png_text(folder, add_text, NULL), SDCL_EUSAGE);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(read_text(), SDCL_EUSAGE); /* and does not wait for a writer */
    assert_int_equal(sdcl_png_text("/dev/zero", add_text, NULL), SDCL_EUSAGE);
}

static void test_header_comes_first(void **state)
{
    (void)state;
    memcpy(made, "\x89PNG\r\n\x1a\n", 8);
    made_size = 8;
    add_chunk("tEXt", "a\0b", 3);
    end_file();
    assert_int_equal(read_text(), SDCL_EUSAGE);
    begin_file();
    add_chunk("IHDR", made + 16, 13);
    end_file();
    assert_int_equal(read_text(), SDCL_EUSAGE);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_pixels_survive),
        CASE(test_file_mode_follows_the_umask),
        CASE(test_latin1_text_is_text_chunk),
        CASE(test_other_text_is_utf8_chunk),
        CASE(test_same_picture_same_bytes),
        CASE(test_existing_file_is_kept),
        CASE(test_force_replaces),
        CASE(test_special_files_are_not_replaced),
        CASE(test_missing_folder),
        CASE(test_full_device_is_reported),
        CASE(test_write_that_fails_half_way_leaves_nothing),
        CASE(test_invalid_arguments),
        CASE(test_compressed_text),
        CASE(test_text_behind_the_pixels),
        CASE(test_invalid_bytes_become_replacements),
        CASE(test_every_truncation_is_refused),
        CASE(test_every_flipped_byte_is_survived),
        CASE(test_lying_length),
        CASE(test_chunk_beyond_the_limit),
        CASE(test_compression_bomb),
        CASE(test_wrong_checksum),
        CASE(test_malformed_text_chunks),
        CASE(test_what_is_no_png),
        CASE(test_header_comes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
