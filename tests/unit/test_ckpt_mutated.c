/* SPDX-License-Identifier: MIT */
/* Random damage to valid files of torch.save: whatever the reader says, it does not crash, and what it hands out can be read.
 * Under the sanitizers it is a small fuzzer; its seed is fixed. And the format before 1.6, broken on purpose. */
#include "ckpt_writer.h"
#include "sdcl.h"
#include "st_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROUNDS = 10000 };

/* xorshift64* (Vigna 2016) */
static uint64_t draw(uint64_t *s)
{
    *s ^= *s >> 12;
    *s ^= *s << 25;
    *s ^= *s >> 27;
    return *s * 2685821657736338717u;
}

/* One to four edits: a byte, a bit, a number at an extreme, a stretch moved over another, or the end cut off. */
static void mutate(blob *b, uint64_t *s)
{
    static const uint64_t extremes[] = {0, 1, 0x7f, 0xff, 0xffff, 0x7fffffff, 0xffffffff, INT64_MAX, UINT64_MAX};
    for (uint64_t edits = 1 + draw(s) % 4; edits && b->n > 16; edits--) {
        const size_t at = draw(s) % (b->n - 8), from = draw(s) % (b->n - 8), n = 1 + draw(s) % 8;
        switch (draw(s) % 6) {
        case 0: b->bytes[at] = (unsigned char)draw(s); break;
        case 1: b->bytes[at] ^= (unsigned char)(1 << draw(s) % 8); break;
        case 2: blob_set(b, at, extremes[draw(s) % 9], 1 << draw(s) % 4); break;
        case 3: memmove(b->bytes + at, b->bytes + from, n); break;
        case 4: b->bytes[at] = (unsigned char)"().0]}QRabcehjqrstu\x81\x85\x86\x87\x93\x94"[draw(s) % 25]; break;
        default:
            if (draw(s) % 4 == 0) b->n -= draw(s) % 16;
        }
    }
}

/* Opens, and reads all that is there. */
static int try_file(const char *path)
{
    tensor_file *f = NULL;
    int err = tensor_file_open(&f, path);
    if (err && err != SDCL_EMODEL) fail_msg("status %d: %s", err, sdcl_last_error());
    for (int i = 0; !err && i < tensor_file_count(f); i++) {
        const file_tensor *t = tensor_file_at(f, i);
        void *bytes = malloc((size_t)t->bytes + 1);
        if (t->bytes > 4096 || !bytes) fail_msg("a tensor of %llu bytes", (unsigned long long)t->bytes);
        int read = tensor_file_read(f, t, 0, t->bytes, bytes);
        if (read && read != SDCL_EMODEL) fail_msg("status %d: %s", read, sdcl_last_error());
        read = tensor_file_verify(f, t);
        if (read && read != SDCL_EMODEL) fail_msg("status %d: %s", read, sdcl_last_error());
        free(bytes);
    }
    tensor_file_close(&f);
    return err;
}

/* whole: damage anywhere. Otherwise the pickle alone is damaged and the archive around it is right. */
static void damage(const blob *original, bool whole, uint64_t seed)
{
    char path[32];
    int opened = 0, fd = memfd_create("mutated.ckpt", 0); /* a disk would see every one of them */
    assert_true(fd >= 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    for (int i = 0; i < ROUNDS; i++) {
        blob b = {0};
        zip_file z = {.no_checksums = true};
        blob_add(&b, original->bytes, original->n);
        mutate(&b, &seed);
        if (!whole) {
            zip_sample(&z, &b);
            zip_finish(&z);
        }
        const blob *file = whole ? &b : &z.b;
        assert_int_equal(ftruncate(fd, (off_t)file->n), 0);
        assert_int_equal(pwrite(fd, file->bytes, file->n, 0), file->n);
        opened += !try_file(path);
        zip_close(&z);
        blob_free(&b);
    }
    close(fd);
    assert_in_range(opened, 1, ROUNDS - 1); /* the damage is neither harmless nor always fatal */
}

static void test_damaged_pickle(void **state)
{
    (void)state;
    blob b = {0};
    pw_sample(&b, false);
    damage(&b, false, 1);
    blob_free(&b);
}

static void test_damaged_archive(void **state)
{
    (void)state;
    blob pickle = {0};
    zip_file z = {0};
    pw_sample(&pickle, false);
    zip_sample(&z, &pickle);
    zip_finish(&z);
    damage(&z.b, true, 2);
    blob_free(&pickle);
    zip_close(&z);
}

static void test_damaged_legacy(void **state)
{
    (void)state;
    blob b = {0};
    legacy_sample(&b, NULL);
    damage(&b, true, 3);
    blob_free(&b);
}

/* --- before 1.6 --------------------------------------------------------------------------------------------------- */

static void refuse(const blob *b, const char *says)
{
    blob_write(b, st_path("x.ckpt"));
    st_assert_refused(st_path("x.ckpt"), says);
}

static size_t find(const blob *b, const char *text, size_t n)
{
    const unsigned char *at = memmem(b->bytes, b->n, text, n);
    assert_non_null(at);
    return (size_t)(at - b->bytes);
}

static void test_legacy_refused(void **state)
{
    (void)state;
    blob b = {0};
    legacy_sample(&b, NULL);
    const size_t keys = b.n - 16 - SAMPLE_W - SAMPLE_V;
    const struct {
        size_t at;
        uint64_t value;
        int bytes;
        const char *says;
    } rows[] = {
        {4, 0x6d, 1, "a Python pickle, but not of torch.save"},
        {2, 'N', 1, "a Python pickle, but not of torch.save"},
        {18, 1000, 2, "unknown version, expected 1001"},
        {find(&b, "\x88u.", 3), 0x89, 1, "not said to be little-endian"},
        {find(&b, "little_endian", 13), 'L', 1, "not said to be little-endian"},
        {find(&b, "cpu", 3) + 3, 'N', 1, "object: pickle"},
        {keys - 3 - 6, '2', 1, "storage key that the object does not mention"},
        {keys - 3, '0', 1, "storage \"0\" is there twice"},
        {keys, 7, 8, "storage \"0\" has 7 elements, expected 6"},
        {keys, UINT64_MAX, 8, "storage \"0\" has 18446744073709551615 elements"},
        {keys + 8 + SAMPLE_W, 5, 8, "storage \"1\" has 5 elements, expected 4"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        blob broken = {0};
        blob_add(&broken, b.bytes, b.n);
        blob_set(&broken, rows[i].at, rows[i].value, rows[i].bytes);
        refuse(&broken, rows[i].says);
        blob_free(&broken);
    }
    blob_number(&b, 0, 1);
    refuse(&b, "1 bytes behind the last storage");
    const char *path = st_path("x.ckpt");
    for (b.n--; b.n;) {
        assert_int_equal(truncate(path, (off_t)--b.n), 0);
        st_assert_refused(path, "");
    }
    blob_free(&b);
}

/* The keys' list has one more, one less, or is no list. */
static void test_legacy_keys(void **state)
{
    (void)state;
    static const struct {
        const char *list, *says;
    } rows[] = {{"](U\1"
                 "0U\1"
                 "1U\1"
                 "2e.",
                 "3 storage keys, but 2 storages"},
                {"](U\1"
                 "0e.",
                 "1 storage keys, but 2 storages"},
                {"(U\1"
                 "0U\1"
                 "1t.",
                 "storage keys: not a list"},
                {"](U\1"
                 "0K\1e.",
                 "storage key that the object does not mention"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        blob b = {0}, whole = {0};
        legacy_sample(&whole, NULL);
        const size_t object_end = find(&whole, "us.\x80\2](", 7) + 3;
        blob_add(&b, whole.bytes, object_end);
        pw_begin(&b);
        blob_text(&b, rows[i].list);
        blob_add(&b, whole.bytes + whole.n - 16 - SAMPLE_W - SAMPLE_V, 16 + SAMPLE_W + SAMPLE_V);
        refuse(&b, rows[i].says);
        blob_free(&b);
        blob_free(&whole);
    }
}

/* Only a pickle that goes on behind what is read of a large file is said to be too long. */
static void test_legacy_hints(void **state)
{
    (void)state;
    static const struct {
        const char *object, *says, *hint;
        uint64_t length; /* of a text behind object */
    } rows[] = {
        {"cos\nsystem\n", "\"os.system\"", ".safetensors", 0},
        {"X", "BINUNICODE: 9437184 bytes are needed", "more than 8 MiB are not read", 9 << 20},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        blob b = {0}, object = {0};
        pw_begin(&object);
        blob_text(&object, rows[i].object);
        blob_number(&object, rows[i].length, 4);
        legacy_sample(&b, &object);
        blob_write(&b, st_path("x.ckpt"));
        assert_int_equal(truncate(st_path("x.ckpt"), 10 << 20), 0);
        st_assert_refused(st_path("x.ckpt"), rows[i].says);
        if (!strstr(sdcl_last_hint(), rows[i].hint)) fail_msg("hint: %s", sdcl_last_hint());
        blob_free(&object);
        blob_free(&b);
    }
}

static void test_other_formats(void **state)
{
    (void)state;
    blob b = {0};
    blob_text(&b, "pickle");
    while (b.n < 257) blob_number(&b, 0, 1);
    blob_text(&b, "ustar  ");
    while (b.n < 1024) blob_number(&b, 0, 1);
    refuse(&b, "a tar archive, as PyTorch before 0.1.10");
    blob_free(&b);
    blob_text(&b, "\x80\4\x95");
    blob_number(&b, 11, 8);
    blob_text(&b, "}\x94.");
    refuse(&b, "a Python pickle, but not of torch.save");
    blob_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damaged_pickle), cmocka_unit_test(test_damaged_archive),
        cmocka_unit_test(test_damaged_legacy), cmocka_unit_test(test_legacy_refused),
        cmocka_unit_test(test_legacy_keys),    cmocka_unit_test(test_legacy_hints),
        cmocka_unit_test(test_other_formats),
    };
    return cmocka_run_group_tests(tests, st_folder_make, st_folder_remove);
}
