/* SPDX-License-Identifier: MIT */
/* OpenCL errors by name, and what they amount to. */
#include "ocl/ocl.h"

#include <string.h>

/* name without CL_, code: OpenCL 1.2 to 3.0 and the loader's own. Numbers, because cl.h hides the later names from a 1.2 host. */
#define OCL_ERRORS(E)                                                                                                  \
    E(SUCCESS, 0)                                                                                                      \
    E(DEVICE_NOT_FOUND, -1)                                                                                            \
    E(DEVICE_NOT_AVAILABLE, -2)                                                                                        \
    E(COMPILER_NOT_AVAILABLE, -3)                                                                                      \
    E(MEM_OBJECT_ALLOCATION_FAILURE, -4)                                                                               \
    E(OUT_OF_RESOURCES, -5)                                                                                            \
    E(OUT_OF_HOST_MEMORY, -6)                                                                                          \
    E(PROFILING_INFO_NOT_AVAILABLE, -7)                                                                                \
    E(MEM_COPY_OVERLAP, -8)                                                                                            \
    E(IMAGE_FORMAT_MISMATCH, -9)                                                                                       \
    E(IMAGE_FORMAT_NOT_SUPPORTED, -10)                                                                                 \
    E(BUILD_PROGRAM_FAILURE, -11)                                                                                      \
    E(MAP_FAILURE, -12)                                                                                                \
    E(MISALIGNED_SUB_BUFFER_OFFSET, -13)                                                                               \
    E(EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST, -14)                                                                  \
    E(COMPILE_PROGRAM_FAILURE, -15)                                                                                    \
    E(LINKER_NOT_AVAILABLE, -16)                                                                                       \
    E(LINK_PROGRAM_FAILURE, -17)                                                                                       \
    E(DEVICE_PARTITION_FAILED, -18)                                                                                    \
    E(KERNEL_ARG_INFO_NOT_AVAILABLE, -19)                                                                              \
    E(INVALID_VALUE, -30)                                                                                              \
    E(INVALID_DEVICE_TYPE, -31)                                                                                        \
    E(INVALID_PLATFORM, -32)                                                                                           \
    E(INVALID_DEVICE, -33)                                                                                             \
    E(INVALID_CONTEXT, -34)                                                                                            \
    E(INVALID_QUEUE_PROPERTIES, -35)                                                                                   \
    E(INVALID_COMMAND_QUEUE, -36)                                                                                      \
    E(INVALID_HOST_PTR, -37)                                                                                           \
    E(INVALID_MEM_OBJECT, -38)                                                                                         \
    E(INVALID_IMAGE_FORMAT_DESCRIPTOR, -39)                                                                            \
    E(INVALID_IMAGE_SIZE, -40)                                                                                         \
    E(INVALID_SAMPLER, -41)                                                                                            \
    E(INVALID_BINARY, -42)                                                                                             \
    E(INVALID_BUILD_OPTIONS, -43)                                                                                      \
    E(INVALID_PROGRAM, -44)                                                                                            \
    E(INVALID_PROGRAM_EXECUTABLE, -45)                                                                                 \
    E(INVALID_KERNEL_NAME, -46)                                                                                        \
    E(INVALID_KERNEL_DEFINITION, -47)                                                                                  \
    E(INVALID_KERNEL, -48)                                                                                             \
    E(INVALID_ARG_INDEX, -49)                                                                                          \
    E(INVALID_ARG_VALUE, -50)                                                                                          \
    E(INVALID_ARG_SIZE, -51)                                                                                           \
    E(INVALID_KERNEL_ARGS, -52)                                                                                        \
    E(INVALID_WORK_DIMENSION, -53)                                                                                     \
    E(INVALID_WORK_GROUP_SIZE, -54)                                                                                    \
    E(INVALID_WORK_ITEM_SIZE, -55)                                                                                     \
    E(INVALID_GLOBAL_OFFSET, -56)                                                                                      \
    E(INVALID_EVENT_WAIT_LIST, -57)                                                                                    \
    E(INVALID_EVENT, -58)                                                                                              \
    E(INVALID_OPERATION, -59)                                                                                          \
    E(INVALID_GL_OBJECT, -60)                                                                                          \
    E(INVALID_BUFFER_SIZE, -61)                                                                                        \
    E(INVALID_MIP_LEVEL, -62)                                                                                          \
    E(INVALID_GLOBAL_WORK_SIZE, -63)                                                                                   \
    E(INVALID_PROPERTY, -64)                                                                                           \
    E(INVALID_IMAGE_DESCRIPTOR, -65)                                                                                   \
    E(INVALID_COMPILER_OPTIONS, -66)                                                                                   \
    E(INVALID_LINKER_OPTIONS, -67)                                                                                     \
    E(INVALID_DEVICE_PARTITION_COUNT, -68)                                                                             \
    E(INVALID_PIPE_SIZE, -69)                                                                                          \
    E(INVALID_DEVICE_QUEUE, -70)                                                                                       \
    E(INVALID_SPEC_ID, -71)                                                                                            \
    E(MAX_SIZE_RESTRICTION_EXCEEDED, -72)                                                                              \
    E(PLATFORM_NOT_FOUND_KHR, -1001)                                                                                   \
    E(CONTEXT_TERMINATED_KHR, -1121)

const char *ocl_error_name(cl_int code)
{
    switch (code) {
#define ERROR_CASE(name, value)                                                                                        \
    case value: return "CL_" #name;
        OCL_ERRORS(ERROR_CASE)
#undef ERROR_CASE
    default: return "unknown OpenCL error";
    }
}

int ocl_fail(cl_int code, const char *call, const char *file, int line)
{
    bool memory = code == CL_MEM_OBJECT_ALLOCATION_FAILURE || code == CL_OUT_OF_RESOURCES ||
                  code == CL_OUT_OF_HOST_MEMORY;
    int err = error_set(memory ? SDCL_ENOMEM : SDCL_EDEVICE, file, line, "%.*s: %s (%d)", (int)strcspn(call, "("), call,
                        ocl_error_name(code), (int)code);
    if (memory) error_hint("smaller or fewer pictures at a time need less memory: --width, --height, --batch");
    return err;
}
