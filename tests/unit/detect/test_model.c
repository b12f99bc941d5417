/* A model's folder: saved, loaded, refused. */
#include "detect/model_builder.h"

#include "crypto/ids.h"

static char dir[512];

/* Every test starts from a good model of two networks in `dir`. */
static int setup(void **state)
{
    (void)state;
    mb_saved(dir, LG_PLATFORM_LINUX, 2);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    mb_dir_remove(dir);
    return 0;
}

static void refused(int code, const char *says)
{
    struct lg_model *m = NULL;
    struct lg_err err = {0, ""};
    int rc = lg_model_load(dir, &m, &err);

    if (rc != code || strstr(err.text, says) == NULL || m != NULL)
        fail_msg("wanted %d '%s', got %d '%s'", code, says, rc, err.text);
}

static void put_file(const char *name, struct lg_str bytes)
{
    struct lg_err err = {0, ""};

    assert_int_equal(lg_file_write(mb_path(dir, name), bytes, &err), 0);
}

static void change_manifest(const char *from, const char *to)
{
    struct lg_str text = read_file(mb_path(dir, "manifest.json"), 1);
    char *changed = mb_replace(text.p, from, to);

    if (changed == NULL)
        fail_msg("'%s' is not in the manifest", from);
    put_file("manifest.json", lg_str_z(changed));
    free(changed);
    free_file(text);
}

/* Writes `set` as that file and its digest into the manifest. */
static void replace_tensors(const char *name, const struct lg_tensors *set)
{
    char old[LG_SHA256_HEX + 1], new[LG_SHA256_HEX + 1];
    struct lg_err err = {0, ""};

    assert_int_equal(lg_sha256_file(mb_path(dir, name), old), 0);
    assert_int_equal(lg_tensors_save(mb_path(dir, name), set, &err), 0);
    assert_int_equal(lg_sha256_file(mb_path(dir, name), new), 0);
    change_manifest(old, new);
}

static void test_saved_and_loaded_is_the_same(void **state)
{
    struct lg_model *m = mb_loaded(dir), *again;
    struct lg_err err = {0, ""};
    char other[512], sha[LG_SHA256_HEX + 1];

    (void)state;
    assert_int_equal(m->n_gats, 2);
    assert_int_equal(m->platform, LG_PLATFORM_LINUX);
    assert_int_equal(m->trees.n_trees, 2);
    assert_true(m->tokens.bias == -0.25f);
    assert_int_equal(lg_sha256_file(mb_path(dir, "manifest.json"), sha), 0);
    assert_string_equal(m->sha256, sha);
    mb_dir(other);
    assert_int_equal(lg_model_save(m, other, &err), 0);
    assert_string_equal(m->sha256, sha); /* half precision was lost once, not twice */
    assert_int_equal(lg_model_load(other, &again, &err), 0);
    assert_string_equal(again->sha256, sha);
    lg_model_free(again);
    lg_model_free(m);
    mb_dir_remove(other);
    lg_model_free(NULL);
}

static void test_wrong_bytes_are_refused(void **state)
{
    static const char *const names[] = {
            "gat-0.safetensors", "gat-1.safetensors", "tokens.safetensors", "trees.safetensors"};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct lg_str bytes = read_file(mb_path(dir, names[i]), 0);
        char *p = (char *)(uintptr_t)bytes.p;

        p[bytes.n - 1] ^= 1;
        put_file(names[i], bytes);
        refused(LG_ECORRUPT, names[i]);
        refused(LG_ECORRUPT, "SHA-256 is not the manifest's");
        p[bytes.n - 1] ^= 1;
        put_file(names[i], bytes);
        free_file(bytes);
    }
    lg_model_free(mb_loaded(dir));
}

static void test_missing_files(void **state)
{
    (void)state;
    assert_int_equal(unlink(mb_path(dir, "trees.safetensors")), 0);
    refused(LG_ENOENT, "trees.safetensors: cannot be read");
    assert_int_equal(unlink(mb_path(dir, "manifest.json")), 0);
    refused(LG_ENOENT, "manifest.json");
}

static void test_files_that_the_manifest_lacks_or_has_too_many(void **state)
{
    struct lg_str text = read_file(mb_path(dir, "manifest.json"), 1);
    struct lg_str tokens = read_file(mb_path(dir, "tokens.safetensors"), 0);
    char sha[LG_SHA256_HEX + 1], extra[1024], *at;

    (void)state;
    change_manifest("\"tokens.safetensors\":", "\"other.safetensors\":");
    put_file("other.safetensors", tokens);
    refused(LG_EINVAL, "a model has no such file");
    put_file("manifest.json", text);
    lg_sha256_hex(tokens, sha);
    (void)snprintf(extra, sizeof(extra), "\"files\":{\"other.safetensors\":\"%s\",", sha);
    change_manifest("\"files\":{", extra);
    refused(LG_EINVAL, "a model has no such file");
    put_file("manifest.json", text);
    change_manifest("\"seeds\":2", "\"seeds\":3");
    refused(LG_EINVAL, "lacks a member");
    change_manifest("\"seeds\":3", "\"seeds\":1");
    refused(LG_EINVAL, "a model has no such file");
    put_file("manifest.json", text);
    /* networks are numbered from 0 without gaps, in one way */
    (void)snprintf(extra, sizeof(extra), "%s", mb_path(dir, "gat-01.safetensors"));
    assert_int_equal(rename(mb_path(dir, "gat-1.safetensors"), extra), 0);
    change_manifest("\"gat-1.safetensors\"", "\"gat-01.safetensors\"");
    refused(LG_EINVAL, "a model has no such file");
    assert_int_equal(rename(extra, mb_path(dir, "gat-1.safetensors")), 0);
    put_file("manifest.json", text);
    /* no trees at all */
    at = strstr(text.p, ",\"trees.safetensors\"");
    assert_non_null(at);
    (void)snprintf(extra, sizeof(extra), "%.*s", (int)(strchr(at, '}') - at), at);
    change_manifest(extra, "");
    refused(LG_EINVAL, "lacks a member");
    free_file(text);
    free_file(tokens);
}

/* What is not in the manifest is nobody's business: reports lie beside models. */
static void test_other_files_in_the_folder_are_left_alone(void **state)
{
    (void)state;
    put_file("report.md", LG_STR("x"));
    put_file("gat-9.safetensors", LG_STR("rubbish"));
    lg_model_free(mb_loaded(dir));
}

static void test_manifests_that_are_none(void **state)
{
    (void)state;
    put_file("manifest.json", LG_STR(""));
    refused(LG_EINVAL, "manifest.json");
    put_file("manifest.json", LG_STR("null"));
    refused(LG_EINVAL, "not a JSON object");
    put_file("manifest.json", LG_STR("{\"format\":\"\xff\"}"));
    refused(LG_EUNSUP, "format");
    assert_int_equal(unlink(mb_path(dir, "manifest.json")), 0);
    assert_int_equal(mkdir(mb_path(dir, "manifest.json"), 0755), 0);
    refused(LG_EIO, "not a regular file");
    assert_int_equal(rmdir(mb_path(dir, "manifest.json")), 0);
    put_file("manifest.json", LG_STR("{}"));
}

static void test_weights_that_are_no_numbers(void **state)
{
    struct lg_tensors set;
    struct lg_err err = {0, ""};
    float *w;

    (void)state;
    lg_tensors_init(&set);
    assert_int_equal(lg_tensors_load(mb_path(dir, "tokens.safetensors"), &set, &err), 0);
    w = (float *)lg_tensors_find(&set, LG_STR("weight"))->data;
    w[77] = 0.0f / 1.0f;
    memcpy(&w[77], "\x00\x00\xc0\x7f", 4); /* NaN */
    replace_tensors("tokens.safetensors", &set);
    refused(LG_EINVAL, "'weight' holds NaN or infinity at 77");
    lg_tensors_done(&set);
}

static void test_network_with_a_weight_that_is_no_number(void **state)
{
    struct lg_tensors set;
    struct lg_err err = {0, ""};

    (void)state;
    lg_tensors_init(&set);
    assert_int_equal(lg_tensors_load(mb_path(dir, "gat-1.safetensors"), &set, &err), 0);
    for (size_t i = 0; i < set.n; i++)
        if (set.v[i].dtype == LG_F16 && set.v[i].n > 4000) {
            ((uint16_t *)set.v[i].data)[3] = 0x7c00; /* infinity in half precision */
            break;
        }
    replace_tensors("gat-1.safetensors", &set);
    refused(LG_ECORRUPT, "gat-1.safetensors: tensor");
    lg_tensors_done(&set);
}

static void test_network_of_another_shape(void **state)
{
    struct lg_gnn_config cfg;
    struct lg_gnn_model *g;
    struct lg_tensors set;
    struct lg_err err = {0, ""};

    (void)state;
    lg_gnn_config_default(&cfg);
    cfg.feature_version = LG_FEATURE_VERSION;
    cfg.vocab = 64; /* and not LG_TOKEN_VOCAB */
    cfg.dim = 16;
    cfg.heads = 1;
    cfg.layers = 1;
    cfg.node_types = LG_NODE_TYPE_COUNT;
    cfg.num_dim = LG_NODE_NUM;
    cfg.edge_types = LG_EDGE_TYPE_COUNT;
    cfg.attr_bits = LG_EDGE_ATTR_COUNT;
    assert_int_equal(lg_gnn_model_new(&cfg, 1, &g, &err), 0);
    lg_tensors_init(&set);
    assert_int_equal(lg_gnn_model_to_tensors(g, &set, &err), 0);
    replace_tensors("gat-0.safetensors", &set);
    refused(LG_EUNSUP, "has vocab 64");
    lg_tensors_done(&set);
    lg_gnn_model_free(g);
}

static void test_tree_that_would_never_end(void **state)
{
    struct lg_tensors set;
    struct lg_err err = {0, ""};

    (void)state;
    lg_tensors_init(&set);
    assert_int_equal(lg_tensors_load(mb_path(dir, "trees.safetensors"), &set, &err), 0);
    ((int32_t *)lg_tensors_find(&set, LG_STR("left"))->data)[5] = 3;
    replace_tensors("trees.safetensors", &set);
    refused(LG_EINVAL, "child outside");
    lg_tensors_done(&set);
}

/* Half precision: exact where a half is, nearest even elsewhere, saturated above. */
static void test_half_precision(void **state)
{
    static const struct {
        float in, out;
    } rows[] = {{0, 0}, {1, 1}, {-2.5f, -2.5f}, {65504, 65504}, {1e9f, 65504}, {-1e9f, -65504},
            {0x1p-24f, 0x1p-24f}, {0x1p-26f, 0}, {0x1.8p-15f, 0x1.8p-15f}, {1.0f + 0x1p-11f, 1.0f},
            {1.0f + 0x3p-11f, 1.0f + 0x1p-9f}, {0x1.fffp0f, 2.0f}, {0x1.ffep15f, 65504},
            {0x1.001p-14f, 0x1p-14f}, {0x1.ffffp-15f, 0x1p-14f}};
    struct lg_model *m = mb_loaded(dir), *back;
    struct lg_tensors set;
    struct lg_err err = {0, ""};
    struct lg_tensor *big = NULL;
    char name[LG_TENSOR_MAX_NAME + 1];

    (void)state;
    lg_tensors_init(&set);
    assert_int_equal(lg_gnn_model_to_tensors(m->gat[0], &set, &err), 0);
    for (size_t i = 0; i < set.n && big == NULL; i++)
        if (set.v[i].dtype == LG_F32 && set.v[i].ndim == 2 && set.v[i].n >= 4096)
            big = &set.v[i];
    assert_non_null(big);
    (void)snprintf(name, sizeof(name), "%s", big->name);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        ((float *)big->data)[i] = rows[i].in;
    lg_gnn_model_free(m->gat[0]);
    m->gat[0] = NULL;
    assert_int_equal(lg_gnn_model_from_tensors(&set, NULL, &m->gat[0], &err), 0);
    lg_tensors_done(&set);
    assert_int_equal(lg_model_save(m, dir, &err), 0);
    back = mb_loaded(dir);
    lg_tensors_init(&set);
    assert_int_equal(lg_gnn_model_to_tensors(back->gat[0], &set, &err), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        float got = ((float *)lg_tensors_find(&set, lg_str_z(name))->data)[i];

        if (got != rows[i].out)
            fail_msg("%a became %a, not %a", (double)rows[i].in, (double)got, (double)rows[i].out);
    }
    lg_tensors_done(&set);
    lg_model_free(back);
    lg_model_free(m);
}

static void test_files(void **state)
{
    struct lg_err err = {0, ""};
    struct lg_str s;
    static char longest[5000];

    (void)state;
    put_file("x", LG_STR("four"));
    assert_int_equal(lg_file_read(mb_path(dir, "x"), 4, &s, &err), 0);
    assert_int_equal(s.n, 4);
    assert_int_equal(s.p[4], '\0');
    lg_free((void *)(uintptr_t)s.p);
    assert_int_equal(lg_file_read(mb_path(dir, "x"), 3, &s, &err), LG_ELIMIT);
    assert_int_equal(lg_file_read(mb_path(dir, "y"), 3, &s, &err), LG_ENOENT);
    assert_int_equal(lg_file_read(dir, 3, &s, &err), LG_EIO);
    assert_int_equal(lg_file_write(mb_path(dir, "no/such/folder"), LG_STR(""), &err), LG_EIO);
    memset(longest, 'x', sizeof(longest) - 1);
    assert_int_equal(lg_file_write(longest, LG_STR(""), &err), LG_ELIMIT);
    assert_int_equal(mkdir(mb_path(dir, "folder"), 0755), 0);
    assert_int_equal(lg_file_write(mb_path(dir, "folder"), LG_STR("x"), &err), LG_EIO);
    assert_int_equal(rmdir(mb_path(dir, "folder")), 0);
    assert_true(access(mb_path(dir, "folder.tmp"), F_OK) < 0); /* nothing half done stays */
    assert_int_equal(lg_model_load(longest, (struct lg_model **)&longest, &err), LG_ELIMIT);
}

static void test_a_folder_that_cannot_be_made(void **state)
{
    struct lg_model *m = mb_loaded(dir);
    struct lg_err err = {0, ""};

    (void)state;
    put_file("file", LG_STR("x"));
    assert_int_equal(lg_model_save(m, mb_path(dir, "no/such"), &err), LG_EIO);
    assert_true(lg_model_save(m, mb_path(dir, "file"), &err) < 0);
    lg_model_free(m);
}

static void test_out_of_memory(void **state)
{
    bool whole = false;
    uint64_t n;

    (void)state;
    for (n = 1; !whole && n < 3000; n++) {
        struct lg_model *m = NULL;
        struct lg_err err = {0, ""};
        int rc;

        (void)lg_mem_fail_from(n);
        rc = lg_model_load(dir, &m, &err);
        (void)lg_mem_fail_from(0);
        whole = rc == 0;
        if (!whole && rc != LG_ENOMEM)
            fail_msg("allocation %llu: %d %s", (unsigned long long)n, rc, err.text);
        lg_model_free(m);
    }
    assert_true(whole && n > 50);
}

static void test_out_of_memory_while_saving(void **state)
{
    struct lg_model *m = mb_loaded(dir);
    bool whole = false;

    (void)state;
    for (uint64_t n = 1; !whole && n < 3000; n++) {
        int rc;

        (void)lg_mem_fail_from(n);
        rc = lg_model_save(m, dir, NULL);
        (void)lg_mem_fail_from(0);
        whole = rc == 0;
        assert_true(whole || rc == LG_ENOMEM);
    }
    assert_true(whole);
    lg_model_free(m);
    lg_model_free(mb_loaded(dir));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            T(test_saved_and_loaded_is_the_same),
            T(test_wrong_bytes_are_refused),
            T(test_missing_files),
            T(test_files_that_the_manifest_lacks_or_has_too_many),
            T(test_other_files_in_the_folder_are_left_alone),
            T(test_manifests_that_are_none),
            T(test_weights_that_are_no_numbers),
            T(test_network_with_a_weight_that_is_no_number),
            T(test_network_of_another_shape),
            T(test_tree_that_would_never_end),
            T(test_half_precision),
            T(test_files),
            T(test_a_folder_that_cannot_be_made),
            T(test_out_of_memory),
            T(test_out_of_memory_while_saving),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
