/* SPDX-License-Identifier: MIT */
#include "config_fixture.h"
#include "io/model_shapes.h"

/* --- what is read ------------------------------------------------------------------------------------------------- */

/* The files of Stable Diffusion v1.5, shortened to what older writers put there. */
static void test_sd_v1_constants(void **state)
{
    (void)state;
    clip_config clip;
    unet_config unet;
    vae_config vae;
    scheduler_config scheduler;
    text_write(file,
               "{\"hidden_act\":\"quick_gelu\",\"hidden_size\":768,\"intermediate_size\":3072,\"layer_norm_eps\":1e-05,"
               "\"max_position_embeddings\":77,\"model_type\":\"clip_text_model\",\"num_attention_heads\":12,"
               "\"num_hidden_layers\":12,\"vocab_size\":49408,\"bos_token_id\":0,\"eos_token_id\":2}");
    assert_int_equal(config_read_clip(&clip, file), 0);
    assert_memory_equal(&clip, &sd_v1_clip, sizeof clip);

    text_write(
        file,
        "{\"_class_name\":\"UNet2DConditionModel\",\"act_fn\":\"silu\",\"attention_head_dim\":8,"
        "\"block_out_channels\":[320,640,1280,1280],\"center_input_sample\":false,\"cross_attention_dim\":768,"
        "\"down_block_types\":[\"CrossAttnDownBlock2D\",\"CrossAttnDownBlock2D\",\"CrossAttnDownBlock2D\","
        "\"DownBlock2D\"],"
        "\"downsample_padding\":1,\"flip_sin_to_cos\":true,\"freq_shift\":0,\"in_channels\":4,\"layers_per_block\":2,"
        "\"mid_block_scale_factor\":1,\"norm_eps\":1e-05,\"norm_num_groups\":32,\"out_channels\":4,\"sample_size\":64,"
        "\"up_block_types\":[\"UpBlock2D\",\"CrossAttnUpBlock2D\",\"CrossAttnUpBlock2D\",\"CrossAttnUpBlock2D\"]}");
    assert_int_equal(config_read_unet(&unet, file), 0);
    assert_memory_equal(&unet, &sd_v1_unet, sizeof unet);

    text_write(
        file,
        "{\"_class_name\":\"AutoencoderKL\",\"act_fn\":\"silu\",\"block_out_channels\":[128,256,512,512],"
        "\"down_block_types\":[\"DownEncoderBlock2D\",\"DownEncoderBlock2D\",\"DownEncoderBlock2D\","
        "\"DownEncoderBlock2D\"],"
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
    assert_true(c.down_attention[0] && !c.down_attention[3] && !c.up_attention[0] && c.up_attention[3] &&
                c.mid_attention);
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
    text_write(file, "{\"model_type\":\"clip\",\"text_config\":{\"hidden_size\":64,\"num_attention_heads\":4,\"hidden_"
                     "act\":\"gelu\"}}");
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

/* --- scheduler ---------------------------------------------------------------------------------------------------- */

static void test_scheduler_in_full(void **state)
{
    (void)state;
    scheduler_config c;
    text_write(
        file,
        "{\"_class_name\":\"DPMSolverMultistepScheduler\",\"num_train_timesteps\":500,\"beta_start\":0.001,\"beta_"
        "end\":0.02,"
        "\"beta_schedule\":\"squaredcos_cap_v2\",\"prediction_type\":\"v_prediction\",\"timestep_spacing\":"
        "\"trailing\","
        "\"steps_offset\":3,\"clip_sample\":true,\"clip_sample_range\":2,\"set_alpha_to_one\":true,\"skip_prk_steps\":"
        "true,"
        "\"thresholding\":true,\"rescale_betas_zero_snr\":true,\"use_karras_sigmas\":true,\"use_exponential_sigmas\":"
        "true,"
        "\"use_beta_sigmas\":true,\"algorithm_type\":\"sde-dpmsolver++\",\"solver_type\":\"heun\",\"solver_order\":3,"
        "\"lower_order_final\":false,\"euler_at_final\":true,\"use_lu_lambdas\":true,\"final_sigmas_type\":\"sigma_"
        "min\","
        "\"variance_type\":\"learned\",\"lambda_min_clipped\":-Infinity}");
    assert_int_equal(config_read_scheduler(&c, file), 0);
    const scheduler_config expected = {
        .class_name = "DPMSolverMultistepScheduler",
        .train_timesteps = 500,
        .beta_start = 0.001,
        .beta_end = 0.02,
        .beta_schedule = "squaredcos_cap_v2",
        .prediction_type = "v_prediction",
        .timestep_spacing = "trailing",
        .steps_offset = 3,
        .clip_sample = TOGGLE_ON,
        .clip_sample_range = 2,
        .set_alpha_to_one = TOGGLE_ON,
        .skip_prk_steps = true,
        .thresholding = true,
        .rescale_betas_zero_snr = true,
        .use_karras_sigmas = true,
        .use_exponential_sigmas = true,
        .use_beta_sigmas = true,
        .algorithm_type = "sde-dpmsolver++",
        .solver_type = "heun",
        .solver_order = 3,
        .lower_order_final = TOGGLE_OFF,
        .euler_at_final = true,
        .use_lu_lambdas = true,
        .final_sigmas_type = "sigma_min",
        .variance_type = "learned",
    };
    assert_memory_equal(&c, &expected, sizeof c);
}

/* Whoever wrote the file: the class that samples has defaults, as in from_config. */
static void test_scheduler_left_out(void **state)
{
    (void)state;
    static const char *const classes[] = {"DDIMScheduler", "PNDMScheduler", "LCMScheduler", "HeunDiscreteScheduler",
                                          "DPMSolverSinglestepScheduler"};
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        char text[128];
        scheduler_config c, expected = {.train_timesteps = 1000,
                                        .beta_start = 0.0001,
                                        .beta_end = 0.02,
                                        .beta_schedule = "linear",
                                        .prediction_type = "epsilon",
                                        .clip_sample_range = 1};
        strcpy(expected.class_name, classes[i]);
        snprintf(text, sizeof text, "{\"_class_name\":\"%s\",\"clip_sample\":null}", classes[i]);
        text_write(file, text);
        assert_int_equal(config_read_scheduler(&c, file), 0);
        assert_memory_equal(&c, &expected, sizeof c);
    }
}

static void test_trained_betas(void **state)
{
    (void)state;
    scheduler_config c;
    text_write(file, "{\"_class_name\":\"DDIMScheduler\",\"num_train_timesteps\":3,\"trained_betas\":[0.1,0.2,0.25]}");
    assert_int_equal(config_read_scheduler(&c, file), 0);
    assert_true(c.trained_betas && c.trained_betas[0] == 0.1 && c.trained_betas[2] == 0.25);
    free(c.trained_betas);
    assert_int_equal(
        read_text(SCHEDULER,
                  "{\"_class_name\":\"DDIMScheduler\",\"num_train_timesteps\":3,\"trained_betas\":[0.1,0.2]}"),
        SDCL_EMODEL);
    assert_int_equal(
        read_text(SCHEDULER,
                  "{\"_class_name\":\"DDIMScheduler\",\"num_train_timesteps\":2,\"trained_betas\":[0.1,-1]}"),
        SDCL_EMODEL);
    assert_int_equal(
        read_text(SCHEDULER,
                  "{\"_class_name\":\"DDIMScheduler\",\"num_train_timesteps\":2,\"trained_betas\":[0.1,\"x\"]}"),
        SDCL_EMODEL);
}

/* --- files -------------------------------------------------------------------------------------------------------- */

static void test_malformed_json(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "7",
        "{\"a\":1}x",
        "{\"hidden_size\":32,\"hidden_size\":64}",
        "{\"hidden_size\":007}",
        "{\"a\":\"\xff\"}",
        "\xef\xbb\xbf{}",
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

/* --- parts that do not fit together ------------------------------------------------------------------------------- */

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
        cmocka_unit_test(test_scheduler_in_full),
        cmocka_unit_test(test_scheduler_left_out),
        cmocka_unit_test(test_trained_betas),
        cmocka_unit_test(test_malformed_json),
        cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_infinity_within_a_string_stays),
        cmocka_unit_test(test_parts_that_do_not_fit),
    };
    return cmocka_run_group_tests(tests, config_setup, config_teardown);
}
