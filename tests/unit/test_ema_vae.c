/* SPDX-License-Identifier: MIT */
/* Two sets of UNet weights in one checkpoint, and a VAE from elsewhere. */
#include "base/half.h"
#include "ckpt_writer.h"
#include "model_fixture.h"

/* --- EMA ---------------------------------------------------------------------------------------------------------- */

static const char unet_prefix[] = "model.diffusion_model.";

/* Gives every UNet tensor a twin in the moving average's names, filled with the half of value; keep: the plain ones stay. */
static void add_average(st_list *l, float value, bool keep)
{
    const uint16_t bits = float_to_half(value);
    const int count = l->count;
    for (int i = 0; i < count; i++) {
        const st_tensor t = l->tensor[i];
        char name[256] = "model_ema.";
        size_t n = strlen(name);
        if (strncmp(t.name, unet_prefix, sizeof unet_prefix - 1) != 0) continue;
        for (const char *c = t.name + 6; *c; c++) /* behind "model." */
            if (*c != '.') name[n++] = *c;
        list_add(l, name, "F16", t.rank, t.shape);
        st_tensor *twin = &l->tensor[l->count - 1];
        for (size_t at = 0; at < twin->bytes; at += 2) memcpy(twin->data + at, &bits, 2);
    }
    if (!keep) list_drop_prefix(l, unet_prefix);
    list_add(l, "model_ema.decay", "F32", 0, NULL);
    list_add(l, "model_ema.num_updates", "I32", 0, NULL);
}

static float first_value(const model *m, model_part part, const char *name)
{
    const tensor_file *file;
    const file_tensor *t = model_find(m, part, name, &file);
    uint16_t bits;
    assert_non_null(t);
    assert_int_equal(tensor_file_read(file, t, 0, 2, &bits), 0);
    return half_to_float(bits);
}

static int open_with(model **m, const fixture *f, model_ema ema)
{
    return model_open(m, &(model_source){.path = f->single, .config_dir = f->folder, .ema = ema});
}

/* ema: what is asked for; average: what is taken; said: what inspect says. */
static void assert_weights(const fixture *f, model_ema ema, bool average, const char *said)
{
    static const char *const some[] = {"conv_in.weight",
                                       "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight",
                                       "mid_block.resnets.1.conv2.bias",
                                       "up_blocks.2.upsamplers.0.conv.weight",
                                       "time_embedding.linear_2.weight",
                                       "conv_out.bias"};
    model *m = NULL;
    sdcl_model_info info;
    if (open_with(&m, f, ema)) fail_msg("%s", sdcl_last_error());
    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++)
        assert_int_equal(first_value(m, PART_UNET, some[i]) == 0.25f, average);
    model_describe(m, &info);
    assert_string_equal(info.ema, said);
    assert_int_equal(info.parts[PART_UNET].tensors, 686);
    model_close(&m);
}

static void test_both_sets(void **state)
{
    fixture *f = *state;
    st_list l;
    list_read(&l, CHECKPOINT);
    add_average(&l, 0.25f, true);
    for (int ckpt = 0; ckpt < 2; ckpt++) {
        if (ckpt) ckpt_from_list(&l, f->single, true);
        else list_write(&l, f->single);
        assert_weights(f, EMA_AUTO, false, "unused");
        assert_weights(f, EMA_OFF, false, "unused");
        assert_weights(f, EMA_ON, true, "used");
    }
    list_drop(&l, "model_ema.diffusion_modelout2bias");
    list_write(&l, f->single);
    model *m = NULL;
    assert_int_equal(open_with(&m, f, EMA_ON), SDCL_EMODEL);
    assert_non_null(strstr(sdcl_last_error(), "1 tensor is missing: unet/conv_out.bias"));
    assert_weights(f, EMA_AUTO, false, "unused");
    list_add(&l, "model_ema.diffusion_modelout2bias", "F16", 1, (const uint64_t[]){4});
    list_add(&l, "model_ema.diffusion_modellabel_emb00weight", "F16", 1, (const uint64_t[]){4});
    list_write(&l, f->single);
    assert_int_equal(open_with(&m, f, EMA_ON), SDCL_EMODEL);
    assert_non_null(strstr(sdcl_last_error(), "1 tensor that the configuration does not ask for"));
    list_free(&l);
}

static void test_average_alone(void **state)
{
    fixture *f = *state;
    st_list l;
    model *m = NULL;
    list_read(&l, CHECKPOINT);
    add_average(&l, 0.25f, false);
    list_write(&l, f->single);
    list_free(&l);
    assert_weights(f, EMA_AUTO, true, "used");
    assert_weights(f, EMA_ON, true, "used");
    assert_int_equal(open_with(&m, f, EMA_OFF), SDCL_EMODEL);
    assert_non_null(strstr(sdcl_last_error(), "EMA weights only"));
}

static void test_no_average(void **state)
{
    fixture *f = *state;
    model *m = NULL;
    shell("cp %s %s", CHECKPOINT, f->single);
    assert_weights(f, EMA_AUTO, false, "none");
    assert_weights(f, EMA_OFF, false, "none");
    assert_int_equal(open_with(&m, f, EMA_ON), SDCL_EMODEL);
    assert_non_null(strstr(sdcl_last_error(), "no tensor begins with model_ema"));
    sdcl_model_info info;
    const sdcl_params p = {.model = f->single, .model_config = f->folder, .ema = "yes"};
    assert_int_equal(sdcl_inspect(&p, &info), SDCL_EUSAGE);
}

/* --- VAE ---------------------------------------------------------------------------------------------------------- */

/* The VAE of the checkpoint with 0.25 throughout, under the names that begin with prefix. */
static void read_vae(st_list *l, const char *prefix)
{
    const uint16_t bits = float_to_half(0.25f);
    list_read(l, CHECKPOINT);
    list_drop_prefix(l, "model.");
    list_drop_prefix(l, "cond_stage_model.");
    list_rename_all(l, "first_stage_model.", prefix);
    for (int i = 0; i < l->count; i++)
        for (size_t at = 0; at < l->tensor[i].bytes; at += 2) memcpy(l->tensor[i].data + at, &bits, 2);
}

static void assert_vae(const char *path, const char *config_dir, const char *vae)
{
    static const char *const some[] = {"decoder.conv_in.weight", "decoder.up_blocks.3.resnets.2.conv2.weight",
                                       "decoder.mid_block.attentions.0.to_out.0.weight", "post_quant_conv.bias",
                                       "encoder.down_blocks.0.downsamplers.0.conv.bias"};
    model *m = NULL;
    if (model_open(&m, &(model_source){.path = path, .config_dir = config_dir, .vae = vae}))
        fail_msg("%s", sdcl_last_error());
    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) assert_true(first_value(m, PART_VAE, some[i]) == 0.25f);
    assert_non_null(strstr(model_part_path(m, PART_VAE), vae));
    model_close(&m);
}

static void refuse_vae(const fixture *f, const char *vae, const char *words)
{
    model *m = NULL;
    assert_int_equal(model_open(&m, &(model_source){.path = f->folder, .vae = vae}), SDCL_EMODEL);
    assert_null(m);
    if (!strstr(sdcl_last_error(), words)) fail_msg("no \"%s\" in: %s", words, sdcl_last_error());
    if (!strstr(sdcl_last_error(), vae)) fail_msg("no \"%s\" in: %s", vae, sdcl_last_error());
}

static void test_vae_file(void **state)
{
    fixture *f = *state;
    static const char *const prefixes[] = {"first_stage_model.", ""};
    st_list l;
    for (int i = 0; i < 4; i++) {
        read_vae(&l, prefixes[i / 2]);
        list_add(&l, i / 2 ? "loss.logvar" : "first_stage_model.loss.logvar", "F32", 0, NULL);
        list_add(&l, "model_ema.decay", "F32", 0, NULL);
        if (i % 2) ckpt_from_list(&l, f->single, false);
        else list_write(&l, f->single);
        assert_vae(GOLDEN, NULL, f->single);
        assert_vae(CHECKPOINT, GOLDEN, f->single);
        list_free(&l);
    }
}

/* A folder with diffusers' names, a file with them, and the folder of a whole model. */
static void test_vae_folder(void **state)
{
    fixture *f = *state;
    st_list l;
    char folder[400];
    snprintf(folder, sizeof folder, "%s/vae", f->folder);
    list_read(&l, in(f, VAE_FILE));
    for (int i = 0; i < l.count; i++) {
        st_tensor *t = &l.tensor[i];
        const uint16_t bits = float_to_half(0.25f);
        t->bytes /= 2;
        snprintf(t->dtype, sizeof t->dtype, "F16");
        for (size_t at = 0; at < t->bytes; at += 2) memcpy(t->data + at, &bits, 2);
    }
    list_write(&l, in(f, VAE_FILE));
    assert_vae(GOLDEN, NULL, folder);
    assert_vae(CHECKPOINT, GOLDEN, folder);
    assert_vae(GOLDEN, NULL, f->folder);
    assert_vae(GOLDEN, NULL, in(f, VAE_FILE));
    list_rename_all(&l, ".to_out.0.", ".proj_attn.");
    list_rename_all(&l, ".to_q.", ".query.");
    ckpt_from_list(&l, in(f, "vae/diffusion_pytorch_model.bin"), true);
    list_free(&l);
    shell("rm %s", in(f, VAE_FILE));
    assert_vae(GOLDEN, NULL, folder);
}

static void test_model_without_vae(void **state)
{
    fixture *f = *state;
    st_list l;
    char vae[400];
    snprintf(vae, sizeof vae, "%s.vae", f->single);
    read_vae(&l, "");
    list_write(&l, vae);
    list_free(&l);
    list_read(&l, CHECKPOINT);
    list_drop_prefix(&l, "first_stage_model.");
    list_write(&l, f->single);
    list_free(&l);
    assert_refused(f->single, f->folder, "no VAE");
    assert_non_null(strstr(sdcl_last_hint(), "--vae"));
    assert_vae(f->single, f->folder, vae);
}

static void test_vae_refused(void **state)
{
    fixture *f = *state;
    st_list l;
    refuse_vae(f, "/nothing/here", "VAE '/nothing/here'");
    refuse_vae(f, f->tmp.folder, "config.json is missing");
    refuse_vae(f, in(f, TEXT_FILE), "no VAE");
    text_write(f->single, "");
    refuse_vae(f, f->single, "too short");
    read_vae(&l, "");
    list_drop(&l, "decoder.conv_out.bias");
    list_write(&l, f->single);
    refuse_vae(f, f->single, "1 tensor is missing: vae/decoder.conv_out.bias");
    list_add(&l, "decoder.conv_out.bias", "F16", 1, (const uint64_t[]){4});
    list_write(&l, f->single);
    refuse_vae(f, f->single, "vae/decoder.conv_out.bias: shape [4], expected [3]");
    list_free(&l);
}

/* --- relatives that only shapes tell ------------------------------------------------------------------------------ */

static void test_context_widths(void **state)
{
    fixture *f = *state;
    static const struct {
        uint64_t width;
        const char *words;
    } rows[] = {{1024, "Stable Diffusion 2 model (a context of 1024)"}, {2048, "Stable Diffusion XL model"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        st_list l;
        const char *name = "model.diffusion_model.input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight";
        list_read(&l, CHECKPOINT);
        list_drop(&l, name);
        list_add(&l, name, "F16", 2, (const uint64_t[]){16, rows[i].width});
        list_write(&l, f->single);
        list_free(&l);
        assert_refused(f->single, NULL, rows[i].words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(test_both_sets),   WITH_FIXTURE(test_average_alone),  WITH_FIXTURE(test_no_average),
        WITH_FIXTURE(test_vae_file),    WITH_FIXTURE(test_vae_folder),     WITH_FIXTURE(test_model_without_vae),
        WITH_FIXTURE(test_vae_refused), WITH_FIXTURE(test_context_widths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
