/* SPDX-License-Identifier: MIT */
/* What torch.save writes since 1.6: a zip archive of a pickle, and of a member for each storage that the pickle mentions. */
#include "io/container.h"

#include "base/error.h"
#include "base/printable.h"
#include "io/pickle.h"
#include "io/torch_state.h"
#include "io/zip_index.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEMBER_NAME_MAX = 512, SMALL_MEMBER_MAX = 64 };

static bool consists_of(const char *s, const char *characters) { return *s && !s[strspn(s, characters)]; }

/* name is behind the archive's folder: data.pkl, data/N, or one of the small files that PyTorch adds from time to time. */
static bool is_member(const char *name)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.";
    if (!strncmp(name, "data/", 5)) return consists_of(name + 5, "0123456789");
    if (!strncmp(name, ".data/", 6)) name += 6;
    return consists_of(name, letters) && !strstr(name, "..");
}

/* Every member lies in the one folder and is one of those above. */
static int check_members(const zip_index *z, const char *folder)
{
    const size_t n = strlen(folder);
    char shown[PRINTABLE_MAX];
    for (int i = 0; i < z->count; i++) {
        const char *name = z->member[i].name;
        if (strncmp(name, folder, n) != 0 || !is_member(name + n))
            return FAIL(SDCL_EMODEL, "member \"%s\": not one of the files that torch.save writes",
                        printable(shown, name));
    }
    return 0;
}

/* folder: what stands before "data.pkl", with its slash. */
static int find_folder(char folder[MEMBER_NAME_MAX], const zip_index *z)
{
    for (int i = 0; i < z->count; i++) {
        const char *name = z->member[i].name, *slash = strchr(name, '/');
        if (!slash || slash == name || strcmp(slash, "/data.pkl") != 0) continue;
        snprintf(folder, MEMBER_NAME_MAX, "%.*s", (int)(slash - name + 1), name);
        if (has_control(folder) || strchr(folder, '\\') || !strcmp(folder, "../") || !strcmp(folder, "./")) break;
        return 0;
    }
    return FAIL(SDCL_EMODEL, "a zip archive, but without the data.pkl of PyTorch");
}

/* Storages are in the byte order of the machine that wrote them; files before 2.1 do not say which. */
static int check_byte_order(const zip_index *z, const char *folder, int fd)
{
    char name[2 * MEMBER_NAME_MAX];
    unsigned char *text = NULL;
    int err = 0;
    snprintf(name, sizeof name, "%sbyteorder", folder);
    const zip_member *m = zip_index_find(z, name);
    if (!m) return 0;
    TRY(zip_member_read(z, m, fd, SMALL_MEMBER_MAX, &text));
    if (m->bytes != 6 || memcmp(text, "little", 6) != 0)
        TRY(FAIL(SDCL_EMODEL, "its numbers are not little-endian (member byteorder)"));
out:
    free(text);
    return err;
}

static int place_storages(torch_storages *s, const zip_index *z, const char *folder)
{
    char name[2 * MEMBER_NAME_MAX], shown[PRINTABLE_MAX];
    for (int i = 0; i < s->count; i++) {
        torch_storage *t = &s->item[i];
        snprintf(name, sizeof name, "%sdata/%s", folder, t->key);
        const zip_member *m = zip_index_find(z, name);
        printable(shown, t->key);
        if (!m) return FAIL(SDCL_EMODEL, "storage \"%s\" is not in the archive", shown);
        if (m->bytes != t->bytes)
            return FAIL(SDCL_EMODEL, "storage \"%s\" is %" PRIu64 " bytes, expected %" PRIu64, shown, m->bytes,
                        t->bytes);
        t->offset = m->offset;
    }
    return 0;
}

static int by_offset(const void *a, const void *b)
{
    const zip_member *const *x = a, *const *y = b;
    return (*x)->offset < (*y)->offset ? -1 : (*x)->offset > (*y)->offset;
}

static int add_checksums(tensor_file *f, const zip_index *z)
{
    int err = 0;
    const zip_member **m = calloc((size_t)z->count + 1, sizeof *m);
    if (!m) return FAIL(SDCL_ENOMEM, "out of memory");
    for (int i = 0; i < z->count; i++) m[i] = &z->member[i];
    qsort(m, (size_t)z->count, sizeof *m, by_offset);
    TRY(checksums_new(&f->sums, z->count));
    for (int i = 0; i < z->count; i++) checksums_add(f->sums, m[i]->offset, m[i]->bytes, m[i]->crc);
out:
    free(m);
    return err;
}

int torch_zip_read_header(tensor_file *f)
{
    zip_index z = {0};
    pickle p = {0};
    torch_storages storages = {0};
    unsigned char *text = NULL;
    size_t used;
    char folder[MEMBER_NAME_MAX], name[2 * MEMBER_NAME_MAX];
    int err = 0;
    TRY(zip_index_read(&z, f->fd, f->size));
    TRY(find_folder(folder, &z));
    TRY(check_members(&z, folder));
    TRY(check_byte_order(&z, folder, f->fd));
    snprintf(name, sizeof name, "%sdata.pkl", folder);
    const zip_member *m = zip_index_find(&z, name);
    TRY(zip_member_read(&z, m, f->fd, PICKLE_BYTES_MAX, &text));
    TRY(pickle_read(&p, text, (size_t)m->bytes, &used));
    if (used != m->bytes) TRY(FAIL(SDCL_EMODEL, "%" PRIu64 " bytes behind the pickle's end", m->bytes - used));
    TRY(torch_storages_collect(&storages, &p));
    TRY(place_storages(&storages, &z, folder));
    TRY(torch_state_read(f, &p, &storages));
    if (z.checked) TRY(add_checksums(f, &z));
out:
    torch_storages_free(&storages);
    pickle_free(&p);
    free(text);
    zip_index_free(&z);
    return err;
}
