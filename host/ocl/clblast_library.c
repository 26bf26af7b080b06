/* SPDX-License-Identifier: MIT */
#include "ocl/clblast_library.h"

#include "base/error.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

static const char file[] = "libclblast.so.1";

static const struct {
    const char *name;
    size_t at;
} functions[] = {{"CLBlastSgemm", offsetof(clblast_library, sgemm)},
                 {"CLBlastSgemmWithTempBuffer", offsetof(clblast_library, sgemm_with_temporary)},
                 {"CLBlastSGemmTempBufferSize", offsetof(clblast_library, sgemm_temporary_bytes)},
                 {"CLBlastHgemm", offsetof(clblast_library, hgemm)},
                 {"CLBlastHgemmWithTempBuffer", offsetof(clblast_library, hgemm_with_temporary)},
                 {"CLBlastHGemmTempBufferSize", offsetof(clblast_library, hgemm_temporary_bytes)},
                 {"CLBlastOverrideParameters", offsetof(clblast_library, override_parameters)},
                 {"CLBlastClearCache", offsetof(clblast_library, clear_cache)}};

static int refuse(const char *why)
{
    int err = FAIL(SDCL_EDEVICE, "CLBlast cannot be loaded: %s", why ? why : file);
    error_hint("install libclblast1, or use sdcl's own kernels: --set gemm.impl=auto");
    return err;
}

int clblast_library_load(clblast_library *l)
{
    if (l->sgemm) return 0;
    clblast_library found;
    void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (!handle) return refuse(dlerror());
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        void *function = dlsym(handle, functions[i].name);
        if (!function) {
            int err = refuse(dlerror());
            dlclose(handle);
            return err;
        }
        memcpy((char *)&found + functions[i].at, &function, sizeof function);
    }
    *l = found;
    return 0;
}
