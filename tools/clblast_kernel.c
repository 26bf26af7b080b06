/* SPDX-License-Identifier: MIT */
/* Writes the program that CLBlast would compile for SGEMM on a device that is not here, with the parameters of CLBlast's own tuning database for it.
 *
 *   clblast_kernel AMD|NVIDIA|Intel TARGET > FILE.cl        TARGET: gfx1030, sm_86, or a device name
 *
 * CLBlast is asked to multiply on any device of this machine. What it then asks OpenCL about that device is answered here as the target's driver
 * would: this program's functions come before those of the OpenCL library. The first program source that it creates is the answer. */
#define CL_TARGET_OPENCL_VERSION 120
#include <clblast_c.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BOARD_NAME_AMD = 0x4038, COMPUTE_MAJOR_NV = 0x4000, COMPUTE_MINOR_NV = 0x4001, SIZE = 8 };

static const char *vendor, *target;
static bool pretend;

static cl_int answer(const void *value, size_t n, size_t size, void *out, size_t *needed)
{
    if (needed) *needed = n;
    if (out && size < n) return CL_INVALID_VALUE;
    if (out) memcpy(out, value, n);
    return CL_SUCCESS;
}

cl_int clGetDeviceInfo(cl_device_id id, cl_device_info what, size_t size, void *out, size_t *needed)
{
    cl_device_type type = CL_DEVICE_TYPE_GPU;
    const char *text = NULL;
    int sm = strncmp(target, "sm_", 3) ? 0 : atoi(target + 3);
    cl_uint major = (cl_uint)sm / 10, minor = (cl_uint)sm % 10;
    cl_int (*real)(cl_device_id, cl_device_info, size_t, void *, size_t *);
    if (pretend) switch (what) {
        case CL_DEVICE_TYPE: return answer(&type, sizeof type, size, out, needed);
        case COMPUTE_MAJOR_NV: return answer(&major, sizeof major, size, out, needed);
        case COMPUTE_MINOR_NV: return answer(&minor, sizeof minor, size, out, needed);
        case CL_DEVICE_NAME:
        case BOARD_NAME_AMD: text = target; break;
        case CL_DEVICE_VENDOR:
            text = !strcmp(vendor, "AMD")      ? "Advanced Micro Devices, Inc."
                   : !strcmp(vendor, "NVIDIA") ? "NVIDIA Corporation"
                                               : "Intel(R) Corporation";
            break;
        case CL_DEVICE_EXTENSIONS:
            text = !strcmp(vendor, "AMD")      ? "cl_amd_device_attribute_query"
                   : !strcmp(vendor, "NVIDIA") ? "cl_nv_device_attribute_query"
                                               : "cl_intel_subgroups";
            break;
        default: break;
        }
    if (text) return answer(text, strlen(text) + 1, size, out, needed);
    void *symbol = dlsym(RTLD_NEXT, "clGetDeviceInfo");
    memcpy(&real, &symbol, sizeof real);
    return real(id, what, size, out, needed);
}

cl_program clCreateProgramWithSource(cl_context context, cl_uint count, const char **strings, const size_t *lengths,
                                     cl_int *code)
{
    (void)context, (void)code;
    for (cl_uint i = 0; i < count; i++)
        fwrite(strings[i], 1, lengths && lengths[i] ? lengths[i] : strlen(strings[i]), stdout);
    exit(fflush(stdout) ? 1 : 0);
}

int main(int argc, char **argv)
{
    cl_platform_id platform;
    cl_device_id device;
    cl_int code = 0;
    if (argc != 3) return 2;
    vendor = argv[1];
    target = argv[2];
    if (clGetPlatformIDs(1, &platform, NULL) || clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &device, NULL)) {
        fputs("there is no OpenCL device to ask CLBlast with\n", stderr);
        return 1;
    }
    cl_context context = clCreateContext(NULL, 1, &device, NULL, NULL, &code);
    cl_command_queue queue = context ? clCreateCommandQueue(context, device, 0, &code) : NULL;
    cl_mem matrix = queue ? clCreateBuffer(context, CL_MEM_READ_WRITE, SIZE * SIZE * sizeof(float), NULL, &code) : NULL;
    if (!matrix) return 1;
    pretend = true;
    CLBlastStatusCode status = CLBlastSgemm(CLBlastLayoutRowMajor, CLBlastTransposeNo, CLBlastTransposeYes, SIZE, SIZE,
                                            SIZE, 1.0f, matrix, 0, SIZE, matrix, 0, SIZE, 0.0f, matrix, 0, SIZE, &queue,
                                            NULL);
    fprintf(stderr, "CLBlast made no program (status %d)\n", (int)status);
    return 1;
}
