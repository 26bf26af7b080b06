/* SPDX-License-Identifier: MIT */
/* Which devices there are, and which one is meant. */
#include "base/strbuf.h"
#include "ocl/cpu_tiles.h"
#include "ocl/device_class.h"
#include "ocl/ocl.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIMENSIONS_MAX = 16, NAMED_MAX = 3 };

/* cl_amd_device_attribute_query: the product's name, where CL_DEVICE_NAME is only the architecture's */
enum { DEVICE_BOARD_NAME_AMD = 0x4038 };

/* cl_intel_required_subgroup_size (a list), cl_nv_device_attribute_query, cl_amd_device_attribute_query (a number each) */
enum { SUB_GROUP_SIZES_INTEL = 0x4108, WARP_SIZE_NV = 0x4003, WAVEFRONT_WIDTH_AMD = 0x4043 };

static cl_int query(const ocl_device *d, cl_device_info what, void *value, size_t size)
{
    return clGetDeviceInfo(d->id, what, size, value, NULL);
}

/* Copies text without outer blanks, control characters and doubled blanks; what does not fit is cut. */
static void copy_stripped(char *out, size_t size, const char *text)
{
    size_t n = 0;
    for (; *text && n + 1 < size; text++) {
        bool blank = (unsigned char)*text <= ' ' || *text == 0x7f;
        if (!blank) out[n++] = *text;
        else if (n && out[n - 1] != ' ') out[n++] = ' ';
    }
    if (n && out[n - 1] == ' ') n--;
    out[n] = 0;
}

/* The whole string, to be freed; NULL on failure. id: a device, or NULL for the platform's. */
static char *text_query(cl_platform_id platform, cl_device_id id, cl_uint what)
{
    size_t size = 0;
    cl_int code = id ? clGetDeviceInfo(id, what, 0, NULL, &size) : clGetPlatformInfo(platform, what, 0, NULL, &size);
    if (code != CL_SUCCESS) return NULL;
    char *text = calloc(1, size + 1);
    if (!text) return NULL;
    code = id ? clGetDeviceInfo(id, what, size, text, NULL) : clGetPlatformInfo(platform, what, size, text, NULL);
    if (code == CL_SUCCESS) return text;
    free(text);
    return NULL;
}

static bool text_of(char *out, size_t size, cl_platform_id platform, cl_device_id id, cl_uint what)
{
    char *text = text_query(platform, id, what);
    if (text) copy_stripped(out, size, text);
    free(text);
    return text != NULL;
}

/* names: separated by blanks */
static bool has_word(const char *names, const char *word)
{
    size_t n = strlen(word);
    for (const char *s = names; (s = strstr(s, word)); s += n)
        if ((s == names || s[-1] == ' ') && (!s[n] || s[n] == ' ')) return true;
    return false;
}

bool ocl_device_lists(const ocl_device *d, const char *extension)
{
    char *extensions = text_query(d->platform, d->id, CL_DEVICE_EXTENSIONS);
    bool listed = extensions && has_word(extensions, extension);
    free(extensions);
    return listed;
}

/* "gfx1100" becomes "AMD Radeon RX 7900 XTX (gfx1100)". */
static void add_board_name(ocl_device *d)
{
    char board[160] = "", name[sizeof d->info.name];
    if (!text_of(board, sizeof board, d->platform, d->id, DEVICE_BOARD_NAME_AMD) || !*board) return;
    memcpy(name, d->info.name, sizeof name);
    snprintf(d->info.name, sizeof d->info.name, "%s (%.80s)", board, name);
}

/* False where the driver does not answer, or cannot compile: then there is no such device for us. */
static bool describe(ocl_device *d)
{
    sdcl_device *info = &d->info;
    cl_device_type type = 0;
    cl_bool available = CL_FALSE, compiler = CL_FALSE, unified = CL_FALSE;
    cl_ulong global = 0, alloc = 0, local = 0;
    size_t items[DIMENSIONS_MAX] = {0};
    cl_uint units = 0, clock = 0, lanes = 0;

    if (!text_of(info->name, sizeof info->name, d->platform, d->id, CL_DEVICE_NAME) ||
        !text_of(info->vendor, sizeof info->vendor, d->platform, d->id, CL_DEVICE_VENDOR) ||
        !text_of(info->driver, sizeof info->driver, d->platform, d->id, CL_DRIVER_VERSION) ||
        !text_of(info->version, sizeof info->version, d->platform, d->id, CL_DEVICE_VERSION) ||
        !text_of(info->platform, sizeof info->platform, d->platform, NULL, CL_PLATFORM_NAME) ||
        query(d, CL_DEVICE_TYPE, &type, sizeof type) || query(d, CL_DEVICE_AVAILABLE, &available, sizeof available) ||
        query(d, CL_DEVICE_COMPILER_AVAILABLE, &compiler, sizeof compiler) ||
        query(d, CL_DEVICE_MAX_COMPUTE_UNITS, &units, sizeof units) ||
        query(d, CL_DEVICE_GLOBAL_MEM_SIZE, &global, sizeof global) ||
        query(d, CL_DEVICE_MAX_MEM_ALLOC_SIZE, &alloc, sizeof alloc) ||
        query(d, CL_DEVICE_LOCAL_MEM_SIZE, &local, sizeof local) ||
        query(d, CL_DEVICE_MAX_WORK_GROUP_SIZE, &info->max_work_group, sizeof info->max_work_group) ||
        query(d, CL_DEVICE_MAX_WORK_ITEM_SIZES, items, sizeof items))
        return false;
    if (!available || !compiler) return false;
    if (query(d, CL_DEVICE_MAX_CLOCK_FREQUENCY, &clock, sizeof clock)) clock = 0;
    if (query(d, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, &lanes, sizeof lanes)) lanes = 1;
    if (query(d, CL_DEVICE_HOST_UNIFIED_MEMORY, &unified, sizeof unified)) unified = CL_FALSE;

    char *extensions = text_query(d->platform, d->id, CL_DEVICE_EXTENSIONS);
    if (!extensions) return false;
    info->has_fp16 = has_word(extensions, "cl_khr_fp16");
    info->has_subgroups = has_word(extensions, "cl_khr_subgroups") || has_word(extensions, "cl_intel_subgroups");
    if (has_word(extensions, "cl_amd_device_attribute_query")) add_board_name(d);
    free(extensions);

    snprintf(info->type, sizeof info->type, "%s",
             type & CL_DEVICE_TYPE_CPU   ? "cpu"
             : type & CL_DEVICE_TYPE_GPU ? "gpu"
                                         : "accelerator");
    d->cpu = device_wants_cpu_kernels(info);
    d->float_lanes = lanes >= 16 ? 16 : lanes >= 8 ? 8 : lanes >= 4 ? 4 : 1;
    info->compute_units = units;
    info->clock_mhz = clock;
    info->global_bytes = global;
    info->max_alloc_bytes = alloc;
    info->local_bytes = local;
    info->unified_memory = unified != CL_FALSE;
    memcpy(d->max_items, items, sizeof d->max_items);
    return true;
}

/* Appends a platform's devices. One that has none, or fails to say, is passed over. */
static int list_platform(cl_platform_id platform, ocl_device **list, int *count)
{
    int err = 0;
    cl_uint n = 0;
    cl_device_id *ids = NULL;
    if (clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, NULL, &n) != CL_SUCCESS || !n) return 0;
    ids = calloc(n, sizeof *ids);
    ocl_device *longer = realloc(*list, ((size_t)*count + n) * sizeof **list);
    if (longer) *list = longer;
    if (!ids || !longer) {
        err = FAIL(SDCL_ENOMEM, "out of memory listing devices");
        goto out;
    }
    if (clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, n, ids, NULL) != CL_SUCCESS) goto out;
    for (cl_uint i = 0; i < n; i++) {
        ocl_device d = {.platform = platform, .id = ids[i], .info.index = *count};
        if (describe(&d)) longer[(*count)++] = d;
    }
out:
    free(ids);
    return err;
}

int ocl_device_list(ocl_device **list, int *count)
{
    int err = 0;
    cl_uint n = 0;
    cl_platform_id *platforms = NULL;
    *list = NULL;
    *count = 0;
    cpu_tiles_request();
    cl_int code = clGetPlatformIDs(0, NULL, &n);
    if (code == -1001 || (code == CL_SUCCESS && !n)) return 0; /* the loader knows no driver */
    if (code != CL_SUCCESS) return ocl_fail(code, "clGetPlatformIDs", __FILE__, __LINE__);
    platforms = calloc(n, sizeof *platforms);
    if (!platforms) return FAIL(SDCL_ENOMEM, "out of memory listing devices");
    CL_TRY(clGetPlatformIDs(n, platforms, NULL));
    for (cl_uint i = 0; i < n; i++) TRY(list_platform(platforms[i], list, count));
out:
    free(platforms);
    if (err || !*count) {
        free(*list);
        *list = NULL;
        *count = 0;
    }
    return err;
}

/* Discrete GPUs, then those that share the host's memory, then CPUs, then the rest; units x clock within a class. */
static uint64_t rank(const ocl_device *d)
{
    const sdcl_device *info = &d->info;
    bool gpu = !strcmp(info->type, "gpu");
    uint64_t class = gpu ? (info->unified_memory ? 2 : 3) : !strcmp(info->type, "cpu");
    uint64_t speed = (uint64_t)info->compute_units * (info->clock_mhz ? info->clock_mhz : 1);
    return class << 56 | (speed >> 56 ? UINT64_MAX >> 8 : speed);
}

static bool named(const sdcl_device *info, const char *part)
{
    return *part &&
           (strcasestr(info->name, part) || strcasestr(info->vendor, part) || strcasestr(info->platform, part));
}

static int none_found(const ocl_device *list, int count, const char *want)
{
    strbuf text = {0};
    if (!count) {
        int err = FAIL(SDCL_EDEVICE, "no OpenCL device found");
        error_hint(
            "install an OpenCL driver: pocl-opencl-icd (any CPU), intel-opencl-icd, nvidia-opencl-icd, or for "
            "AMD rocm-opencl-icd "
            "or mesa-opencl-icd (then RUSTICL_ENABLE=radeonsi). PoCL has a device only where it can write its cache: "
            "$POCL_CACHE_DIR, else ~/.cache/pocl");
        return err;
    }
    for (int i = 0; i < count && i < NAMED_MAX; i++)
        strbuf_printf(&text, "\n  %d: %s (%s, %s)", i, list[i].info.name, list[i].info.type, list[i].info.platform);
    if (count > NAMED_MAX) strbuf_printf(&text, "\n  and %d more", count - NAMED_MAX);
    int err = FAIL(SDCL_EDEVICE, "no device '%.100s'; there %s:%s", want, count == 1 ? "is" : "are",
                   strbuf_text(&text));
    error_hint("--device takes an index or part of a name; 'sdcl devices' lists them");
    strbuf_free(&text);
    return err;
}

int ocl_device_choose(const ocl_device *list, int count, const char *want, int *index)
{
    bool number = want && *want && !want[strspn(want, "0123456789")];
    int best = -1;
    if (number) {
        errno = 0;
        unsigned long i = strtoul(want, NULL, 10);
        if (!errno && i < (unsigned long)count) best = (int)i;
    } else {
        for (int i = 0; i < count; i++)
            if ((!want || named(&list[i].info, want)) && (best < 0 || rank(&list[i]) > rank(&list[best]))) best = i;
    }
    if (best < 0) return none_found(list, count, want);
    *index = best;
    return 0;
}

void ocl_platform_version(const ocl_device *d, char *text, size_t size)
{
    if (!text_of(text, size, d->platform, NULL, CL_PLATFORM_VERSION)) *text = 0;
}

void ocl_language_version(const ocl_device *d, char *text, size_t size)
{
    if (!text_of(text, size, d->platform, d->id, CL_DEVICE_OPENCL_C_VERSION)) *text = 0;
}

int ocl_subgroup_sizes(const ocl_device *d, size_t *sizes, int most)
{
    int n = 0;
    cl_uint one = 0;
    size_t list[32], bytes = 0;
    char *extensions = text_query(d->platform, d->id, CL_DEVICE_EXTENSIONS);
    if (!extensions) return 0;
    if (has_word(extensions, "cl_intel_required_subgroup_size") &&
        !clGetDeviceInfo(d->id, SUB_GROUP_SIZES_INTEL, sizeof list, list, &bytes))
        for (; n < most && (size_t)n < bytes / sizeof *list; n++) sizes[n] = list[n];
    else if ((has_word(extensions, "cl_nv_device_attribute_query") && !query(d, WARP_SIZE_NV, &one, sizeof one)) ||
             (has_word(extensions, "cl_amd_device_attribute_query") &&
              !query(d, WAVEFRONT_WIDTH_AMD, &one, sizeof one)))
        if (most > 0 && one) sizes[n++] = one;
    free(extensions);
    return n;
}
