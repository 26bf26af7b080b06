/* SPDX-License-Identifier: MIT */
/* Every verb and every option, in the order of --help. */
#include "cli/options.h"

const verb verbs[VERB_COUNT] = {
    [VERB_GEN] = {"gen", NULL, "make pictures; the verb may be left out"},
    [VERB_DEVICES] = {"devices", NULL, "list the OpenCL devices; --json: and what they can do"},
    [VERB_INSPECT] = {"inspect", "MODEL", "say what a model is, or what is wrong with it"},
    [VERB_INFO] = {"info", "IMG.png", "print the text stored in a PNG"},
    [VERB_CONFIG] = {"config", NULL, "print the configuration in force, and what of it cannot run"},
    [VERB_BENCH] = {"bench", "model|ops", "time a model's phases, or every op at its shapes"},
    [VERB_TUNE] = {"tune", NULL, "search for values with which a picture is faster"},
    [VERB_SELFTEST] = {"selftest", NULL, "compare every op with a reference on the device, then a picture"},
};

static const char later_samplers[] =
    "heun|lms|dpm2|dpm2_a|dpmpp_2m_sde|dpmpp_3m|dpmpp_3m_sde|dpmpp_sde|dpmpp_2s|dpmpp_2s_a|"
    "ddpm|unipc|deis|lcm|tcd|dpm_fast|dpm_adaptive|restart";

enum {
    GEN = 1 << VERB_GEN,
    DEVICES = 1 << VERB_DEVICES,
    INSPECT = 1 << VERB_INSPECT,
    INFO = 1 << VERB_INFO,
    CONFIG = 1 << VERB_CONFIG,
    BENCH = 1 << VERB_BENCH,
    SELFTEST = 1 << VERB_SELFTEST,
    TUNE = 1 << VERB_TUNE,
    ALL = GEN | DEVICES | INSPECT | INFO | CONFIG | BENCH | SELFTEST | TUNE
};

#define AT(field) .offset = offsetof(options, field)

const option option_table[] = {
    {"prompt", 'p', OPTION_TEXT, "TEXT", GEN, AT(job.prompt), .help = "what to draw; - reads it from standard input"},
    {"negative", 'n', OPTION_TEXT, "TEXT", GEN, AT(job.negative), .help = "what to keep out of the picture"},
    {"model", 'm', OPTION_TEXT, "DIR|FILE", GEN | BENCH | TUNE, AT(params.model),
     .help = "diffusers folder, or .safetensors or .ckpt file (default: $SDCL_MODEL, else the small model that comes "
             "with sdcl; "
             "bench: random weights of the size of SD v1)"},
    {"model-config", 0, OPTION_TEXT, "DIR", GEN | INSPECT | BENCH | TUNE, AT(params.model_config),
     .help = "configs and tokenizer for a single file that is not SD v1"},
    {"vae", 0, OPTION_TEXT, "DIR|FILE", GEN | INSPECT, AT(params.vae), .help = "VAE in place of the model's own"},
    {"ema", 0, OPTION_CHOICE, "WHICH", GEN | INSPECT, AT(params.ema), .choices = "auto|on|off",
     .help = "the moving average of the UNet's weights (default: auto, only where a checkpoint has nothing else)"},
    {"output", 'o', OPTION_TEXT, "FILE", GEN, AT(output),
     .help = "file, template with [seed] [index] [prompt] [steps] [sampler] [width] [height] [date], or - for standard "
             "output (default: [seed].png, with a counter when taken)"},
    {"shapes", 0, OPTION_TEXT, "WHICH", TUNE, AT(tune.shapes),
     .help = "sd15 (random weights), pocket, or a file of shapes, instead of a model"},
    {"only", 0, OPTION_TEXT, "OPS", TUNE, AT(tune.only), .help = "ops to tune, as in gemm,conv3x3 (default: all)"},
    {"budget", 0, OPTION_TIME, "TIME", TUNE, AT(tune.budget),
     .help = "of the search, as in 60s, 10m (default: 10m); the comparison of pictures comes on top"},
    {"tries", 0, OPTION_INT, "N", TUNE, AT(tune.tries), 1, 1000000,
     .help = "candidates after which the search ends too"},
    {"strategy", 0, OPTION_CHOICE, "NAME", TUNE, AT(tune.strategy), .choices = "guided|random|full",
     .help = "how to search (default: guided)"},
    {"timeout", 0, OPTION_TIME, "TIME", TUNE, AT(tune.timeout),
     .help = "of one candidate; on a CPU its process has to have worked that long, too (default: 60s)"},
    {"resume", 0, OPTION_FLAG, NULL, TUNE, AT(resume), .help = "go on from the records of earlier runs"},
    {"json", 0, OPTION_TEXT, "FILE", TUNE, AT(tune.records),
     .help = "records, a JSON object a line for every candidate (default: beside the tuned file)"},
    {"output", 'o', OPTION_TEXT, "FILE", TUNE, AT(tune.output),
     .help =
         "INI file to write if a picture is faster with it (default: where this device's values are looked for); the "
         "last line on standard output is 'written: FILE' or 'not written: ' and why, exit code 0"},
    {"report", 0, OPTION_TEXT, "DIR", TUNE, AT(tune.report),
     .help = "write a page about the search, index.html in that folder"},
    {"width", 'W', OPTION_SIZE, "PX", GEN | BENCH | TUNE, AT(job.width), 8, SIZE_MAX_PIXELS,
     .help = "width (default: the model's own)"},
    {"height", 'H', OPTION_SIZE, "PX", GEN | BENCH | TUNE, AT(job.height), 8, SIZE_MAX_PIXELS,
     .help = "height (default: the model's own)"},
    {"steps", 0, OPTION_INT, "N", GEN | BENCH, AT(job.steps), 1, 1000,
     .help = "denoising steps (default: 20; 50 with --compat); bench: runs that are timed (default: 3; of an op at "
             "least 5)"},
    {"cfg-scale", 0, OPTION_REAL, "F", GEN, AT(job.cfg_scale), 0, 100,
     .help = "how strongly the prompt guides; 1 and below: not at all (default: 7.5)"},
    {"seed", 's', OPTION_SEEDS, "N|LIST", GEN, AT(seeds),
     .help = "seed, or one picture for each of a list such as 1,5,10-20; -1 draws one (default)"},
    {"batch", 'b', OPTION_INT, "N", GEN | BENCH, AT(batch), 1, 1000,
     .help = "pictures: seed, seed+1, ... (default: 1); bench: together, at most 4"},
    {"sampler", 0, OPTION_SAMPLER, "NAME", GEN, AT(sampler), .later = later_samplers,
     .help = "sampler (default: dpmpp_2m)"},
    {"schedule", 0, OPTION_SCHEDULE, "NAME", GEN, AT(job.schedule),
     .help = "noise schedule (default: karras for dpmpp_2m, else default)"},
    {"eta", 0, OPTION_ETA, "F", GEN, AT(job.eta), 0, 1, .help = "added noise, for samplers that have it"},
    {"rng", 0, OPTION_CHOICE, "NAME", GEN, AT(rng), .choices = "cpu", .later = "nv|numpy", .help = "random numbers"},
    {"precision", 0, OPTION_CHOICE, "P", GEN | BENCH | SELFTEST | TUNE, AT(params.precision),
     .choices = "auto|f32|f16|bf16", .help = "of the multiplications"},
    {"memory", 0, OPTION_AMOUNT, "MIB", GEN | BENCH, AT(params.memory_mib), 1, 1 << 24, .choices = "auto",
     .help = "device memory to stay within; where a picture needs more, text encoder, UNet and VAE are loaded in turn "
             "(default: auto, what the device has free)"},
    {"vae-tile", 0, OPTION_AMOUNT, "N", GEN | BENCH, AT(params.vae_tile), 1, 512, .choices = "auto|off",
     .help = "decode in strips of N rows of the latent, 8 pixels each: the same picture, less memory, slower (default: "
             "auto, where all at once does not fit; off: never)"},
    {"device", 0, OPTION_TEXT, "N|NAME", GEN | CONFIG | BENCH | SELFTEST | TUNE, AT(params.device),
     .help = "index or part of a name, see sdcl devices (default: the best GPU, else a CPU)"},
    {"config", 0, OPTION_TEXT, "FILE", GEN | CONFIG | BENCH | SELFTEST | TUNE, AT(params.config_file),
     .help = "INI file over the shipped configuration"},
    {"set", 0, OPTION_SET, "S.K=V", GEN | CONFIG | BENCH | SELFTEST | TUNE, AT(params.set),
     .help = "one value over the configuration; may be repeated"},
    {"compat", 0, OPTION_CHOICE, "NAME", GEN, AT(compat), .choices = "diffusers", .later = "a1111|compvis",
     .help =
         "follow another program: the model's own sampler, 50 steps, brackets in the prompt are text, a batch is one "
         "stream of one seed"},
    {"for-device", 0, OPTION_TEXT, "NAME", CONFIG, AT(for_device),
     .help = "as on a device that need not be here: vendor and name, as in 'AMD gfx1100', or cpu"},
    {"show-origin", 0, OPTION_FLAG, NULL, CONFIG, AT(show_origin), .help = "say where each value comes from"},
    {"json", 0, OPTION_FLAG, NULL, GEN | DEVICES | INSPECT | INFO | BENCH | SELFTEST, AT(json),
     .help = "one JSON object a line on standard output"},
    {"profile", 0, OPTION_SWITCH, NULL, GEN | BENCH, AT(params.profile), .min = 1,
     .help = "print the time of each module, op and kernel on standard error"},
    {"dump", 0, OPTION_TEXT, "DIR", GEN, AT(job.dump), .help = "write the tensors of every stage as .npy files"},
    {"dry-run", 0, OPTION_FLAG, NULL, GEN, AT(dry_run), .help = "print the memory that would be needed, draw nothing"},
    {"no-metadata", 0, OPTION_FLAG, NULL, GEN, AT(no_metadata), .help = "leave prompt and settings out of the PNG"},
    {"force", 'f', OPTION_FLAG, NULL, GEN, AT(force), .help = "replace existing files"},
    {"progress", 0, OPTION_CHOICE, "MODE", GEN | BENCH | TUNE, AT(progress), .choices = "auto|json|off",
     .help = "on standard error; auto: a line on a terminal"},
    {"quiet", 'q', OPTION_SWITCH, NULL, GEN | BENCH | SELFTEST | TUNE, AT(verbosity), .min = QUIET,
     .help = "only warnings and errors, no progress"},
    {"verbose", 'v', OPTION_SWITCH, NULL, GEN | BENCH | TUNE, AT(verbosity), .min = VERBOSE, .help = "say more"},
    {"no-selftest", 0, OPTION_SWITCH, NULL, GEN | BENCH, AT(params.no_selftest), .min = 1,
     .help = "do not compare kernels that are new on the device with the reference first; also SDCL_SELFTEST=0"},
    {"help", 'h', OPTION_FLAG, NULL, ALL, AT(help), .help = "print this help"},
    {"version", 0, OPTION_FLAG, NULL, GEN, AT(version), .help = "print the version"},
    {"init-image", 0, OPTION_LATER, "FILE", GEN, .help = ""},
    {"strength", 0, OPTION_LATER, "F", GEN, .help = ""},
    {"mask", 0, OPTION_LATER, "FILE", GEN, .help = ""},
    {0},
};
