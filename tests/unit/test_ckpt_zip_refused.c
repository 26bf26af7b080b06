/* SPDX-License-Identifier: MIT */
/* Zip archives that are not what torch.save writes: typed error, file named, no crash, no second spent. Each row breaks one
 * number of a valid file. */
#include "ckpt_writer.h"
#include "sdcl.h"
#include "st_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static zip_file z;

static void sample(bool plain)
{
    blob pickle = {0};
    zip_close(&z);
    z = (zip_file){.plain = plain};
    pw_sample(&pickle, false);
    zip_sample(&z, &pickle);
    zip_finish(&z);
    blob_free(&pickle);
}

static void refused(const char *says)
{
    const char *path = st_path("x.ckpt");
    blob_write(&z.b, path);
    st_assert_refused(path, says);
}

static void accepted(void)
{
    tensor_file *f = NULL;
    const char *path = st_path("x.ckpt");
    blob_write(&z.b, path);
    if (tensor_file_open(&f, path)) fail_msg("%s", sdcl_last_error());
    assert_int_equal(tensor_file_count(f), 2);
    tensor_file_close(&f);
}

/* --- one number broken -------------------------------------------------------------------------------------------- */

typedef enum record { LOCAL, CENTRAL, DESCRIPTOR, END, END64, LOCATOR, DATA } record;

typedef struct row {
    const char *member; /* of LOCAL, CENTRAL, DESCRIPTOR, DATA */
    record where;
    size_t at;
    int bytes;
    uint64_t value;
    const char *says;
} row;

#define PICKLE "a/data.pkl"
#define W "a/data/0"

static const row torch_rows[] = {
    /* end records */
    {NULL, END, 0, 1, 'Q', "does not end with its end record"},
    {NULL, END, 20, 2, 1, "does not end with its end record"},
    {NULL, END, 8, 2, 4, "disagree"},
    {NULL, END, 10, 2, 4, "disagree"},
    {NULL, END, 12, 4, 1, "disagree"},
    {NULL, END, 16, 4, 1, "disagree"},
    {NULL, END, 4, 2, 1, "disagree"},
    {NULL, END64, 0, 1, 'Q', "ZIP64 end record is damaged"},
    {NULL, END64, 4, 8, 45, "ZIP64 end record is damaged"},
    {NULL, END64, 16, 4, 1, "one part of several"},
    {NULL, END64, 24, 8, 4, "one part of several"},
    {NULL, END64, 32, 8, 4, "one part of several"},
    {NULL, END64, 40, 8, 1, "disagree"},
    {NULL, END64, 48, 8, UINT64_MAX, "disagree"},
    {NULL, LOCATOR, 0, 1, 'Q', "but it ends at"},
    {NULL, LOCATOR, 8, 8, 0, "ZIP64 locator"},
    {NULL, LOCATOR, 8, 8, UINT64_MAX, "ZIP64 locator"},
    {NULL, LOCATOR, 16, 4, 2, "ZIP64 locator"},
    /* the directory */
    {W, CENTRAL, 0, 1, 'Q', "directory ends after 2 of 5"},
    {W, CENTRAL, 8, 2, 0x0809, "is encrypted"},
    {W, CENTRAL, 8, 2, 0x0848, "is encrypted"},
    {W, CENTRAL, 8, 2, 0x2808, "is encrypted"},
    {W, CENTRAL, 8, 2, 0x0828, "unknown flags"},
    {W, CENTRAL, 10, 2, 8, "is compressed (method 8)"},
    {W, CENTRAL, 10, 2, 12, "is compressed (method 12)"},
    {W, CENTRAL, 10, 2, 99, "is compressed (method 99)"},
    {W, CENTRAL, 20, 4, 8, "is stored in 8 bytes, but is 24"},
    {W, CENTRAL, 24, 4, 1 << 30, "is stored in 24 bytes, but is"},
    {W, CENTRAL, 24, 4, UINT32_MAX, "ZIP64 field that is not there"},
    {W, CENTRAL, 28, 2, 0, "empty"},
    {W, CENTRAL, 28, 2, UINT16_MAX, "directory ends within member 3"},
    {W, CENTRAL, 30, 2, 4, "damaged extra fields"},
    {W, CENTRAL, 32, 2, 60000, "directory ends within member 3"},
    {W, CENTRAL, 34, 2, 1, "another part"},
    {W, CENTRAL, 42, 4, 1, "overlaps the member behind it"},
    {W, CENTRAL, 42, 4, 0, "overlaps the member behind it"},
    {W, CENTRAL, 42, 4, UINT32_MAX - 1, "expected a data descriptor"},
    {W, CENTRAL, 48, 1, 0, "a NUL"},
    {W, CENTRAL, 46, 1, 'b', "disagree about the name"},
    /* local headers and descriptors */
    {PICKLE, LOCAL, 1, 1, 'Q', "not a safetensors file"},
    {W, LOCAL, 1, 1, 'Q', "no local header"},
    {W, LOCAL, 6, 2, 0, "disagree about flags or method"},
    {W, LOCAL, 8, 2, 8, "disagree about flags or method"},
    {W, LOCAL, 14, 4, 1, "disagree about size or checksum"},
    {W, LOCAL, 18, 4, 24, "disagree about size or checksum"},
    {W, LOCAL, 22, 4, 24, "disagree about size or checksum"},
    {W, LOCAL, 26, 2, 7, "disagree about the name"},
    {W, LOCAL, 28, 2, 0, "data descriptor"},
    {W, LOCAL, 28, 2, UINT16_MAX, "reach beyond"},
    {W, LOCAL, 37, 1, '1', "disagree about the name"},
    {W, DESCRIPTOR, 0, 1, 'Q', "no data descriptor"},
    {W, DESCRIPTOR, 4, 4, 1, "data descriptor and directory disagree"},
    {W, DESCRIPTOR, 8, 4, 23, "data descriptor and directory disagree"},
    {W, DESCRIPTOR, 12, 4, 25, "data descriptor and directory disagree"},
    /* the small members */
    {PICKLE, DATA, 30, 1, 'x', "\"a/data.pkl\": its checksum is wrong"},
    {"a/byteorder", DATA, 0, 1, 'b', "\"a/byteorder\": its checksum is wrong"},
};

static const row plain_rows[] = {
    {NULL, END, 8, 2, 4, "one part of several"},
    {NULL, END, 10, 2, 4, "one part of several"},
    {NULL, END, 4, 2, 1, "one part of several"},
    {NULL, END, 10, 2, UINT16_MAX, "ZIP64 record that is not there"},
    {NULL, END, 12, 4, UINT32_MAX, "ZIP64 record that is not there"},
    {NULL, END, 16, 4, UINT32_MAX, "ZIP64 record that is not there"},
    {NULL, END, 16, 4, 0, "but it ends at"},
    {NULL, END, 12, 4, 0, "but it ends at"},
    {W, LOCAL, 14, 4, 0, "disagree about size or checksum"},
    {W, LOCAL, 18, 4, 0, "disagree about size or checksum"},
    {W, LOCAL, 22, 4, UINT32_MAX, "ZIP64 field that is not there"},
};

static size_t place(const row *r)
{
    const zip_record *m = r->member ? zip_member_of(&z, r->member) : NULL;
    switch (r->where) {
    case LOCAL: return m->local + r->at;
    case CENTRAL: return m->central + r->at;
    case DESCRIPTOR: return m->descriptor + r->at;
    case DATA: return m->data + r->at;
    case END: return z.end + r->at;
    case END64: return z.end64 + r->at;
    default: return z.locator + r->at;
    }
}

static void refuse_rows(const row *r, size_t n, bool plain)
{
    sample(plain);
    accepted();
    for (; n--; r++) {
        sample(plain);
        blob_set(&z.b, place(r), r->value, r->bytes);
        refused(r->says);
    }
}

static void test_rows(void **state)
{
    (void)state;
    refuse_rows(torch_rows, sizeof torch_rows / sizeof torch_rows[0], false);
    refuse_rows(plain_rows, sizeof plain_rows / sizeof plain_rows[0], true);
}

/* --- bytes too many or too few ------------------------------------------------------------------------------------ */

static void insert(size_t at, const void *bytes, size_t n)
{
    blob copy = {0};
    blob_add(&copy, z.b.bytes, at);
    blob_add(&copy, bytes, n);
    blob_add(&copy, z.b.bytes + at, z.b.n - at);
    blob_free(&z.b);
    z.b = copy;
}

static void test_cut_at_every_byte(void **state)
{
    (void)state;
    for (int plain = 0; plain < 2; plain++) {
        const char *path = st_path("cut.ckpt");
        sample(plain);
        blob_write(&z.b, path);
        for (size_t n = z.b.n; n--;) {
            assert_int_equal(truncate(path, (off_t)n), 0);
            st_assert_refused(path, "");
        }
    }
}

/* Bytes that belong to nothing: before, between and behind the records. */
static void test_junk(void **state)
{
    (void)state;
    static const char junk[] = "#!/bin/sh\n";
    const size_t n = sizeof junk - 1;
    sample(false);
    insert(0, junk, n);
    refused("not a safetensors file");
    sample(true);
    insert(0, "PK\3\4", 4);
    refused("but it ends at");
    sample(false);
    blob_add(&z.b, junk, n);
    refused("does not end with its end record");
    sample(false);
    insert(z.end, junk, n);
    refused("but it ends at");
    sample(true);
    insert(z.directory, junk, n);
    refused("but it ends at");
    blob_set(&z.b, z.end + n + 16, z.directory + n, 4);
    refused("bytes behind its data, expected none");
    sample(false);
    insert(z.directory, junk, n);
    refused("ZIP64 locator");
}

/* A prefix that all offsets take into account. */
static void test_prefix(void **state)
{
    (void)state;
    blob pickle = {0};
    zip_close(&z);
    z = (zip_file){.plain = true};
    pw_sample(&pickle, false);
    blob_add(&z.b, "PK\3\4....", 8);
    zip_sample(&z, &pickle);
    zip_finish(&z);
    refused("8 bytes before the archive's first member");
    blob_free(&pickle);
}

/* Another archive behind the first, in its comment, or sharing the end. */
static void test_two_archives(void **state)
{
    (void)state;
    blob second = {0};
    sample(true);
    blob_add(&second, z.b.bytes, z.b.n);
    blob_add(&z.b, second.bytes, second.n);
    refused("but it ends at");
    blob_set(&z.b, z.end + 20, second.n, 2);
    refused("but it ends at");
    sample(true);
    blob_add(&z.b, second.bytes + z.end, 22);
    refused("but it ends at");
    blob_free(&second);
}

static void test_zip64_fields(void **state)
{
    (void)state;
    static const unsigned char repeated[12] = {1, 0, 8, 0, SAMPLE_W};
    sample(true);
    zip_record *m = zip_member_of(&z, W);
    insert(m->central + 46 + strlen(W), repeated, sizeof repeated);
    blob_set(&z.b, m->central + 30, sizeof repeated, 2);
    blob_set(&z.b, z.end + sizeof repeated + 12, z.end - z.directory + sizeof repeated, 4);
    refused("a ZIP64 field that repeats");
    blob_set(&z.b, m->central + 24, UINT32_MAX, 4);
    accepted();
    blob_set(&z.b, m->central + 46 + strlen(W) + 4, UINT64_MAX, 8);
    refused("is stored in 24 bytes, but is 18446744073709551615");
    blob_set(&z.b, m->central + 20, UINT32_MAX, 4);
    refused("ZIP64 field that is not there");
    blob_set(&z.b, m->central + 46 + strlen(W) + 2, 7, 2);
    refused("damaged extra fields");
}

/* Two entries of the directory for the same bytes. */
static void test_overlaps(void **state)
{
    (void)state;
    sample(true);
    zip_record *w = zip_member_of(&z, W), *v = zip_member_of(&z, "a/data/1");
    blob_set(&z.b, v->central + 42, w->local, 4);
    refused("overlaps the member behind it");
    sample(true);
    v = zip_member_of(&z, "a/data/1");
    blob_set(&z.b, v->central + 20, 200, 4);
    blob_set(&z.b, v->central + 24, 200, 4);
    refused("reach beyond the archive's data");
    sample(true);
    blob_set(&z.b, w->central + 20, 60, 4);
    blob_set(&z.b, w->central + 24, 60, 4);
    blob_set(&z.b, w->local + 18, 60, 4);
    blob_set(&z.b, w->local + 22, 60, 4);
    refused("overlaps the member behind it");
}

static void test_counts(void **state)
{
    (void)state;
    static const struct {
        uint64_t count;
        const char *says;
    } rows[] = {{0, "goes on behind its 0"},
                {4, "goes on behind its 4"},
                {6, "ends after 5 of 6"},
                {5000, "5000 members in a directory of"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sample(true);
        blob_set(&z.b, z.end + 8, rows[i].count, 2);
        blob_set(&z.b, z.end + 10, rows[i].count, 2);
        refused(rows[i].says);
    }
}

/* --- members ------------------------------------------------------------------------------------------------------ */

/* The sample with one member more, or without some. */
static void with_member(const char *name, const char *bytes, const char *without)
{
    zip_file all = {0};
    sample(false);
    for (int i = 0; i < z.count; i++) {
        const zip_record *m = &z.member[i];
        if (!without || strcmp(m->name, without) != 0) zip_add(&all, m->name, z.b.bytes + m->data, m->bytes);
    }
    if (name) zip_add(&all, name, bytes, strlen(bytes));
    zip_finish(&all);
    zip_close(&z);
    z = all;
}

static void test_members(void **state)
{
    (void)state;
    static const struct {
        const char *name, *bytes, *without, *says;
    } rows[] = {
        {NULL, NULL, PICKLE, "without the data.pkl"},
        {NULL, NULL, W, "storage \"0\" is not in the archive"},
        {W, "012345678901234567890123", NULL, "\"a/data/0\": is there twice"},
        {W, "01234567890123456789012", W, "storage \"0\" is 23 bytes, expected 24"},
        {W, "0123456789012345678901234", W, "storage \"0\" is 25 bytes, expected 24"},
        {PICKLE, "\x80\x02}.", NULL, "\"a/data.pkl\": is there twice"},
        {"b/data.pkl", "\x80\x02}.", NULL, "not one of the files"},
        {"a/b/data.pkl", "\x80\x02}.", NULL, "not one of the files"},
        {"data.pkl", "\x80\x02}.", NULL, "not one of the files"},
        {"a/constants.pkl/x", "", NULL, "not one of the files"},
        {"a/code/model.py", "", NULL, "\"a/code/model.py\": not one of the files"},
        {"a/..", "", NULL, "not one of the files"},
        {"a/data/../0", "", NULL, "not one of the files"},
        {"../data/0", "", NULL, "not one of the files"},
        {"a/data/1x", "", NULL, "not one of the files"},
        {"a/data/", "", NULL, "not one of the files"},
        {"a/data\\2", "", NULL, "not one of the files"},
        {"a/\x1b[31m", "", NULL, "a/\\x1b[31m"},
        {"/a", "", NULL, "not one of the files"},
        {"a/byteorder", "big", "a/byteorder", "not little-endian"},
        {"a/byteorder", "", "a/byteorder", "not little-endian"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        with_member(rows[i].name, rows[i].bytes, rows[i].without);
        refused(rows[i].says);
    }
    with_member("a/.data/serialization_id", "0123", "a/byteorder");
    accepted();
    with_member("a/.format_version", "1", "a/version");
    accepted();
    with_member("a/data/7", "a storage that nothing mentions", NULL);
    accepted();
}

/* Many members do not take long. */
static void test_many_members(void **state)
{
    (void)state;
    blob pickle = {0};
    char name[32];
    zip_close(&z);
    z = (zip_file){0};
    pw_sample(&pickle, false);
    zip_sample(&z, &pickle);
    for (int i = 2; z.count < (int)(sizeof z.member / sizeof z.member[0]); i++) {
        snprintf(name, sizeof name, "a/data/%d", i);
        zip_add(&z, name, "", 0);
    }
    zip_finish(&z);
    accepted();
    blob_free(&pickle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),         cmocka_unit_test(test_cut_at_every_byte),
        cmocka_unit_test(test_junk),         cmocka_unit_test(test_prefix),
        cmocka_unit_test(test_two_archives), cmocka_unit_test(test_zip64_fields),
        cmocka_unit_test(test_overlaps),     cmocka_unit_test(test_counts),
        cmocka_unit_test(test_members),      cmocka_unit_test(test_many_members),
    };
    int failed = cmocka_run_group_tests(tests, st_folder_make, st_folder_remove);
    zip_close(&z);
    return failed;
}
