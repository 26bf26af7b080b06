/* SPDX-License-Identifier: MIT */
#include "config_fixture.h"

/* --- what is refused by name -------------------------------------------------------------------------------------- */

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
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        assert_refused_key(UNET, options[i][0], options[i][1]);
}

static void test_unet_block_types(void **state)
{
    (void)state;
    assert_refused_key(UNET, "down_block_types",
                       "[\"SimpleCrossAttnDownBlock2D\",\"DownBlock2D\",\"DownBlock2D\",\"DownBlock2D\"]");
    assert_non_null(strstr(sdcl_last_error(), "SimpleCrossAttnDownBlock2D"));
    assert_refused_key(UNET, "up_block_types", "[\"UpBlock2D\",\"UpBlock2D\",\"UpBlock2D\",\"AttnUpBlock2D\"]");
    assert_non_null(strstr(sdcl_last_error(), "AttnUpBlock2D"));
    assert_refused_key(UNET, "mid_block_type", "\"UNetMidBlock2DSimpleCrossAttn\"");
    assert_refused_key(UNET, "down_block_types", "[\"DownBlock2D\",\"DownBlock2D\",\"DownBlock2D\"]");
    assert_refused_key(UNET, "down_block_types", "[1, 2, 3, 4]");
    assert_refused_key(UNET, "down_block_types", "[]");
    assert_refused_key(UNET, "down_block_types", NULL);
    assert_refused_key(UNET, "up_block_types", "\"UpBlock2D\"");
}

static void test_vae_options_that_change_the_arithmetic(void **state)
{
    (void)state;
    static const char *const attention =
        "[\"DownEncoderBlock2D\",\"DownEncoderBlock2D\",\"DownEncoderBlock2D\",\"AttnDownEncoderBlock2D\"]";
    assert_refused_key(VAE, "_class_name", "\"AsymmetricAutoencoderKL\"");
    assert_refused_key(VAE, "act_fn", "\"relu\"");
    assert_refused_key(VAE, "shift_factor", "0.1159");
    assert_refused_key(VAE, "latents_mean", "[0.1, 0.2, 0.3, 0.4]");
    assert_refused_key(VAE, "latents_std", "[1, 1, 1, 1]");
    assert_refused_key(VAE, "down_block_types", attention);
    assert_refused_key(VAE, "up_block_types", "[\"UpDecoderBlock2D\"]");
    assert_refused_key(VAE, "in_channels", "1");
    assert_refused_key(VAE, "out_channels", "4");
}

static void test_clip_options_that_change_the_arithmetic(void **state)
{
    (void)state;
    assert_refused_key(CLIP, "hidden_act", "\"relu\"");
    assert_refused_key(CLIP, "model_type", "\"t5\"");
    assert_refused_key(CLIP, "max_position_embeddings", "248");
}

static void test_scheduler_options_that_change_the_arithmetic(void **state)
{
    (void)state;
    assert_refused_key(SCHEDULER, "prediction_type", "\"flow_prediction\"");
    assert_refused_key(SCHEDULER, "beta_schedule", "\"sigmoid\"");
    assert_refused_key(SCHEDULER, "use_flow_sigmas", "true");
    assert_refused_key(SCHEDULER, "timestep_type", "\"continuous\"");
    assert_refused_key(SCHEDULER, "interpolation_type", "\"log_linear\"");
    assert_refused_key(SCHEDULER, "timestep_spacing", "\"random\"");
    assert_refused_key(SCHEDULER, "solver_type", "\"a name that is much longer than any solver has\"");
}

/* --- ranges ------------------------------------------------------------------------------------------------------- */

static void test_integers_out_of_range(void **state)
{
    (void)state;
    static const char *const bad[] = {"0",     "-1",   "2147483648", "9223372036854775807", "1e3", "2.5",
                                      "\"8\"", "true", "[8]"};
    static const struct {
        enum kind kind;
        const char *key;
    } integers[] = {
        {UNET, "in_channels"},         {UNET, "sample_size"},        {UNET, "norm_num_groups"},
        {UNET, "layers_per_block"},    {UNET, "attention_head_dim"}, {UNET, "cross_attention_dim"},
        {VAE, "latent_channels"},      {VAE, "layers_per_block"},    {VAE, "norm_num_groups"},
        {CLIP, "vocab_size"},          {CLIP, "hidden_size"},        {CLIP, "num_hidden_layers"},
        {CLIP, "num_attention_heads"}, {CLIP, "intermediate_size"},  {SCHEDULER, "num_train_timesteps"},
    };
    for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++)
        for (size_t j = 0; j < sizeof bad / sizeof bad[0]; j++)
            assert_refused_key(integers[i].kind, integers[i].key, bad[j]);
}

static void test_channel_lists(void **state)
{
    (void)state;
    assert_refused_key(UNET, "block_out_channels", "[]");
    assert_refused_key(UNET, "block_out_channels", "[8, 16, 20]");
    assert_refused_key(UNET, "block_out_channels", "[8, 8, 8, 8, 8, 8, 8, 8, 8]");
    assert_refused_key(UNET, "block_out_channels", "[8, 16, 20, 0]");
    assert_refused_key(UNET, "block_out_channels", "[8, 16, 20, -20]");
    assert_refused_key(UNET, "block_out_channels", "[8, 16, 20, 1000000]");
    assert_refused_key(UNET, "block_out_channels", "[8, 16, 20, \"20\"]");
    assert_refused_key(UNET, "block_out_channels", "[8, 16, 20, 22]"); /* not divisible by the groups */
    assert_refused_key(UNET, "block_out_channels", "8");
    assert_refused_key(VAE, "block_out_channels", "[8, 12, 16, 18]");
}

static void test_heads_divide_channels(void **state)
{
    (void)state;
    assert_refused_key(UNET, "attention_head_dim", "3");
    assert_refused_key(UNET, "attention_head_dim", "[2, 2, 2, 3]");
    assert_refused_key(UNET, "attention_head_dim", "[2, 2]");
    assert_refused_key(CLIP, "num_attention_heads", "5");
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
    assert_refused_key(UNET, "norm_eps", "0");
    assert_refused_key(UNET, "norm_eps", "-1e-5");
    assert_refused_key(UNET, "norm_eps", "\"1e-5\"");
    assert_refused_key(UNET, "freq_shift", "2");
    assert_refused_key(UNET, "flip_sin_to_cos", "1");
    assert_refused_key(VAE, "scaling_factor", "0");
    assert_refused_key(VAE, "scaling_factor", "1e300");
    assert_refused_key(CLIP, "layer_norm_eps", "0");
    assert_refused_key(SCHEDULER, "beta_start", "-0.1");
    assert_refused_key(SCHEDULER, "beta_end", "1.5");
    assert_refused_key(SCHEDULER, "steps_offset", "1000");
    assert_refused_key(SCHEDULER, "_class_name", "7");
    assert_refused_key(SCHEDULER, "_class_name", NULL);
}

static void test_context_differs_between_levels(void **state)
{
    (void)state;
    assert_refused_key(UNET, "cross_attention_dim", "[32, 32, 32, 64]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };
    return cmocka_run_group_tests(tests, config_setup, config_teardown);
}
