/* SPDX-License-Identifier: MIT */
#include "io/pickle_globals.h"

#include <stdbool.h>
#include <string.h>

static const pickle_global list[] = {
    {"collections", "OrderedDict", .role = ROLE_DICT},
    {"collections", "defaultdict", .role = ROLE_DICT},

    {"torch._utils", "_rebuild_tensor", .role = ROLE_TENSOR},
    {"torch._utils", "_rebuild_tensor_v2", .role = ROLE_TENSOR},
    {"torch._utils", "_rebuild_parameter", .role = ROLE_PARAMETER},
    {"torch._utils", "_rebuild_parameter_with_state", .role = ROLE_PARAMETER},

    {"torch", "DoubleStorage", ROLE_STORAGE, FILE_F64},
    {"torch", "FloatStorage", ROLE_STORAGE, FILE_F32},
    {"torch", "HalfStorage", ROLE_STORAGE, FILE_F16},
    {"torch", "BFloat16Storage", ROLE_STORAGE, FILE_BF16},
    {"torch", "LongStorage", ROLE_STORAGE, FILE_I64},
    {"torch", "IntStorage", ROLE_STORAGE, FILE_I32},
    {"torch", "ShortStorage", ROLE_STORAGE, FILE_I16},
    {"torch", "CharStorage", ROLE_STORAGE, FILE_I8},
    {"torch", "ByteStorage", ROLE_STORAGE, FILE_U8},
    {"torch", "BoolStorage", ROLE_STORAGE, FILE_BOOL},

    /* PyTorch Lightning's callbacks, schedules in NumPy scalars, optimizers */
    {"pytorch_lightning.callbacks", "model_checkpoint", .role = ROLE_INERT},
    {"pytorch_lightning.callbacks.model_checkpoint", "ModelCheckpoint", .role = ROLE_INERT},
    {"numpy", "dtype", .role = ROLE_INERT},
    {"numpy", "ndarray", .role = ROLE_INERT},
    {"numpy.core.multiarray", "scalar", .role = ROLE_INERT},
    {"numpy.core.multiarray", "_reconstruct", .role = ROLE_INERT},
    {"numpy._core.multiarray", "scalar", .role = ROLE_INERT},
    {"numpy._core.multiarray", "_reconstruct", .role = ROLE_INERT},
    {"numpy.core.numeric", "_frombuffer", .role = ROLE_INERT},
    {"numpy._core.numeric", "_frombuffer", .role = ROLE_INERT},
    {"_codecs", "encode", .role = ROLE_INERT}, /* how protocol 2 writes bytes */
    {"torch", "Size", .role = ROLE_INERT},
    {"torch", "device", .role = ROLE_INERT},
    {"torch", "float64", .role = ROLE_INERT},
    {"torch", "float32", .role = ROLE_INERT},
    {"torch", "float16", .role = ROLE_INERT},
    {"torch", "bfloat16", .role = ROLE_INERT},
    {"torch", "int64", .role = ROLE_INERT},
    {"torch", "int32", .role = ROLE_INERT},
    {"torch._utils", "_rebuild_device_tensor_from_numpy", .role = ROLE_INERT},
    {"torch.nn.modules.container", "ParameterDict", .role = ROLE_INERT},
    {"__builtin__", "set", .role = ROLE_INERT},
    {"__builtin__", "frozenset", .role = ROLE_INERT},
    {"__builtin__", "dict", .role = ROLE_INERT}, /* of a defaultdict */
    {"__builtin__", "list", .role = ROLE_INERT},
    {"__builtin__", "complex", .role = ROLE_INERT},
    {"__builtin__", "xrange", .role = ROLE_INERT},
    {"__builtin__", "slice", .role = ROLE_INERT},
    {"__builtin__", "bytearray", .role = ROLE_INERT},
    {"builtins", "set", .role = ROLE_INERT},
    {"builtins", "frozenset", .role = ROLE_INERT},
    {"builtins", "dict", .role = ROLE_INERT},
    {"builtins", "list", .role = ROLE_INERT},
    {"builtins", "complex", .role = ROLE_INERT},
    {"builtins", "range", .role = ROLE_INERT},
    {"builtins", "slice", .role = ROLE_INERT},
    {"builtins", "bytearray", .role = ROLE_INERT},
};

static bool same(const char *word, const char *text, size_t n) { return strlen(word) == n && !memcmp(word, text, n); }

const pickle_global *pickle_global_find(const char *module, size_t module_bytes, const char *name, size_t name_bytes)
{
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
        if (same(list[i].module, module, module_bytes) && same(list[i].name, name, name_bytes)) return &list[i];
    return NULL;
}
