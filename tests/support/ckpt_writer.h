/* SPDX-License-Identifier: MIT */
/* Files as torch.save writes them, made by hand: pickles opcode by opcode, zip archives with the offset of every record so that
 * tests can break them. What cannot be written ends the program. */
#ifndef SDCL_TESTS_CKPT_WRITER_H
#define SDCL_TESTS_CKPT_WRITER_H

#include "st_edit.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct blob {
    unsigned char *bytes; /* owned */
    size_t n, capacity;
} blob;

void blob_add(blob *b, const void *bytes, size_t n);
void blob_text(blob *b, const char *text); /* without its NUL */
void blob_number(blob *b, uint64_t v, int bytes);
void blob_set(blob *b, size_t at, uint64_t v, int bytes);
void blob_write(const blob *b, const char *path);
void blob_free(blob *b);

/* --- pickles, protocol 2 ------------------------------------------------------------------------------------------ */

void pw_begin(blob *b);
void pw_op(blob *b, int opcode);
void pw_text(blob *b, const char *text);
void pw_int(blob *b, int64_t v);
void pw_global(blob *b, const char *module, const char *name);
void pw_ints(blob *b, int n, const int64_t *v); /* a tuple */

/* legacy: as before 1.6, with a view of None. class: "FloatStorage" ... */
typedef struct pw_tensor {
    const char *class, *key;
    int64_t elements, offset; /* of the storage; in it */
    int rank;
    int64_t shape[9], stride[9];
    bool legacy;
} pw_tensor;
void pw_storage(blob *b, const pw_tensor *t);
/* t->rank sizes and strides unless strides says otherwise. */
void pw_rebuild(blob *b, const pw_tensor *t, int strides);

/* {"state_dict": OrderedDict(w = F32 [2,3], v = F16 [4])}: storages "0" and "1" of 24 and 8 bytes. */
void pw_sample(blob *b, bool legacy);
enum { SAMPLE_W = 24, SAMPLE_V = 8 };

/* --- zip archives ------------------------------------------------------------------------------------------------- */

typedef struct zip_record {
    char name[80];
    size_t local, data, bytes, descriptor, central; /* descriptor: 0 where there is none */
    uint32_t crc;
} zip_record;

typedef struct zip_file {
    blob b;
    zip_record member[1200];
    int count;
    bool plain;        /* sizes in the local headers, no descriptors, no ZIP64: as other tools write */
    bool no_checksums; /* all zero */
    size_t directory, end64, locator, end;
} zip_file;

void zip_add(zip_file *z, const char *name, const void *bytes, size_t n);
void zip_finish(zip_file *z);
zip_record *zip_member_of(zip_file *z, const char *name);
void zip_close(zip_file *z);

/* Members a/data.pkl (pickle), a/byteorder, a/data/0, a/data/1, a/version; storage bytes are st_data(i). Not finished. */
void zip_sample(zip_file *z, const blob *pickle);
/* The five pickles and the storages of pw_sample before 1.6; object NULL: pw_sample. */
void legacy_sample(blob *b, const blob *object);

/* All tensors of a list as one state_dict. */
void ckpt_from_list(const st_list *l, const char *path, bool legacy);

#endif
