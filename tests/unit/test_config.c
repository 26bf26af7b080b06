/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "io/config_json.h"
#include "io/model_shapes.h"
#include "scratch.h"
#include "st_edit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static scratch tmp;
static char file[512];

static int setup(void **state)
{
    (void)state;
    if (!scratch_open(&tmp)) return -1;
    snprintf(file, sizeof file, "%s/config.json", tmp.folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    scratch_close(&tmp);
    return 0;
}

enum kind { CLIP, UNET, VAE, SCHEDULER };

/* Reads file as one kind of config; what it says is not looked at. */
static int read_as(enum kind kind)
{
    clip_config clip;
    unet_config unet;
    vae_config vae;
    scheduler_config scheduler = {0};
    int err;
    switch (kind) {
    case CLIP: return config_read_clip(&clip, file);
    case UNET: return config_read_unet(&unet, file);
    case VAE: return config_read_vae(&vae, file);
    default: err = config_read_scheduler(&scheduler, file); free(scheduler.trained_betas); return err;
    }
}

/* A golden config with one member changed. */
static int changed(enum kind kind, const char *key, const char *literal)
{
    static const char *const source[] = {"text_encoder/config", "unet/config", "vae/config", "scheduler/scheduler_config"};
    shell("cp tests/golden/tiny-a/%s.json %s", source[kind], file);
    json_edit(file, key, literal);
    return read_as(kind);
}

/* Refused, and the message names the key. */
static void assert_refused(enum kind kind, const char *key, const char *literal)
{
    int err = changed(kind, key, literal);
    if (err != SDCL_EMODEL || !strstr(sdcl_last_error(), key))
        fail_msg("%s = %s: status %d, message: %s", key, literal, err, sdcl_last_error());
}

static void assert_accepted(enum kind kind, const char *key, const char *literal)
{
    int err = changed(kind, key, literal);
    if (err) fail_msg("%s = %s: %s", key, literal ? literal : "(absent)", sdcl_last_error());
}

static int read_text(enum kind kind, const char *text)
{
    text_write(file, text);
    return read_as(kind);
}

/* --- what is read ------------------------------------------------------------------------------------------------------- */

/* The files of Stable Diffusion v1.5, shortened to what older writers put there. */
static void test_sd_v1_constants(void **state)
{
    (void)state;
    clip_config clip;
    unet_config unet;
    vae_config vae;
    scheduler_config scheduler;
    text_write(file, "{\"hidden_act\":\"quick_gelu\",\"hidden_size\":768,\"intermediate_size\":3072,\"layer_norm_eps\":1e-05,"
                     "\"max_position_embeddings\":77,\"model_type\":\"clip_text_model\",\"num_attention_heads\":12,"
                     "\"num_hidden_layers\":12,\"vocab_size\":49408,\"bos_token_id\":0,\"eos_token_id\":2}");
    assert_int_equal(config_read_clip(&clip, file), 0);
    assert_memory_equal(&clip, &sd_v1_clip, sizeof clip);

    text_write(file, "{\"_class_name\":\"UNet2DConditionModel\",\"act_fn\":\"silu\",\"attention_head_dim\":8,"
                     "\"block_out_channels\":[320,640,1280,1280],\"center_input_sample\":false,\"cross_attention_dim\":768,"
                     "\"down_block_types\":[\"CrossAttnDownBlock2D\",\"CrossAttnDownBlock2D\",\"CrossAttnDownBlock2D\",\"DownBlock2D\"],"
                     "\"downsample_padding\":1,\"flip_sin_to_cos\":true,\"freq_shift\":0,\"in_channels\":4,\"layers_per_block\":2,"
                     "\"mid_block_scale_factor\":1,\"norm_eps\":1e-05,\"norm_num_groups\":32,\"out_channels\":4,\"sample_size\":64,"
                     "\"up_block_types\":[\"UpBlock2D\",\"CrossAttnUpBlock2D\",\"CrossAttnUpBlock2D\",\"CrossAttnUpBlock2D\"]}");
    assert_int_equal(config_read_unet(&unet, file), 0);
    assert_memory_equal(&unet, &sd_v1_unet, sizeof unet);

    text_write(file, "{\"_class_name\":\"AutoencoderKL\",\"act_fn\":\"silu\",\"block_out_channels\":[128,256,512,512],"
                     "\"down_block_types\":[\"DownEncoderBlock2D\",\"DownEncoderBlock2D\",\"DownEncoderBlock2D\",\"DownEncoderBlock2D\"],"
                     "\"in_channels\":3,\"latent_channels\":4,\"layers_per_block\":2,\"norm_num_groups\":32,\"out_channels\":3,"
                     "\"sample_size\":512,\"up_block_types\":[\"UpDecoderBlock2D\",\"UpDecoderBlock2D\",\"UpDecoderBlock2D\","
                     "\"UpDecoderBlock2D\"]}");
    assert_int_equal(config_read_vae(&vae, file), 0);
    assert_memory_equal(&vae, &sd_v1_vae, sizeof vae);

    assert_int_equal(config_read_scheduler(&scheduler, "tests/golden/tiny-a/scheduler/scheduler_config.json"), 0);
    assert_memory_equal(&scheduler, &sd_v1_scheduler, sizeof scheduler);
    assert_int_equal(config_check_parts("v1", &clip, &unet, &vae), 0);
}

typedef struct total {
    int tensors;
    uint64_t parameters;
} total;

static int count_tensor(void *user, const char *name, int rank, const uint64_t *shape)
{
    (void)name;
    total *t = user;
    uint64_t n = 1;
    for (int i = 0; i < rank; i++) n *= shape[i];
    t->tensors++;
    t->parameters += n;
    return 0;
}

static void test_sd_v1_parameter_counts(void **state)
{
    (void)state;
    total clip = {0}, unet = {0}, vae = {0};
    assert_int_equal(shapes_clip(&sd_v1_clip, count_tensor, &clip), 0);
    assert_int_equal(shapes_unet(&sd_v1_unet, count_tensor, &unet), 0);
    assert_int_equal(shapes_vae(&sd_v1_vae, count_tensor, &vae), 0);
    assert_int_equal(clip.tensors, 196);
    assert_int_equal(clip.parameters, 123060480);
    assert_int_equal(unet.tensors, 686);
    assert_int_equal(unet.parameters, 859520964);
    assert_int_equal(vae.tensors, 248);
    assert_int_equal(vae.parameters, 83653863);
}

static void test_inpainting_parameter_count(void **state)
{
    (void)state;
    unet_config c = sd_v1_unet;
    c.in_channels = 9;
    total t = {0};
    assert_int_equal(shapes_unet(&c, count_tensor, &t), 0);
    assert_int_equal(t.parameters, 859535364);
}

static int stop_at_second(void *user, const char *name, int rank, const uint64_t *shape)
{
    (void)name, (void)rank, (void)shape;
    return ++*(int *)user == 2 ? 7 : 0;
}

static void test_shape_walk_stops(void **state)
{
    (void)state;
    int calls = 0;
    assert_int_equal(shapes_vae(&sd_v1_vae, stop_at_second, &calls), 7);
    assert_int_equal(calls, 2);
}

static void test_unet_of_tiny_b(void **state)
{
    (void)state;
    unet_config c;
    assert_int_equal(config_read_unet(&c, "tests/golden/tiny-b/unet/config.json"), 0);
    assert_int_equal(c.levels, 4);
    assert_int_equal(c.channels[0], 12);
    assert_int_equal(c.channels[3], 28);
    assert_int_equal(c.layers_per_block[2], 1);
    assert_int_equal(c.heads[1], 4);
    assert_int_equal(c.groups, 4);
    assert_int_equal(c.context, 48);
    assert_true(c.down_attention[0] && !c.down_attention[3] && !c.up_attention[0] && c.up_attention[3] && c.mid_attention);
}

static void test_lists_per_level(void **state)
{
    (void)state;
    unet_config c;
    shell("cp tests/golden/tiny-a/unet/config.json %s", file);
    json_edit(file, "attention_head_dim", "[1, 2, 4, 5]");
    json_edit(file, "layers_per_block", "[1, 2, 3, 4]");
    json_edit(file, "transformer_layers_per_block", "[1, 2, 1, 3]");
    json_edit(file, "cross_attention_dim", "[32, 32, 32, 32]");
    json_edit(file, "only_cross_attention", "[false, false, false, false]");
    assert_int_equal(config_read_unet(&c, file), 0);
    assert_int_equal(c.heads[3], 5);
    assert_int_equal(c.layers_per_block[2], 3);
    assert_int_equal(c.transformer_layers[1], 2);
    assert_int_equal(c.context, 32);
}

static void test_nested_text_config(void **state)
{
    (void)state;
    clip_config c;
    text_write(file, "{\"model_type\":\"clip\",\"text_config\":{\"hidden_size\":64,\"num_attention_heads\":4,\"hidden_act\":\"gelu\"}}");
    assert_int_equal(config_read_clip(&c, file), 0);
    assert_int_equal(c.hidden, 64);
    assert_int_equal(c.activation, CLIP_GELU);
    assert_int_equal(c.vocab_size, 49408);
}

static void test_vae_options(void **state)
{
    (void)state;
    vae_config c;
    shell("cp tests/golden/tiny-a/vae/config.json %s", file);
    json_edit(file, "use_quant_conv", "false");
    json_edit(file, "use_post_quant_conv", "false");
    json_edit(file, "mid_block_add_attention", "false");
    json_edit(file, "scaling_factor", "0.5");
    assert_int_equal(config_read_vae(&c, file), 0);
    assert_false(c.quant_conv || c.post_quant_conv || c.mid_attention);
    assert_true(c.scaling_factor == 0.5f);
    json_edit(file, "scaling_factor", NULL);
    assert_int_equal(config_read_vae(&c, file), 0);
    assert_true(c.scaling_factor == 0.18215f);
}

static void test_harmless_options_are_accepted(void **state)
{
    (void)state;
    assert_accepted(UNET, "upcast_attention", "true");
    assert_accepted(UNET, "dropout", "0.1");
    assert_accepted(UNET, "sample_size", "null");
    assert_accepted(UNET, "act_fn", "\"swish\"");
    assert_accepted(UNET, "mid_block_type", NULL);
    assert_accepted(UNET, "a_key_of_tomorrow", "17");
    assert_accepted(UNET, "in_channels", "9");
    assert_accepted(VAE, "force_upcast", "false");
    assert_accepted(CLIP, "attention_dropout", "0.1");
    assert_accepted(SCHEDULER, "lambda_min_clipped", "-5.1");
}

/* --- what is refused by name -------------------------------------------------------------------------------------------- */

static void test_unet_options_that_change_the_arithmetic(void **state)
{
    (void)state;
    static const char *const options[][2] = {
        {"_class_name", "\"UNetSpatioTemporalConditionModel\""},
        {"act_fn", "\"gelu\""},
        {"addition_embed_type", "\"text_time\""},
        {"attention_type", "\"gated\""},
        {"center_input_sample", "true"},
        {"class_embed_type", "\"timestep\""},
        {"class_embeddings_concat", "true"},
        {"conv_in_kernel", "1"},
        {"conv_out_kernel", "5"},
        {"cross_attention_norm", "\"layer_norm\""},
        {"downsample_padding", "0"},
        {"dual_cross_attention", "true"},
        {"encoder_hid_dim", "1280"},
        {"encoder_hid_dim_type", "\"text_proj\""},
        {"mid_block_only_cross_attention", "true"},
        {"mid_block_scale_factor", "1.5"},
        {"num_attention_heads", "8"},
        {"num_class_embeds", "1000"},
        {"only_cross_attention", "true"},
        {"only_cross_attention", "[false, true, false, false]"},
        {"resnet_out_scale_factor", "0.5"},
        {"resnet_skip_time_act", "true"},
        {"resnet_time_scale_shift", "\"scale_shift\""},
        {"reverse_transformer_layers_per_block", "[1, 1, 1, 1]"},
        {"time_cond_proj_dim", "256"},
        {"time_embedding_act_fn", "\"gelu\""},
        {"time_embedding_dim", "64"},
        {"time_embedding_type", "\"fourier\""},
        {"timestep_post_act", "\"silu\""},
    };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) assert_refused(UNET, options[i][0], options[i][1]);
}

static void test_unet_block_types(void **state)
{
    (void)state;
    assert_refused(UNET, "down_block_types", "[\"SimpleCrossAttnDownBlock2D\",\"DownBlock2D\",\"DownBlock2D\",\"DownBlock2D\"]");
    assert_non_null(strstr(sdcl_last_error(), "SimpleCrossAttnDownBlock2D"));
    assert_refused(UNET, "up_block_types", "[\"UpBlock2D\",\"UpBlock2D\",\"UpBlock2D\",\"AttnUpBlock2D\"]");
    assert_non_null(strstr(sdcl_last_error(), "AttnUpBlock2D"));
    assert_refused(UNET, "mid_block_type", "\"UNetMidBlock2DSimpleCrossAttn\"");
    assert_refused(UNET, "down_block_types", "[\"DownBlock2D\",\"DownBlock2D\",\"DownBlock2D\"]");
    assert_refused(UNET, "down_block_types", "[1, 2, 3, 4]");
    assert_refused(UNET, "down_block_types", "[]");
    assert_refused(UNET, "down_block_types", NULL);
    assert_refused(UNET, "up_block_types", "\"UpBlock2D\"");
}

static void test_vae_options_that_change_the_arithmetic(void **state)
{
    (void)state;
    static const char *const attention = "[\"DownEncoderBlock2D\",\"DownEncoderBlock2D\",\"DownEncoderBlock2D\",\"AttnDownEncoderBlock2D\"]";
    assert_refused(VAE, "_class_name", "\"AsymmetricAutoencoderKL\"");
    assert_refused(VAE, "act_fn", "\"relu\"");
    assert_refused(VAE, "shift_factor", "0.1159");
    assert_refused(VAE, "latents_mean", "[0.1, 0.2, 0.3, 0.4]");
    assert_refused(VAE, "latents_std", "[1, 1, 1, 1]");
    assert_refused(VAE, "down_block_types", attention);
    assert_refused(VAE, "up_block_types", "[\"UpDecoderBlock2D\"]");
    assert_refused(VAE, "in_channels", "1");
    assert_refused(VAE, "out_channels", "4");
}

static void test_clip_options_that_change_the_arithmetic(void **state)
{
    (void)state;
    assert_refused(CLIP, "hidden_act", "\"relu\"");
    assert_refused(CLIP, "model_type", "\"t5\"");
    assert_refused(CLIP, "max_position_embeddings", "248");
}

static void test_scheduler_options_that_change_the_arithmetic(void **state)
{
    (void)state;
    assert_refused(SCHEDULER, "prediction_type", "\"flow_prediction\"");
    assert_refused(SCHEDULER, "beta_schedule", "\"sigmoid\"");
    assert_refused(SCHEDULER, "use_flow_sigmas", "true");
    assert_refused(SCHEDULER, "timestep_type", "\"continuous\"");
    assert_refused(SCHEDULER, "interpolation_type", "\"log_linear\"");
    assert_refused(SCHEDULER, "timestep_spacing", "\"random\"");
    assert_refused(SCHEDULER, "solver_type", "\"a name that is much longer than any solver has\"");
}

/* --- ranges ------------------------------------------------------------------------------------------------------------- */

static void test_integers_out_of_range(void **state)
{
    (void)state;
    static const char *const bad[] = {"0", "-1", "2147483648", "9223372036854775807", "1e3", "2.5", "\"8\"", "true", "[8]"};
    static const struct {
        enum kind kind;
        const char *key;
    } integers[] = {
        {UNET, "in_channels"},       {UNET, "sample_size"},     {UNET, "norm_num_groups"},  {UNET, "layers_per_block"},
        {UNET, "attention_head_dim"}, {UNET, "cross_attention_dim"}, {VAE, "latent_channels"}, {VAE, "layers_per_block"},
        {VAE, "norm_num_groups"},    {CLIP, "vocab_size"},      {CLIP, "hidden_size"},      {CLIP, "num_hidden_layers"},
        {CLIP, "num_attention_heads"}, {CLIP, "intermediate_size"}, {SCHEDULER, "num_train_timesteps"},
    };
    for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++)
        for (size_t j = 0; j < sizeof bad / sizeof bad[0]; j++) assert_refused(integers[i].kind, integers[i].key, bad[j]);
}

static void test_channel_lists(void **state)
{
    (void)state;
    assert_refused(UNET, "block_out_channels", "[]");
    assert_refused(UNET, "block_out_channels", "[8, 16, 20]");
    assert_refused(UNET, "block_out_channels", "[8, 8, 8, 8, 8, 8, 8, 8, 8]");
    assert_refused(UNET, "block_out_channels", "[8, 16, 20, 0]");
    assert_refused(UNET, "block_out_channels", "[8, 16, 20, -20]");
    assert_refused(UNET, "block_out_channels", "[8, 16, 20, 1000000]");
    assert_refused(UNET, "block_out_channels", "[8, 16, 20, \"20\"]");
    assert_refused(UNET, "block_out_channels", "[8, 16, 20, 22]"); /* not divisible by the groups */
    assert_refused(UNET, "block_out_channels", "8");
    assert_refused(VAE, "block_out_channels", "[8, 12, 16, 18]");
}

static void test_heads_divide_channels(void **state)
{
    (void)state;
    assert_refused(UNET, "attention_head_dim", "3");
    assert_refused(UNET, "attention_head_dim", "[2, 2, 2, 3]");
    assert_refused(UNET, "attention_head_dim", "[2, 2]");
    assert_refused(CLIP, "num_attention_heads", "5");
}

static void test_time_embedding_needs_an_even_width(void **state)
{
    (void)state;
    shell("cp tests/golden/tiny-a/unet/config.json %s", file);
    json_edit(file, "norm_num_groups", "1");
    json_edit(file, "attention_head_dim", "1");
    json_edit(file, "block_out_channels", "[7, 16, 20, 20]");
    assert_int_equal(read_as(UNET), SDCL_EMODEL);
    assert_non_null(strstr(sdcl_last_error(), "time embedding"));
}

static void test_numbers_out_of_range(void **state)
{
    (void)state;
    assert_refused(UNET, "norm_eps", "0");
    assert_refused(UNET, "norm_eps", "-1e-5");
    assert_refused(UNET, "norm_eps", "\"1e-5\"");
    assert_refused(UNET, "freq_shift", "2");
    assert_refused(UNET, "flip_sin_to_cos", "1");
    assert_refused(VAE, "scaling_factor", "0");
    assert_refused(VAE, "scaling_factor", "1e300");
    assert_refused(CLIP, "layer_norm_eps", "0");
    assert_refused(SCHEDULER, "beta_start", "-0.1");
    assert_refused(SCHEDULER, "beta_end", "1.5");
    assert_refused(SCHEDULER, "steps_offset", "1000");
    assert_refused(SCHEDULER, "_class_name", "7");
    assert_refused(SCHEDULER, "_class_name", NULL);
}

static void test_context_differs_between_levels(void **state)
{
    (void)state;
    assert_refused(UNET, "cross_attention_dim", "[32, 32, 32, 64]");
}

/* --- scheduler ---------------------------------------------------------------------------------------------------------- */

static void test_scheduler_in_full(void **state)
{
    (void)state;
    scheduler_config c;
    text_write(file, "{\"_class_name\":\"DPMSolverMultistepScheduler\",\"num_train_timesteps\":500,\"beta_start\":0.001,\"beta_end\":0.02,"
                     "\"beta_schedule\":\"squaredcos_cap_v2\",\"prediction_type\":\"v_prediction\",\"timestep_spacing\":\"trailing\","
                     "\"steps_offset\":3,\"clip_sample\":true,\"clip_sample_range\":2,\"set_alpha_to_one\":true,\"skip_prk_steps\":true,"
                     "\"thresholding\":true,\"rescale_betas_zero_snr\":true,\"use_karras_sigmas\":true,\"use_exponential_sigmas\":true,"
                     "\"use_beta_sigmas\":true,\"algorithm_type\":\"sde-dpmsolver++\",\"solver_type\":\"heun\",\"solver_order\":3,"
                     "\"lower_order_final\":false,\"euler_at_final\":true,\"use_lu_lambdas\":true,\"final_sigmas_type\":\"sigma_min\","
                     "\"variance_type\":\"learned\",\"lambda_min_clipped\":-Infinity}");
    assert_int_equal(config_read_scheduler(&c, file), 0);
    const scheduler_config expected = {
        .class_name = "DPMSolverMultistepScheduler", .train_timesteps = 500, .beta_start = 0.001, .beta_end = 0.02,
        .beta_schedule = "squaredcos_cap_v2", .prediction_type = "v_prediction", .timestep_spacing = "trailing", .steps_offset = 3,
        .clip_sample = true, .clip_sample_range = 2, .set_alpha_to_one = true, .skip_prk_steps = true, .thresholding = true,
        .rescale_betas_zero_snr = true, .use_karras_sigmas = true, .use_exponential_sigmas = true, .use_beta_sigmas = true,
        .algorithm_type = "sde-dpmsolver++", .solver_type = "heun", .solver_order = 3, .lower_order_final = false,
        .lower_order_final_set = true, .euler_at_final = true, .use_lu_lambdas = true, .final_sigmas_type = "sigma_min",
        .variance_type = "learned",
    };
    assert_memory_equal(&c, &expected, sizeof c);
}

static void test_scheduler_class_defaults(void **state)
{
    (void)state;
    scheduler_config c;
    text_write(file, "{\"_class_name\":\"DDIMScheduler\"}");
    assert_int_equal(config_read_scheduler(&c, file), 0);
    assert_true(c.beta_start == 0.0001 && c.beta_end == 0.02 && c.clip_sample && c.set_alpha_to_one && c.lower_order_final);
    assert_string_equal(c.beta_schedule, "linear");
    assert_string_equal(c.prediction_type, "epsilon");
    assert_string_equal(c.timestep_spacing, "");
    assert_int_equal(c.train_timesteps, 1000);
    text_write(file, "{\"_class_name\":\"LCMScheduler\"}");
    assert_int_equal(config_read_scheduler(&c, file), 0);
    assert_true(c.beta_start == 0.00085 && c.beta_end == 0.012 && !c.clip_sample && c.set_alpha_to_one);
    assert_string_equal(c.beta_schedule, "scaled_linear");
    text_write(file, "{\"_class_name\":\"PNDMScheduler\"}");
    assert_int_equal(config_read_scheduler(&c, file), 0);
    assert_false(c.clip_sample || c.set_alpha_to_one || c.skip_prk_steps);
    text_write(file, "{\"_class_name\":\"DPMSolverSinglestepScheduler\"}");
    assert_int_equal(config_read_scheduler(&c, file), 0);
    assert_false(c.lower_order_final || c.lower_order_final_set);
}

static void test_trained_betas(void **state)
{
    (void)state;
    scheduler_config c;
    text_write(file, "{\"_class_name\":\"DDIMScheduler\",\"num_train_timesteps\":3,\"trained_betas\":[0.1,0.2,0.25]}");
    assert_int_equal(config_read_scheduler(&c, file), 0);
    assert_true(c.trained_betas && c.trained_betas[0] == 0.1 && c.trained_betas[2] == 0.25);
    free(c.trained_betas);
    assert_int_equal(read_text(SCHEDULER, "{\"_class_name\":\"DDIMScheduler\",\"num_train_timesteps\":3,\"trained_betas\":[0.1,0.2]}"),
                     SDCL_EMODEL);
    assert_int_equal(read_text(SCHEDULER, "{\"_class_name\":\"DDIMScheduler\",\"num_train_timesteps\":2,\"trained_betas\":[0.1,-1]}"),
                     SDCL_EMODEL);
    assert_int_equal(read_text(SCHEDULER, "{\"_class_name\":\"DDIMScheduler\",\"num_train_timesteps\":2,\"trained_betas\":[0.1,\"x\"]}"),
                     SDCL_EMODEL);
}

/* --- files -------------------------------------------------------------------------------------------------------------- */

static void test_malformed_json(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "{", "[]", "7", "{\"a\":1}x", "{\"hidden_size\":32,\"hidden_size\":64}", "{\"hidden_size\":007}", "{\"a\":\"\xff\"}", "\xef\xbb\xbf{}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        for (int kind = CLIP; kind <= SCHEDULER; kind++) {
            assert_int_equal(read_text((enum kind)kind, bad[i]), SDCL_EMODEL);
            assert_non_null(strstr(sdcl_last_error(), "config.json"));
        }
}

static void test_missing_file(void **state)
{
    (void)state;
    unet_config c;
    assert_int_equal(config_read_unet(&c, "tests/golden/no-such-config.json"), SDCL_EMODEL);
    assert_non_null(strstr(sdcl_last_error(), "no-such-config.json"));
}

static void test_infinity_within_a_string_stays(void **state)
{
    (void)state;
    assert_int_equal(read_text(UNET, "{\"act_fn\":\"say \\\"-Infinity\"}"), SDCL_EMODEL);
    assert_non_null(strstr(sdcl_last_error(), "-Infinity"));
}

/* --- parts that do not fit together ------------------------------------------------------------------------------------- */

static void assert_misfit(const clip_config *clip, const unet_config *unet, const vae_config *vae, const char *word)
{
    assert_int_equal(config_check_parts("model", clip, unet, vae), SDCL_EMODEL);
    if (!strstr(sdcl_last_error(), word)) fail_msg("%s", sdcl_last_error());
}

static void test_parts_that_do_not_fit(void **state)
{
    (void)state;
    clip_config clip = sd_v1_clip;
    unet_config unet = sd_v1_unet;
    clip.hidden = 512;
    assert_misfit(&clip, &sd_v1_unet, &sd_v1_vae, "cross_attention_dim");
    clip.hidden = unet.context = 1024;
    clip.activation = CLIP_GELU;
    assert_misfit(&clip, &unet, &sd_v1_vae, "Stable Diffusion 2");
    unet = sd_v1_unet;
    unet.in_channels = 8;
    assert_misfit(&sd_v1_clip, &unet, &sd_v1_vae, "InstructPix2Pix");
    unet.in_channels = 5;
    assert_misfit(&sd_v1_clip, &unet, &sd_v1_vae, "depth");
    unet.in_channels = 7;
    assert_misfit(&sd_v1_clip, &unet, &sd_v1_vae, "7 input");
    unet.in_channels = 4;
    unet.out_channels = 8;
    assert_misfit(&sd_v1_clip, &unet, &sd_v1_vae, "8 output");
    unet = sd_v1_unet;
    unet.in_channels = 9;
    assert_int_equal(config_check_parts("model", &sd_v1_clip, &unet, &sd_v1_vae), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sd_v1_constants),
        cmocka_unit_test(test_sd_v1_parameter_counts),
        cmocka_unit_test(test_inpainting_parameter_count),
        cmocka_unit_test(test_shape_walk_stops),
        cmocka_unit_test(test_unet_of_tiny_b),
        cmocka_unit_test(test_lists_per_level),
        cmocka_unit_test(test_nested_text_config),
        cmocka_unit_test(test_vae_options),
        cmocka_unit_test(test_harmless_options_are_accepted),
        cmocka_unit_test(test_unet_options_that_change_the_arithmetic),
        cmocka_unit_test(test_unet_block_types),
        cmocka_unit_test(test_vae_options_that_change_the_arithmetic),
        cmocka_unit_test(test_clip_options_that_change_the_arithmetic),
        cmocka_unit_test(test_scheduler_options_that_change_the_arithmetic),
        cmocka_unit_test(test_integers_out_of_range),
        cmocka_unit_test(test_channel_lists),
        cmocka_unit_test(test_heads_divide_channels),
        cmocka_unit_test(test_time_embedding_needs_an_even_width),
        cmocka_unit_test(test_numbers_out_of_range),
        cmocka_unit_test(test_context_differs_between_levels),
        cmocka_unit_test(test_scheduler_in_full),
        cmocka_unit_test(test_scheduler_class_defaults),
        cmocka_unit_test(test_trained_betas),
        cmocka_unit_test(test_malformed_json),
        cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_infinity_within_a_string_stays),
        cmocka_unit_test(test_parts_that_do_not_fit),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
