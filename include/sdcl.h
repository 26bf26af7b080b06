/* SPDX-License-Identifier: MIT */
/* sdcl: Stable Diffusion v1 on any OpenCL device. This header is the whole public interface.
 *
 * Conventions. Every function that can fail returns 0 or a negative sdcl_status; sdcl_last_error() then holds the calling
 * thread's message and, where there is one, a hint. Strings are UTF-8. Handles are opaque; close functions take a pointer to
 * the handle, accept null and clear it. Parameter structs are filled by their _init function first, so that fields added
 * later keep their meaning. The library never exits and never writes to stdout or stderr: what it has to say while it
 * works goes to the callbacks of sdcl_params. */
#ifndef SDCL_H
#define SDCL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SDCL_VERSION "0.1.0"

/* name, value, exit code of the program, meaning */
#define SDCL_STATUS(S)                                                                                                 \
    S(SDCL_EINTERNAL, -1, 1, "internal error")                                                                         \
    S(SDCL_EUSAGE, -2, 2, "wrong usage or configuration")                                                              \
    S(SDCL_EMODEL, -3, 3, "model refused")                                                                             \
    S(SDCL_EDEVICE, -4, 4, "no device, or the device failed")                                                          \
    S(SDCL_ENOMEM, -5, 5, "out of memory")                                                                             \
    S(SDCL_ERESULT, -6, 6, "wrong result")                                                                             \
    S(SDCL_EOUTPUT, -7, 7, "output failed")                                                                            \
    S(SDCL_EPARTIAL, -8, 8, "part of a batch failed")                                                                  \
    S(SDCL_EINTERRUPTED, -9, 130, "interrupted")

typedef enum sdcl_status {
    SDCL_OK = 0,
#define SDCL_STATUS_ENUM(name, value, exit_code, text) name = value,
    SDCL_STATUS(SDCL_STATUS_ENUM)
#undef SDCL_STATUS_ENUM
} sdcl_status;

/* The message and the hint ("" when there is none) of the calling thread's last failure; valid until its next one. */
const char *sdcl_last_error(void);
const char *sdcl_last_hint(void);
/* The exit code of the program for a status; 0 for SDCL_OK. */
int sdcl_exit_code(int status);

/* --- devices --------------------------------------------------------------------------------------------------------- */

typedef struct sdcl_device {
    int index;
    char name[256], vendor[128], driver[128], platform[128], version[128];
    char type[16]; /* "gpu", "cpu", "accelerator" */
    unsigned compute_units, clock_mhz;
    uint64_t global_bytes, max_alloc_bytes, local_bytes;
    size_t max_work_group;
    int has_fp16, has_subgroups, unified_memory;
} sdcl_device;

/* All OpenCL devices of the machine, in the order that --device counts; *list is freed with sdcl_free. No device: *count = 0. */
int sdcl_devices(sdcl_device **list, int *count);
void sdcl_free(void *memory);

/* What a device says of itself, and what was tried out on it. */
typedef struct sdcl_capabilities {
    char platform_version[128], language[128]; /* of OpenCL C */
    char kernels[8];                           /* which of sdcl's kernels it gets: "cpu", "gpu" */
    size_t max_work_items[3], group_multiple;  /* group_multiple: 0: unknown */
    int vector_floats;                         /* of its own vectors; 1: work-items are the lanes */
    int half_storage, half_arithmetic; /* a kernel computed rightly with halves in memory; with halves in registers */
    int subgroup_size_count;
    size_t subgroup_sizes[8];
    int subgroup_exchange_count; /* of how many work-items in a row a kernel exchanged values rightly within a sub-group: 4, 8, 16, 32 */
    size_t subgroup_exchange[4];
    /* Matrix engines. CPU: "avx512_bf16", "amx_bf16"; GPU, for f16: "mma", "mma_k8", "wmma", "mfma", "dpas8", "dpas16" (configs: [gemm_matrix_gpu] ENGINE). */
    int matrix_offered_count; /* what the device's own answers promise */
    char matrix_offered[4][16];
    int matrix_count; /* of them, those that gave the right sums */
    char matrix[4][16];
    double matrix_speed[4]; /* of each of those: times as fast as the kernel without; 0 unknown */
    char matrix_best[16];   /* which is chosen; "" where there is none, or where none is clearly faster */
    int config_count; /* files of configs/ that are for it, general ones first; then the one that sdcl_tune wrote */
    char configs[4][256];
} sdcl_capabilities;

/* Opens the device of that index, compiles and runs a few small kernels: some tenths of a second, more where nothing is in a compiler's cache. */
int sdcl_probe(int index, sdcl_capabilities *c);

/* --- configuration ----------------------------------------------------------------------------------------------------- */

/* Called once per key, in section order; key NULL: sdcl_config_for. origin is a file name with line, "built-in default" or "--set". */
typedef void sdcl_config_fn(void *user, const char *section, const char *key, const char *value, const char *origin);

/* --- sessions ---------------------------------------------------------------------------------------------------------- */

typedef enum sdcl_level { SDCL_INFO, SDCL_WARNING, SDCL_VERBOSE } sdcl_level;

/* What a long operation is doing. step: how many of the stage's steps are done; steps = 0: length unknown. */
typedef struct sdcl_progress {
    const char *
        stage; /* "compile" where kernels are not in the driver's cache, before or after "load"; "text", "unet", "vae" */
    int step, steps;
    double seconds;    /* since the stage began */
    int image, images; /* pictures finished, pictures of the job */
} sdcl_progress;

typedef struct sdcl_params {
    const char *model; /* folder or file; NULL: $SDCL_MODEL, else the pocket model beside the program or library */
    int random_model;  /* instead of a file: the sizes of SD v1 with seeded random f16 weights, made in memory */
    const char *model_config; /* folder with configs and tokenizer for a single file that is not SD v1; or NULL */
    const char *vae;          /* folder or file of a VAE in place of the model's own; or NULL */
    const char *ema;          /* "auto", "on", "off": which weights, where a checkpoint has two sets; NULL: auto */
    const char *device;       /* index or part of a name; NULL: best GPU, else CPU */
    const char *precision;    /* "auto", "f32", "f16", "bf16"; NULL: auto */
    const char *config_file;  /* INI overlay or NULL */
    const char *const *set;   /* "section.key=value" strings */
    int set_count;
    int memory_mib; /* of the device, for weights, activations, inputs and outputs; 0: what is free. Where a job needs more, text encoder, UNet and VAE
                              are loaded in turn: slower, the same pictures */
    int vae_tile; /* rows of the latent, 8 pixels each, that the last levels of the VAE decode at a time: the same picture in two thirds of the memory or
                     less, for about twice the work. 0: all at once where that fits, else the most that do; -1: always all at once */
    int profile;  /* collect per-step times; see sdcl_profile */
    int no_selftest; /* kernels that are new on a device are not compared with the references first; also $SDCL_SELFTEST=0 */
    void (*log)(void *user, sdcl_level level, const char *message);
    void (*progress)(void *user, const sdcl_progress *p);
    int (*cancelled)(void *user); /* non-zero: stop soon with SDCL_EINTERRUPTED */
    void *user;
} sdcl_params;

void sdcl_params_init(sdcl_params *p);

typedef struct sdcl sdcl;

/* Opens the device and the model: reads configs and tokenizer, checks that every tensor is there with the right shape.
 * Weights are read when the first job needs them. */
int sdcl_open(sdcl **s, const sdcl_params *p);
void sdcl_close(sdcl **s);

/* The session's device; the model's path. Valid until sdcl_close. */
const sdcl_device *sdcl_session_device(const sdcl *s);
const char *sdcl_session_model(const sdcl *s);
/* First ten hex digits of the SHA-256 of the UNet's weight file, as A1111 writes it; computed at the first call. "" on failure. */
const char *sdcl_session_model_hash(sdcl *s);
/* The same of a VAE in place of the model's own: its path, NULL without one, and the hash of its weight file. */
const char *sdcl_session_vae(const sdcl *s);
const char *sdcl_session_vae_hash(sdcl *s);

/* --- jobs -------------------------------------------------------------------------------------------------------------- */

typedef enum sdcl_compat { SDCL_COMPAT_NONE, SDCL_COMPAT_DIFFUSERS } sdcl_compat;

typedef struct sdcl_job {
    const char *prompt, *negative; /* never NULL; "" is valid */
    int width, height;             /* pixels, multiples of 8; 0: the model's own size */
    int steps;                     /* 0: 20, or 50 under compat */
    double cfg_scale;              /* <= 1: the conditional half alone */
    const uint64_t *seeds;         /* one per picture; pictures with the same size and settings run as batches */
    int count;                     /* pictures; under SDCL_COMPAT_DIFFUSERS the batch is one stream of seeds[0] */
    const char *sampler;           /* NULL: dpmpp_2m, or the model's own scheduler under compat */
    const char *schedule;          /* NULL: karras for dpmpp_2m, else default */
    double eta;                    /* 0 for samplers without it */
    int eta_set;
    sdcl_compat compat;
    const char *dump; /* folder for .npy files of every stage, or NULL */
    int last; /* no other job follows: where the pictures are one batch, weights and activations are given back after their last use, unless all of them are a
                 few MiB. A job that follows all the same reads weights again */
} sdcl_job;

void sdcl_job_init(sdcl_job *j);

/* Checks a job against the session's model without running it, and fills in what was left open (size, steps, sampler, schedule). */
int sdcl_job_resolve(sdcl *s, sdcl_job *j);

typedef struct sdcl_image {
    int width, height;
    int index, count; /* of the job: index < count, the first is 0 */
    uint64_t seed;
    const unsigned char *rgb; /* height x width x 3 */
    const char *sampler, *schedule, *precision;
    int steps;
    double cfg_scale;
    double seconds_load, seconds_text, seconds_unet, seconds_vae, seconds_total; /* of the batch it came from */
    uint64_t peak_device_bytes;
    int nan_retries; /* stages that were not finite at the precision asked for and were computed again in f32: after sampling everything is,
                        and `precision` is "f32"; after decoding it is the decoder alone, and `precision` stays as asked for */
} sdcl_image;

/* Called for each finished picture, in order; rgb is valid during the call. A negative return stops the job with that status. */
typedef int sdcl_image_fn(void *user, const sdcl_image *image);

/* A picture that is not finite in f32 either, or for which f32 needs more memory than there is, is left out, with a warning; at the end the job is
   SDCL_EPARTIAL, or SDCL_ERESULT where no picture came out. */
int sdcl_generate(sdcl *s, const sdcl_job *j, sdcl_image_fn *each, void *user);

typedef struct sdcl_memory { /* bytes, before anything is allocated */
    uint64_t text_weights, text_arena, unet_weights, unet_arena, vae_weights, vae_arena, io, peak;
    uint64_t budget; /* above it, phases are swapped */
    int vae_tile;    /* what sdcl_params.vae_tile came to; 0: all at once */
    int swapped; /* 1: one phase's weights and arena at a time. 0: all weights, and one arena as large as the largest; in the last job (sdcl_job.last) of one
                    batch, unless that is a few MiB, all weights at first, and then those of this phase and later ones with its arena */
} sdcl_memory;

int sdcl_dry_run(sdcl *s, const sdcl_job *j, sdcl_memory *m);

/* Every section and key in force on the session's device. */
int sdcl_config(sdcl *s, sdcl_config_fn *each, void *user);
/* The same without a session; needs no model. Before the keys of a section whose values the device cannot run each is called with NULL for the key, the reason
 * for the value, and where the last of the values comes from; SDCL_EUSAGE, when all have been listed, where plans ask for the section. device: NULL for that
 * of the parameters, else vendor and name of one that need not be here, as drivers report them ("NVIDIA GeForce RTX 3060", "AMD gfx1100"), or "cpu".
 * `log` of the parameters gets the name of the device with the files that are for it at SDCL_INFO. */
int sdcl_config_for(const sdcl_params *p, const char *device, sdcl_config_fn *each, void *user);

/* What one kernel has done for one module ("unet.mid_block.resnets.0.conv1"). An op may take several kernels. */
typedef struct sdcl_profile_row {
    const char *module, *op, *impl, *kernel; /* op and impl are "" outside of the networks, while weights are loaded */
    int calls;
    double milliseconds; /* on the device */
    double gflop;        /* of the op, on its first kernel; 0 where no products are counted */
} sdcl_profile_row;

/* Rows, longest first, since the session began, or since the warm-up of its last benchmark. *seconds: how long text encoding, sampling
 * and decoding took meanwhile by the clock. Needs sdcl_params.profile. */
typedef void sdcl_profile_fn(void *user, const sdcl_profile_row *row);
int sdcl_profile(sdcl *s, sdcl_profile_fn *each, void *user, double *seconds);

/* --- benchmarks -------------------------------------------------------------------------------------------------------- */

typedef struct sdcl_bench_phase {
    double median_s, min_s; /* of the runs after the first */
    double gflop;           /* of one run */
} sdcl_bench_phase;

typedef struct sdcl_bench {
    int width, height, batch, steps; /* as resolved; steps: runs that count */
    const char *precision;
    double load_s;                              /* plans, weights, kernels */
    sdcl_bench_phase text;                      /* both prompts, and what of the UNet depends on them alone */
    sdcl_bench_phase unet;                      /* one step of guided sampling, of all pictures of the batch */
    sdcl_bench_phase vae;                       /* decoding one picture */
    double peak_gflops;                         /* what the device's multipliers do at best, measured */
    uint64_t peak_device_bytes, peak_rss_bytes; /* of the session; of the process */
} sdcl_bench;

/* Times the phases of a guided job: its width, height, count (pictures that go through the UNet together) and steps (runs that are timed, after one that is
 * not; 0: 3). The rest of the job is left alone. */
int sdcl_bench_model(sdcl *s, const sdcl_job *j, sdcl_bench *result);

/* An op at one of the shapes that the plans of a job have: compared with a plain reference, then timed alone. */
typedef struct sdcl_bench_op {
    const char *op, *impl, *shape, *weights; /* weights: how they are stored, "F16" or "F32" */
    int count;           /* steps of this kind in text encoder, one UNet step and one decoding together */
    double ms;           /* median of one; 0: not timed */
    double gflop, gbyte; /* of one: what the mathematics asks for; read and written at least */
    double share;        /* of the measured peak: of multiply-adds where products are counted, else of copying */
    double nmse;         /* against the reference */
    const char *why;     /* it failed; or NULL */
} sdcl_bench_op;

typedef struct sdcl_bench_peaks {
    double gflops, gbytes; /* a second: multiply-adds in f32; copying from buffer to buffer, read and written */
} sdcl_bench_peaks;

/* Called once per op and shape, those that cost most products first. */
typedef void sdcl_bench_op_fn(void *user, const sdcl_bench_op *op, const sdcl_bench_peaks *peaks);
/* Width, height and count of the job, as above; steps: runs of each (0: three, or as many as 0.2 s take). SDCL_ERESULT at the end if an op
   disagrees with its reference. */
int sdcl_bench_ops(sdcl *s, const sdcl_job *j, sdcl_bench_op_fn *each, void *user);

/* --- self-test ---------------------------------------------------------------------------------------------------------- */

typedef struct sdcl_selftest_row {
    const char *op, *impl, *precision; /* op "picture": the pocket model's known picture */
    int cases, failed;
    double nmse;     /* the worst, against a reference in double precision */
    double psnr;     /* of the picture: dB against the stored one, 99 where they are equal */
    double seconds;  /* the reference included */
    const char *why; /* the first failure, or "" */
} sdcl_selftest_row;

typedef void sdcl_selftest_fn(void *user, const sdcl_selftest_row *row);

/* Every op on the implementation that the configuration chooses on the device, in both storage types, against plain C references; then a known picture.
 * Rows come as they are finished. model and model_config of p do not count. SDCL_ERESULT: something is wrong. */
int sdcl_selftest(const sdcl_params *p, sdcl_selftest_fn *each, void *user);

/* --- tuning ------------------------------------------------------------------------------------------------------------ */

/* How a search stands. Texts are valid during the call. */
typedef struct sdcl_tune_progress {
    const char *what;         /* "gemm 2x4096x320 k=320 f32" */
    const char *values;       /* that are being tried */
    double best_ms, first_ms; /* of this step; with the values in force; 0: not known yet */
    double image_s, first_s;  /* of a picture: the same, summed over all steps that were measured */
    int tried, rejected;      /* candidates so far */
    double seconds_left;
} sdcl_tune_progress;

typedef struct sdcl_tune_job {
    const char *shapes;   /* "sd15", "pocket", or a file of shapes; NULL: those of the model in the parameters */
    int width, height;    /* of a picture; 0: the model's own */
    const char *only;     /* "gemm,conv3x3"; NULL: every op */
    const char *strategy; /* "guided", "random", "full"; NULL: guided */
    double budget;        /* seconds of search */
    int tries;            /* candidates, after which the search ends too; 0: as many as the budget allows */
    double timeout;       /* seconds that one candidate may take */
    int resume;           /* what the records hold counts */
    const char *records;  /* file of JSON lines; NULL: one beside the tuned file */
    const char *output;   /* INI file; NULL: where the device's tuned file is looked for */
    const char *report;   /* folder for a page; NULL: none */
    const char *const *
        worker; /* command that calls sdcl_tune_worker(0, 1): candidates may crash or hang, and run in processes of their own; NULL ends it */
    void (*progress)(void *user, const sdcl_tune_progress *p);
} sdcl_tune_job;

typedef struct sdcl_tune_result {
    int keys, tried, rejected;
    double before_s,
        after_s; /* seconds a picture of 20 steps, the values in force (0: it fails with them) and the new ones, in turn */
    double peak_gflops, copy_gbs;
    double psnr; /* where the new values are faster: of a picture with them, dB against that of the old ones */
    int written; /* the new ones are faster and make the same picture, and are in `path` */
    int refused; /* they are faster, but make another one */
    char path[4096];
} sdcl_tune_result;

void sdcl_tune_job_init(sdcl_tune_job *j);

/* Searches for faster values: every candidate is verified before it is timed, and the result is written only where a whole picture is faster with it.
 * The callbacks of the parameters are used. */
int sdcl_tune(const sdcl_params *p, const sdcl_tune_job *j, sdcl_tune_result *result);

/* What a worker process does: one request from descriptor in, one reply to descriptor out. */
int sdcl_tune_worker(int in, int out);

/* --- files ------------------------------------------------------------------------------------------------------------- */

typedef struct sdcl_model_part {
    char name[32];  /* "text_encoder", "unet", "vae" */
    char dtype[16]; /* "F16", "F32", "mixed" ... */
    uint64_t parameters, bytes;
    int tensors;
} sdcl_model_part;

typedef struct sdcl_model_info {
    char type[64];   /* "Stable Diffusion v1", "Stable Diffusion v1 inpainting", ... */
    char format[32]; /* "diffusers folder", "single file" */
    int part_count;
    sdcl_model_part parts[3];
    int size; /* default picture size in pixels */
    char prediction[32];
    char scheduler[64];
    char ema[16]; /* a second set of UNet weights, their moving average: "none", "unused", "used" */
} sdcl_model_info;

/* Opens a model as sdcl_open would, without a device: p's model (which must be given), model_config, vae and ema. Refuses what sdcl_open
 * refuses (SDCL_EMODEL), missing or misshapen tensors listed in the message; checksums of .ckpt files are compared. */
int sdcl_inspect(const sdcl_params *p, sdcl_model_info *info);

/* Writes a PNG into a temporary file beside path and renames it. text: A1111 "parameters" or NULL. force: replace an existing file. */
int sdcl_png_write(const char *path, const unsigned char *rgb, int width, int height, const char *text, int force);
/* The same to an open file descriptor. */
int sdcl_png_write_fd(int fd, const unsigned char *rgb, int width, int height, const char *text);
/* The text chunks of a PNG, in file order. */
int sdcl_png_text(const char *path, void (*each)(void *user, const char *key, const char *value), void *user);

/* Sampler and schedule names, and A1111's spelling of them; NULL past the end. */
const char *sdcl_sampler_name(int i);
const char *sdcl_sampler_a1111(const char *sampler);
/* The name of a sampler given in either spelling, NULL for an unknown one; "DPM++ 2M Karras" also sets *schedule to "karras",
 * other names leave it alone. */
const char *sdcl_sampler_canonical(const char *any, const char **schedule);
const char *sdcl_schedule_name(int i);
const char *sdcl_schedule_a1111(const char *schedule);

#ifdef __cplusplus
}
#endif
#endif
