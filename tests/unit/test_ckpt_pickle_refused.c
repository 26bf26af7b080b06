/* SPDX-License-Identifier: MIT */
/* Pickles that are no table of weights, inside of a valid archive: typed error, file named, no crash, no second spent, bounded
 * memory. */
#include "ckpt_writer.h"
#include "sdcl.h"
#include "st_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

static void write_pickle(const blob *pickle, const char *path)
{
    zip_file z = {0};
    zip_sample(&z, pickle);
    zip_finish(&z);
    blob_write(&z.b, path);
    zip_close(&z);
}

static void refuse(const blob *pickle, const char *says)
{
    const char *path = st_path("x.ckpt");
    write_pickle(pickle, path);
    st_assert_refused(path, says);
}

static void accept(const blob *pickle)
{
    tensor_file *f = NULL;
    const char *path = st_path("x.ckpt");
    write_pickle(pickle, path);
    if (tensor_file_open(&f, path)) fail_msg("%s", sdcl_last_error());
    assert_int_equal(tensor_file_count(f), 2);
    tensor_file_close(&f);
}

/* The sample, whose dict has one more member before the rest: key "x", and these bytes for a value. */
static void with_value(blob *b, const void *value, size_t n)
{
    blob sample = {0};
    pw_sample(&sample, false);
    pw_begin(b);
    blob_text(b, "}");
    pw_text(b, "x");
    blob_add(b, value, n);
    blob_text(b, "s");
    blob_add(b, sample.bytes + 5, sample.n - 5); /* behind its PROTO, EMPTY_DICT and BINPUT */
    blob_free(&sample);
}

/* --- values that are not weights ---------------------------------------------------------------------------------- */

typedef struct value {
    const char *bytes;
    size_t n;
    const char *says; /* NULL: accepted, and left alone */
} value;

#define V(bytes, says)                                                                                                 \
    {                                                                                                                  \
        bytes, sizeof(bytes) - 1, says                                                                                 \
    }
#define NOT_ONE(opcode) "opcode " opcode " is not one of those"
#define NOT_AMONG(name) "\"" name "\", which is not among the names"

static const value values[] = {
    /* what checkpoints carry besides */
    V("N", NULL),
    V("\x88", NULL),
    V("K\1", NULL),
    V("M\1\2", NULL),
    V("J\377\377\377\377", NULL),
    V("\x8a\0", NULL),
    V("\x8a\1\377", NULL),
    V("\x8a\11\1\2\3\4\5\6\7\10\11", NULL),
    V("G\0\0\0\0\0\0\0\0", NULL),
    V("U\2ab", NULL),
    V("T\2\0\0\0ab", NULL),
    V("C\2a\0", NULL),
    V("B\2\0\0\0a\0", NULL),
    V("\x96\2\0\0\0\0\0\0\0a\0", NULL),
    V("\x8c\2ab", NULL),
    V("\x8d\2\0\0\0\0\0\0\0ab", NULL),
    V("\x95\2\0\0\0\0\0\0\0NN0", NULL),
    V("](K\1K\2e", NULL),
    V("]K\1a", NULL),
    V("(K\1K\2l", NULL),
    V("(K\1K\2d", NULL),
    V("}(K\1K\2u", NULL),
    V("K\1K\2K\3\x87", NULL),
    V("K\1\x85K\2\x86", NULL),
    V("\x8f(K\1\x90", NULL),
    V("(K\1\x91", NULL),
    V("K\1q\7", NULL),
    V("K\1r\1\1\0\0j\1\1\0\0\x86", NULL),
    V("K\1\x94h\0\x86", NULL),
    V("K\1"
      "2\x86",
      NULL),
    V("K\1K\2"
      "0",
      NULL),
    V("c__builtin__\nset\n](K\1K\2e\x85R", NULL),
    V("ccollections\ndefaultdict\nc__builtin__\ndict\n\x85R", NULL),
    V("ccollections\nOrderedDict\n)R}b", NULL),
    V("cpytorch_lightning.callbacks.model_checkpoint\nModelCheckpoint\n}(U\4bestN\x8c\1kK\1u\x86", NULL),
    V("cpytorch_lightning.callbacks.model_checkpoint\nModelCheckpoint\n)\x81}b", NULL),
    V("cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\nU\2f8K\0K\1\x87R(K\3U\1<NNNJ\377\377\377\377K\0tb"
      "c_codecs\nencode\nU\10abcdefghU\6latin1\x86R\x86R",
      NULL),
    V("\x8c\5numpy\x8c\5dtype\x93", NULL),
    V("cnumpy._core.numeric\n_frombuffer\n(\x96\2\0\0\0\0\0\0\0abcnumpy\ndtype\nU\2u1\x85RK\2\x85U\1CtR", NULL),
    V("c__builtin__\nxrange\nK\0K\3K\1\x87R", NULL),
    V("\x8c\10builtins\x8c\5slice\x93K\0K\3N\x87R", NULL),
    V("ctorch\nSize\nK\1\x85\x85R", NULL),
    V("ctorch.nn.modules.container\nParameterDict\n)\x81(K\1K\2u", NULL),

    /* opcodes */
    V("(cos\nsystem\n", NOT_AMONG("os.system")),
    V("(S'ls'\nios\nsystem\n", NOT_ONE("STRING")),
    V("(ios\nsystem\n", NOT_ONE("INST")),
    V("(o", NOT_ONE("OBJ")),
    V("\x82\1", NOT_ONE("EXT1")),
    V("\x83\1\1", NOT_ONE("EXT2")),
    V("\x84\1\1\1\1", NOT_ONE("EXT4")),
    V("))}\x92", NOT_ONE("NEWOBJ_EX")),
    V("P0\n", NOT_ONE("PERSID")),
    V("\x97", NOT_ONE("NEXT_BUFFER")),
    V("\x98", NOT_ONE("READONLY_BUFFER")),
    V("\x8e\1\0\0\0\0\0\0\0a", NOT_ONE("BINBYTES8")),
    V("\x8b\1\0\0\0\1", NOT_ONE("LONG4")),
    V("I1\n", NOT_ONE("INT")),
    V("L1L\n", NOT_ONE("LONG")),
    V("F1\n", NOT_ONE("FLOAT")),
    V("Va\n", NOT_ONE("UNICODE")),
    V("g0\n", NOT_ONE("GET")),
    V("p0\n", NOT_ONE("PUT")),
    V("(1", NOT_ONE("POP_MARK")),
    V("\xff", "0xff is no opcode"),
    V("\0", "0x00 is no opcode"),
    V("\x80\2", "PROTO: not at the start"),

    /* names */
    V("cbuiltins\neval\n", NOT_AMONG("builtins.eval")),
    V("c__builtin__\nexec\n", NOT_AMONG("__builtin__.exec")),
    V("ctorch.storage\n_load_from_bytes\n", NOT_AMONG("torch.storage._load_from_bytes")),
    V("ctorch\nload\n", NOT_AMONG("torch.load")),
    V("ctorch\nFloatStorage.__init__\n", NOT_AMONG("torch.FloatStorage.__init__")),
    V("ctorch \nFloatStorage\n", NOT_AMONG("torch .FloatStorage")),
    V("cTorch\nFloatStorage\n", NOT_AMONG("Torch.FloatStorage")),
    V("ctorch\nQInt8Storage\n", NOT_AMONG("torch.QInt8Storage")),
    V("ctorch._utils\n_rebuild_tensor_v3\n", NOT_AMONG("torch._utils._rebuild_tensor_v3")),
    V("ctorch._utils._rebuild_tensor_v2\n\n", NOT_AMONG("torch._utils._rebuild_tensor_v2.")),
    V("c\ncollections.OrderedDict\n", NOT_AMONG(".collections.OrderedDict")),
    V("c\x1b[31m\n\x07\n", NOT_AMONG("\\x1b[31m.\\x07")),
    V("\x8c\2os\x8c\6system\x93", NOT_AMONG("os.system")),
    V("\x8c\15torch\nFloatSt\x8c\5orage\x93", "not among the names"),
    V("K\1K\2\x93", "STACK_GLOBAL: the name is not a text"),

    /* calls */
    V("K\1)R", "a call of something that is not a name"),
    V("ccollections\nOrderedDict\nK\1R", "the arguments are not a tuple"),
    V("ccollections\nOrderedDict\n]\x85R", "an OrderedDict with 1 arguments"),
    V("ctorch\nFloatStorage\n)R", "a call of torch.FloatStorage"),
    V("ctorch\nFloatStorage\n)\x81", "a call of torch.FloatStorage"),
    V("ctorch._utils\n_rebuild_tensor_v2\n)\x81", "a call of torch._utils._rebuild_tensor_v2"),
    V("ctorch._utils\n_rebuild_parameter\n)R", "a parameter without a tensor"),
    V("ctorch._utils\n_rebuild_parameter\nK\1\x85R", "a parameter without a tensor"),
    V("K\1}b", "state for something that has none"),
    V("ccollections\nOrderedDict\n}b", "state for something that has none"),
    V("]}b", "state for something that has none"),
    V("K\1Q", "a persistent id that is not a tuple"),

    /* lengths */
    V("X\377\377\377\377ab", "4294967295 bytes are needed"),
    V("T\377\377\377\377ab", "4294967295 bytes are needed"),
    V("B\0\0\0\200ab", "2147483648 bytes are needed"),
    V("\x8d\377\377\377\377\377\377\377\377ab", "18446744073709551615 bytes are needed"),
    V("\x95\377\377\377\377\377\377\377\377N", "a frame of 18446744073709551615 bytes"),
    V("\x8a\377", "LONG1"),
    V("\x8a\21"
      "12345678901234567",
      "an integer of 17 bytes"),

    /* the stack and the memo */
    V("000", "POP: nothing is on the stack"),
    V("(0", "POP: nothing is on the stack"),
    V("(2", "DUP: nothing is on the stack"),
    V("t", "there is no mark"),
    V("K\1u", "there is no mark"),
    V("(K\1\x86", "fewer than 2 values"),
    V("(K\1K\2s", "fewer than 3 values"),
    V("(K\1a", "fewer than 2 values"),
    V("(K\1d", "a key without a value"),
    V("}(K\1u", "a key without a value"),
    V("K\1(K\1e", "items for something that does not take them"),
    V("K\1(K\1\x90", "items for something that does not take them"),
    V("](K\1K\2u", "items for something that does not take them"),
    V("}(K\1e", "items for something that does not take them"),
    V(")K\1a", "items for something that does not take them"),
    V("((e", "there is no container below"),
    V("h\7", "memo entry 7 has not been set"),
    V("j\377\377\377\377", "memo entry 4294967295 has not been set"),
    V("Nr\377\377\377\377", "memo entry 4294967295 of at most"),
    V("(q\0", "nothing is on the stack"),
    V("]q\7h\7a", "a container within itself"),
    V("}q\7K\1h\7s", "a container within itself"),
    V("]q\7(h\7e", "a container within itself"),
};

static void test_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        blob b = {0};
        with_value(&b, values[i].bytes, values[i].n);
        if (values[i].says) refuse(&b, values[i].says);
        else accept(&b);
        blob_free(&b);
    }
}

/* --- whole pickles ------------------------------------------------------------------------------------------------ */

static void test_whole(void **state)
{
    (void)state;
    static const value wholes[] = {
        V("", "without STOP"),
        V("\x80", "bytes are needed"),
        V("\x80\2", "without STOP"),
        V("\x80\1}.", "protocol 1, expected 2 to 5"),
        V("\x80\6}.", "protocol 6, expected 2 to 5"),
        V("}.", "not a pickle of protocol"),
        V("(dp0\n.", "not a pickle of protocol"),
        V("\x80\2.", "nothing is on the stack"),
        V("\x80\2NN.", "values are left on the stack"),
        V("\x80\2(N.", "values are left on the stack"),
        V("\x80\2}.}", "1 bytes behind the pickle's end"),
        V("\x80\2ctorch", "a name without an end"),
        V("\x80\2ctorch\nload", "a name without an end"),
        V("\x80\2}.", "holds no tensors"),
        V("\x80\2N.", "no table of tensors"),
        V("\x80\2].", "no table of tensors"),
        V("\x80\2}U\12state_dictNs.", "state_dict is not a table"),
        V("\x80\2}U\12state_dict}s.", "holds no tensors"),
    };
    for (size_t i = 0; i < sizeof wholes / sizeof wholes[0]; i++) {
        blob b = {0};
        blob_add(&b, wholes[i].bytes, wholes[i].n);
        refuse(&b, wholes[i].says);
        blob_free(&b);
    }
}

static void test_cut_at_every_byte(void **state)
{
    (void)state;
    blob b = {0};
    pw_sample(&b, false);
    accept(&b);
    while (b.n--) refuse(&b, "");
    blob_free(&b);
}

/* --- bombs -------------------------------------------------------------------------------------------------------- */

static long peak_kilobytes(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss;
}

static void repeat(blob *b, const char *bytes, size_t times)
{
    while (times--) blob_text(b, bytes);
}

static void refuse_bomb(const char *before, const char *each, size_t times, const char *after, const char *says)
{
    blob value = {0}, b = {0};
    blob_text(&value, before);
    repeat(&value, each, times);
    blob_text(&value, after);
    with_value(&b, value.bytes, value.n);
    refuse(&b, says);
    blob_free(&value);
    blob_free(&b);
}

/* The files themselves are 16 MB at most and freed before the next; what the reader adds stays below 64 MB. */
static void test_bombs(void **state)
{
    (void)state;
    const long before = peak_kilobytes();
    refuse_bomb("", "]", 100000, "", "values on the stack");
    refuse_bomb("", "(", 100000, "", "nested more than 1024 deep");
    refuse_bomb("N", "\x85", 3000000, "", "more than 1048576 values");
    refuse_bomb("N", "2\x86", 3000000, "", "more than 1048576 values");
    refuse_bomb("", "N0", 3000000, "", "more than 1048576 values");
    refuse_bomb("]q\7", "0h\7h\7\x86q\7", 1000000, "", "more than 1048576 values");
    refuse_bomb("Nq\0070]", "(h\7h\7e", 1000000, "", "more than 1048576 values");
    refuse_bomb("N", "", 0, "r\377\377\377\177", "memo entry 2147483647");
    refuse_bomb("", "N0K\0000", 9000000, "", "expected at most 8388608");
#ifndef __SANITIZE_ADDRESS__
    if (peak_kilobytes() - before > 64 * 1024 + 3 * 36000)
        fail_msg("%ld kB more than before", peak_kilobytes() - before);
#else
    (void)before;
#endif
}

/* Many tensors of one long name: the names alone would take gigabytes. */
static void test_names_bomb(void **state)
{
    (void)state;
    blob b = {0}, name = {0};
    const pw_tensor w = {"FloatStorage", "0", 6, 0, 1, {6}, {1}, false};
    repeat(&name, "n", 1000);
    blob_text(&name, "");
    blob_number(&name, 0, 1);
    pw_begin(&b);
    pw_rebuild(&b, &w, 1);
    blob_text(&b, "q\1"
                  "0");
    pw_text(&b, (const char *)name.bytes);
    blob_text(&b, "q\2"
                  "0}");
    for (int i = 0; i < 300; i++) {
        blob_text(&b, "(");
        repeat(&b, "h\2h\1", 1000);
        blob_text(&b, "u");
    }
    blob_text(&b, ".");
    refuse(&b, "300000 tensors with 300300000 bytes of names");
    blob_free(&b);
    blob_free(&name);
}

/* --- tensors ------------------------------------------------------------------------------------------------------ */

static void refuse_tensor(const pw_tensor *t, int strides, const char *says)
{
    blob b = {0};
    pw_begin(&b);
    blob_text(&b, "}");
    pw_text(&b, "t");
    pw_rebuild(&b, t, strides);
    blob_text(&b, "s.");
    refuse(&b, says);
    blob_free(&b);
}

#define BIG 4611686018427387904 /* 2^62 */

static void test_tensors(void **state)
{
    (void)state;
    static const struct {
        pw_tensor t;
        int strides;
        const char *says;
    } rows[] = {
        {{"FloatStorage", "0", 6, 0, 2, {2, 4}, {4, 1}, 0}, 2, "tensor \"t\": reaches beyond the 6 elements"},
        {{"FloatStorage", "0", 6, 1, 2, {2, 3}, {3, 1}, 0}, 2, "reaches beyond the 6 elements"},
        {{"FloatStorage", "0", 6, 7, 1, {0}, {1}, 0}, 1, "reaches beyond the 6 elements"},
        {{"FloatStorage", "0", 6, 6, 0, {0}, {0}, 0}, 0, "reaches beyond the 6 elements"},
        {{"FloatStorage", "0", 6, INT64_MAX, 1, {1}, {1}, 0}, 1, "reaches beyond the 6 elements"},
        {{"FloatStorage", "0", 6, -1, 1, {1}, {1}, 0}, 1, "its offset is not a non-negative integer"},
        {{"FloatStorage", "0", 6, 0, 1, {-1}, {1}, 0}, 1, "its shape holds something else"},
        {{"FloatStorage", "0", 6, 0, 2, {-2, -3}, {3, 1}, 0}, 2, "its shape holds something else"},
        {{"FloatStorage", "0", 6, 0, 1, {3}, {-1}, 0}, 1, "its stride holds something else"},
        {{"FloatStorage", "0", 6, 0, 1, {3}, {0}, 0}, 1, "elements share memory"},
        {{"FloatStorage", "0", 6, 0, 2, {2, 3}, {1, 1}, 0}, 2, "elements share memory"},
        {{"FloatStorage", "0", 6, 0, 2, {2, 3}, {2, 1}, 0}, 2, "elements share memory"},
        {{"FloatStorage", "0", 6, 0, 2, {2, 2}, {2, 2}, 0}, 2, "elements share memory"},
        {{"FloatStorage", "0", 6, 0, 2, {2, 3}, {6, 1}, 0}, 2, "reaches beyond"},
        {{"FloatStorage", "0", 6, 0, 1, {3}, {BIG}, 0}, 1, "reaches beyond"},
        {{"FloatStorage", "0", 6, 0, 1, {6}, {INT64_MAX}, 0}, 1, "its strides overflow"},
        {{"FloatStorage", "0", 6, 0, 2, {2, 3}, {3, 1}, 0}, 1, "has 2 dimensions and 1 strides"},
        {{"FloatStorage", "0", 6, 0, 2, {2, 3}, {3, 1, 1}, 0}, 3, "has 2 dimensions and 3 strides"},
        {{"FloatStorage", "0", 6, 0, 9, {1, 1, 1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1, 1, 1}, 0},
         9,
         "9 dimensions, expected at most 8"},
        {{"FloatStorage", "0", 6, 0, 2, {BIG, BIG}, {1, 1}, 0}, 2, "shape overflows"},
        {{"FloatStorage", "0", 6, 0, 3, {0, BIG, BIG}, {1, 1, 1}, 0}, 3, "shape overflows"},
        {{"FloatStorage", "0", 6, 0, 1, {BIG}, {1}, 0}, 1, "shape overflows"},
        {{"FloatStorage", "0", 5, 0, 1, {1}, {1}, 0}, 1, "storage \"0\" is 24 bytes, expected 20"},
        {{"FloatStorage", "0", 7, 0, 1, {1}, {1}, 0}, 1, "storage \"0\" is 24 bytes, expected 28"},
        {{"HalfStorage", "0", 6, 0, 1, {1}, {1}, 0}, 1, "storage \"0\" is 24 bytes, expected 12"},
        {{"FloatStorage", "0", BIG, 0, 1, {1}, {1}, 0}, 1, "a storage of 4611686018427387904 elements"},
        {{"FloatStorage", "0", -6, 0, 1, {1}, {1}, 0}, 1, "length is not a non-negative integer"},
        {{"FloatStorage", "9", 6, 0, 1, {1}, {1}, 0}, 1, "storage \"9\" is not in the archive"},
        {{"FloatStorage", "../0", 6, 0, 1, {1}, {1}, 0}, 1, "storage \"../0\" is not in the archive"},
        {{"FloatStorage", "\x1b", 6, 0, 1, {1}, {1}, 0}, 1, "storage \"\\x1b\" is not in the archive"},
        {{"FloatStorage", "", 6, 0, 1, {1}, {1}, 0}, 1, "key is not a text of 1 to 64 bytes"},
        {{"ComplexFloatStorage", "0", 3, 0, 1, {1}, {1}, 0}, 1, NOT_AMONG("torch.ComplexFloatStorage")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) refuse_tensor(&rows[i].t, rows[i].strides, rows[i].says);
}

/* Names and arguments that pw_rebuild does not write. */
static void test_tensor_opcodes(void **state)
{
    (void)state;
    static const value entries[] = {
#define STORAGE                                                                                                        \
    "(U\7storagectorch\nFloatStorage\nU\1"                                                                             \
    "0U\3cpuK\6tQ"
#define CALL "ctorch._utils\n_rebuild_tensor_v2\n"
        V("U\1t" CALL ")Rs", "is made from 0 arguments"),
        V("U\1t" CALL "(" STORAGE "K\0K\6\x85tRs", "is made from 3 arguments"),
        V("U\1t" CALL "(K\1K\0K\6\x85K\1\x85tRs", "tensor \"t\": has no storage"),
        V("U\1t" CALL "(" STORAGE "K\0K\6K\1\x85tRs", "its shape is not a tuple"),
        V("U\1t" CALL "(" STORAGE "NK\6\x85K\1\x85tRs", "its offset is not"),
        V("U\1t" CALL "(" STORAGE "K\0N\x85K\1\x85tRs", "its shape holds something else"),
        V("K\1" CALL "(" STORAGE "K\0K\6\x85K\1\x85tRs", "name is not a text"),
        V("U\0" CALL "(" STORAGE "K\0K\6\x85K\1\x85tRs", "an empty name"),
        V("U\2\x1b[" CALL "(" STORAGE "K\0K\6\x85K\1\x85tRs", "tensor \"\\x1b[\": control characters"),
        V("U\3t\0t" CALL "(" STORAGE "K\0K\6\x85K\1\x85tRs", "tensor \"t\": a NUL in its name"),
        V("(U\1t" CALL "(" STORAGE "K\0K\6\x85K\1\x85tRq\1U\1th\1u", "tensor \"t\" is there twice"),
        V("U\1t" CALL "((U\6modulectorch\nFloatStorage\nU\1"
          "0U\3cpuK\6tQK\0K\6\x85K\1\x85tRs",
          "is no storage"),
        V("U\1t" CALL "((U\7storageccollections\nOrderedDict\nU\1"
          "0U\3cpuK\6tQK\0K\6\x85K\1\x85tRs",
          "unknown class"),
        V("U\1t" CALL "((U\7storagectorch\nFloatStorage\nK\0U\3cpuK\6tQK\0K\6\x85K\1\x85tRs", "key is not a text"),
        V("U\1t" CALL "((U\7storagectorch\nFloatStorage\nU\1"
          "0NK\6tQK\0K\6\x85K\1\x85tRs",
          "device is not a text"),
        V("U\1t" CALL "((U\7storagectorch\nFloatStorage\nU\1"
          "0U\3cputQK\0K\6\x85K\1\x85tRs",
          "of 4 parts"),
        V("U\1t" CALL "((U\7storagectorch\nFloatStorage\nU\1"
          "0U\3cpuK\6K\1tQK\0K\6\x85K\1\x85tRs",
          "a view of another"),
        V("U\1t" STORAGE "0" CALL "((U\7storagectorch\nHalfStorage\nU\1"
          "0U\3cpuK\6tQK\0K\6\x85K\1\x85tRs",
          "mentioned with two types"),
    };
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        blob b = {0};
        pw_begin(&b);
        blob_text(&b, "}");
        blob_add(&b, entries[i].bytes, entries[i].n);
        blob_text(&b, ".");
        refuse(&b, entries[i].says);
        blob_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_cut_at_every_byte),
        cmocka_unit_test(test_bombs),
        cmocka_unit_test(test_names_bomb),
        cmocka_unit_test(test_tensors),
        cmocka_unit_test(test_tensor_opcodes),
    };
    return cmocka_run_group_tests(tests, st_folder_make, st_folder_remove);
}
