/* The manifest's text: what it says, and what is refused. */
#include "detect/model_builder.h"
#include "detect/model_int.h"

static const struct lg_model_file three[] = {
        {"gat-0.safetensors", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
        {"tokens.safetensors", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"},
        {"trees.safetensors", "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"}};

static char *good_text(void)
{
    struct lg_model *m = mb_new(LG_PLATFORM_WINDOWS, 1);
    struct lg_buf out;
    char *text;

    lg_buf_init(&out, 1u << 20);
    lg_manifest_write(m, three, 3, &out);
    assert_int_equal(out.failed, 0);
    lg_buf_addc(&out, '\0');
    text = strdup(out.p);
    lg_buf_done(&out);
    lg_model_free(m);
    return text;
}

static int read_text(const char *text, struct lg_model *m, struct lg_err *err)
{
    struct lg_model_file files[LG_MODEL_MAX_FILES];
    uint32_t n = 0;
    int rc;

    memset(m, 0, sizeof(*m));
    rc = lg_manifest_read(lg_str_z(text), m, files, &n, err);
    m->n_gats = 0; /* no networks behind the number */
    return rc;
}

static void test_there_and_back(void **state)
{
    struct lg_model_file files[LG_MODEL_MAX_FILES];
    struct lg_model *m = mb_new(LG_PLATFORM_WINDOWS, 1), back;
    char *text = good_text();
    struct lg_err err = {0, ""};
    uint32_t n;

    (void)state;
    memset(&back, 0, sizeof(back));
    if (lg_manifest_read(lg_str_z(text), &back, files, &n, &err) != 0)
        fail_msg("%s", err.text);
    assert_string_equal(back.name, m->name);
    assert_string_equal(back.version, m->version);
    assert_int_equal(back.platform, m->platform);
    assert_false(back.experimental);
    assert_int_equal(back.n_gats, 1);
    assert_true(back.view.sources == m->view.sources &&
            back.view.edge_types == m->view.edge_types && back.view.max_nodes == m->view.max_nodes);
    assert_memory_equal(back.scale, m->scale, sizeof(m->scale));
    assert_true(back.calibration_a == m->calibration_a && back.calibration_b == m->calibration_b);
    assert_true(back.threshold == m->threshold);
    assert_string_equal(back.training_json, m->training_json);
    assert_int_equal(n, 3);
    for (uint32_t i = 0; i < n; i++) {
        assert_string_equal(files[i].name, three[i].name);
        assert_string_equal(files[i].sha256, three[i].sha256);
    }
    lg_free(back.training_json);
    lg_model_free(m);
    free(text);
}

/* Keys of a manifest are outside bytes, too: written again they must be the same keys. */
static void test_odd_names_come_back(void **state)
{
    static const char odd[] = "tokens\\\"\t.safetensors";
    struct lg_model_file files[LG_MODEL_MAX_FILES], again[LG_MODEL_MAX_FILES];
    struct lg_model *m = mb_new(LG_PLATFORM_WINDOWS, 1), back, last;
    struct lg_err err = {0, ""};
    struct lg_buf out;
    uint32_t n = 0;

    (void)state;
    memset(&back, 0, sizeof(back));
    memset(&last, 0, sizeof(last));
    lg_buf_init(&out, 1u << 20);
    memcpy(files, three, sizeof(three));
    memcpy(files[1].name, odd, sizeof(odd));
    lg_free(m->training_json);
    m->training_json = lg_strndup("{\"a\\\\\\\"b\":{\"\\n\":1}}", 20);
    lg_manifest_write(m, files, 3, &out);
    assert_int_equal(lg_manifest_read(lg_buf_str(&out), &back, again, &n, &err), 0);
    assert_int_equal(n, 3);
    assert_string_equal(again[1].name, odd);
    assert_string_equal(back.training_json, m->training_json);
    lg_buf_clear(&out);
    lg_manifest_write(&back, again, n, &out);
    assert_int_equal(lg_manifest_read(lg_buf_str(&out), &last, again, &n, &err), 0);
    assert_string_equal(again[1].name, odd);
    assert_string_equal(last.training_json, m->training_json);
    lg_free(back.training_json);
    lg_free(last.training_json);
    lg_buf_done(&out);
    lg_model_free(m);
}

struct bad {
    const char *from, *to;
    int code;
    const char *says;
};

#define NAME64 "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"

static const struct bad bads[] = {
        {"{\"format\"", "[\"format\"", LG_EINVAL, "manifest"},
        {"\"format\":\"logster-model/1\"", "\"format\":\"logster-model/2\"", LG_EUNSUP,
                "logster-model/2"},
        {"\"format\":\"logster-model/1\",", "", LG_EINVAL, "'format' is missing"},
        {"\"format\":\"logster-model/1\"", "\"format\":1", LG_EINVAL, "'format'"},
        {"\"name\":\"small\"", "\"name\":\"\"", LG_EINVAL, "'name' is empty"},
        {"\"name\":\"small\"", "\"name\":\"" NAME64 "\"", LG_EINVAL, "'name' is empty or too long"},
        {"\"name\":\"small\"", "\"name\":\"a\\u0000b\"", LG_EINVAL, "'name'"},
        {"\"version\":\"1.2\",", "", LG_EINVAL, "'version' is missing"},
        {"\"platform\":\"windows\"", "\"platform\":\"amiga\"", LG_EINVAL, "amiga"},
        {"\"experimental\":false", "\"experimental\":0", LG_EINVAL, "'experimental'"},
        {"\"feature_version\":2", "\"feature_version\":1", LG_EUNSUP, "feature version 1"},
        {"\"feature_version\":2", "\"feature_version\":3", LG_EUNSUP, "this program makes"},
        {"\"feature_version\":2", "\"feature_version\":-2", LG_EINVAL, "whole number"},
        {"\"feature_version\":2", "\"feature_version\":2.5", LG_EINVAL, "whole number"},
        {"\"feature_version\":2", "\"feature_version\":\"2\"", LG_EINVAL, "not a number"},
        {"\"seeds\":1", "\"seeds\":0", LG_EINVAL, "no networks"},
        {"\"seeds\":1", "\"seeds\":17", LG_EINVAL, "0..16"},
        {"\"seeds\":1", "\"seeds\":1e300", LG_EINVAL, "0..16"},
        {"\"view\":{", "\"view\":[],\"x\":{", LG_EINVAL, "'view'"},
        {"\"sources\":[", "\"sources\":[\"tarot\",", LG_EINVAL, "unknown source"},
        {"\"sources\":[", "\"sources\":[7,", LG_EINVAL, "unknown source"},
        {"\"edge_types\":[", "\"edge_types\":[\"hops\",", LG_EINVAL, "unknown edge type"},
        {"\"edge_types\":[", "\"edge_types\":[null,", LG_EINVAL, "unknown edge type"},
        {"\"max_nodes\":", "\"max_nodes\":9", LG_EINVAL, "'max_nodes'"},
        {"\"gat\":{", "\"cat\":{", LG_EINVAL, "'gat' is missing"},
        {"\"weight\":0.5", "\"weight\":-0.5", LG_EINVAL, "'gat' is not monotone"},
        {"\"weight\":0.5", "\"weight\":0.6", LG_EINVAL, "sum to 1.1"},
        {"\"weight\":0.5", "\"weight\":1e999", LG_EINVAL, "manifest"},
        {"\"weight\":0.5", "\"weight\":NaN", LG_EINVAL, "manifest"},
        {"\"std\":1.5", "\"std\":0", LG_EINVAL, "'gat' is not monotone"},
        {"\"std\":1.5", "\"std\":-1.5", LG_EINVAL, "'gat' is not monotone"},
        {"\"std\":1.5", "\"std\":1e-300", LG_EINVAL, "out of all reason"},
        {"\"std\":1.5", "\"std\":1e300", LG_EINVAL, "out of all reason"},
        {"\"mean\":0.0", "\"mean\":-1e300", LG_EINVAL, "out of all reason"},
        {"\"a\":2.5", "\"a\":0", LG_EINVAL, "calibration"},
        {"\"a\":2.5", "\"a\":-2.5", LG_EINVAL, "calibration"},
        {"\"a\":2.5", "\"a\":1e300", LG_EINVAL, "calibration"},
        {"\"b\":-0.5", "\"b\":-1e300", LG_EINVAL, "calibration"},
        {"\"b\":-0.5", "\"b\":null", LG_EINVAL, "'b' is not a number"},
        {"\"threshold\":0.75", "\"threshold\":1.01", LG_EINVAL, "threshold"},
        {"\"threshold\":0.75", "\"threshold\":-0.01", LG_EINVAL, "threshold"},
        {"\"files\":{", "\"files\":[],\"x\":{", LG_EINVAL, "'files'"},
        {"\"gat-0.safetensors\"", "\"../gat-0.safetensors\"", LG_EINVAL, "bad file name"},
        {"\"gat-0.safetensors\"", "\"/etc/passwd\"", LG_EINVAL, "bad file name"},
        {"\"gat-0.safetensors\"", "\"a/../../b\"", LG_EINVAL, "bad file name"},
        {"\"gat-0.safetensors\"", "\".hidden\"", LG_EINVAL, "bad file name"},
        {"\"gat-0.safetensors\"", "\"..\"", LG_EINVAL, "bad file name"},
        {"\"gat-0.safetensors\"", "\"\"", LG_EINVAL, "bad file name"},
        {"\"gat-0.safetensors\"", "\"gat-0\\u0000.safetensors\"", LG_EINVAL, "bad file name"},
        {"\"gat-0.safetensors\"", "\"gat-" NAME64 NAME64 ".safetensors\"", LG_EINVAL,
                "bad file name"},
        {"\"tokens.safetensors\"", "\"gat-0.safetensors\"", LG_EINVAL, "twice"},
        {"aaaaaaaa", "aaaaaaa", LG_EINVAL, "bad digest of 'gat-0.safetensors'"},
        {"\"aaaaaaaa", "\"aaaaaaaaa", LG_EINVAL, "bad digest"},
        {"\"aaaaaaaa", "7,\"x\":\"aaaaaaaa", LG_EINVAL, "bad digest"},
        {"\"training\":{", "\"training\":[],\"x\":{", LG_EINVAL, "'training' is not an object"},
        {"}\n", "", LG_EINVAL, "manifest"},
        {"\"name\":\"small\"", "\"name\":\"small\",,", LG_EINVAL, "manifest"},
};

static void test_what_is_refused(void **state)
{
    char *text = good_text();

    (void)state;
    for (size_t i = 0; i < sizeof(bads) / sizeof(*bads); i++) {
        char *bad = mb_replace(text, bads[i].from, bads[i].to);
        struct lg_err err = {0, ""};
        struct lg_model m;
        int rc;

        if (bad == NULL)
            fail_msg("row %zu: '%s' is not in the manifest", i, bads[i].from);
        rc = read_text(bad, &m, &err);
        if (rc != bads[i].code || strstr(err.text, bads[i].says) == NULL)
            fail_msg("%s -> %s: %d '%s'", bads[i].from, bads[i].to, rc, err.text);
        lg_free(m.training_json);
        free(bad);
    }
    free(text);
}

static void test_too_many_files(void **state)
{
    char many[4096] = "\"files\":{", one[128], *text = good_text(), *bad;
    struct lg_err err = {0, ""};
    struct lg_model m;

    (void)state;
    for (int i = 0; i < (int)LG_MODEL_MAX_FILES; i++) {
        (void)snprintf(one, sizeof(one), "\"x%d\":\"%s\",", i, three[0].sha256);
        (void)strncat(many, one, sizeof(many) - strlen(many) - 1);
    }
    bad = mb_replace(text, "\"files\":{", many);
    assert_int_equal(read_text(bad, &m, &err), LG_ELIMIT);
    free(bad);
    free(text);
}

/* The member may stand anywhere, with any white space, and names inside others do not matter. */
static void test_training_text_is_found_wherever_it_stands(void **state)
{
    static const char *const moved[][2] = {
            {"{\"format\"", "{ \"training\" : { \"folds\" : 7 } ,\n\"format\""},
            {"\"files\":{", "\"note\":{\"training\":5},\"files\":{"},
    };
    static const char *const want[] = {"{\"folds\":7}", MB_TRAINING};
    char *text = good_text();

    (void)state;
    for (int i = 0; i < 2; i++) {
        char *other = mb_replace(text, moved[i][0], moved[i][1]);
        struct lg_err err = {0, ""};
        struct lg_model m;

        if (read_text(other, &m, &err) != 0)
            fail_msg("%s", err.text);
        assert_string_equal(m.training_json, want[i]);
        lg_free(m.training_json);
        free(other);
    }
    free(text);
}

static void test_out_of_memory(void **state)
{
    char *text = good_text();
    bool whole = false;

    (void)state;
    for (uint64_t n = 1; !whole && n < 200; n++) {
        struct lg_err err = {0, ""};
        struct lg_model m;
        int rc;

        (void)lg_mem_fail_from(n);
        rc = read_text(text, &m, &err);
        (void)lg_mem_fail_from(0);
        whole = rc == 0;
        assert_true(whole || rc == LG_ENOMEM);
        lg_free(m.training_json);
    }
    assert_true(whole);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_there_and_back),
            cmocka_unit_test(test_odd_names_come_back),
            cmocka_unit_test(test_what_is_refused),
            cmocka_unit_test(test_too_many_files),
            cmocka_unit_test(test_training_text_is_found_wherever_it_stands),
            cmocka_unit_test(test_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
